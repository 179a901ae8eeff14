//! The actor that is hammered: a list of numbers, so that whoever sees its length and its last knows what came before.

use aether_actor::event::DomainEvent;
use aether_actor::{Actor, Answer, Command, CommandContext, Decision, Handle, Query};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
pub(crate) enum ListEvent {
    Appended { number: u64 },
}

/// Appends a number.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, Command)]
pub(crate) struct Append {
    pub(crate) number: u64,
}

/// Appends a number if the last one is this.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, Command)]
pub(crate) struct AppendAfter {
    pub(crate) last: u64,
    pub(crate) number: u64,
}

/// Saves nothing, and says what is there.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, Command)]
pub(crate) struct Look;

/// The same as a query.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, Query)]
pub(crate) struct Peek;

/// What is there: so many numbers, and the last of them (0 if there is none).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sight {
    pub(crate) len: u64,
    pub(crate) last: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("the last one is another: {0:?}")]
pub(crate) struct AnotherIsLast(pub(crate) Sight);

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct List {
    len: u64,
    last: u64,
}

impl List {
    fn sight(&self) -> Sight {
        Sight { len: self.len, last: self.last }
    }

    fn append(&self, number: u64) -> Decision<Self, Sight> {
        Decision::event(ListEvent::Appended { number }).reply(Sight { len: self.len + 1, last: number })
    }
}

impl Actor for List {
    const CATEGORY: &'static str = "list";
    type Event = ListEvent;
    type Error = AnotherIsLast;
    type Commands = (Append, AppendAfter, Look);
    type Queries = (Peek,);

    fn evolve(&mut self, ListEvent::Appended { number }: &ListEvent) {
        self.len += 1;
        self.last = *number;
    }
}

impl Handle<Append> for List {
    type Reply = Sight;

    fn decide(&self, command: &Append, _: &CommandContext) -> Result<Decision<Self, Sight>, AnotherIsLast> {
        Ok(self.append(command.number))
    }
}

impl Handle<AppendAfter> for List {
    type Reply = Sight;

    fn decide(
        &self,
        command: &AppendAfter,
        _: &CommandContext,
    ) -> Result<Decision<Self, Sight>, AnotherIsLast> {
        if self.last == command.last {
            Ok(self.append(command.number))
        } else {
            Err(AnotherIsLast(self.sight()))
        }
    }
}

impl Handle<Look> for List {
    type Reply = Sight;

    fn decide(&self, _: &Look, _: &CommandContext) -> Result<Decision<Self, Sight>, AnotherIsLast> {
        Ok(Decision::nothing().reply(self.sight()))
    }
}

impl Answer<Peek> for List {
    type Reply = Sight;

    fn answer(&self, _: &Peek) -> Sight {
        self.sight()
    }
}
