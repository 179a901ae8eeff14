//! A counter that knows when it has been told to count twice.

use std::collections::BTreeSet;

use aether_actor::event::DomainEvent;
use aether_actor::{Actor, Answer, Command, CommandContext, Decision, Handle, Query};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
pub(crate) enum CounterEvent {
    Counted { ticket: u64 },
}

/// Counts a ticket.
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(crate) struct Count {
    pub(crate) ticket: u64,
}

/// Which tickets were counted.
#[derive(Debug, Serialize, Deserialize, Query)]
pub(crate) struct Tickets;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("ticket {0} was counted before")]
pub(crate) struct Twice(pub(crate) u64);

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Counter {
    tickets: BTreeSet<u64>,
}

impl Actor for Counter {
    const CATEGORY: &'static str = "counter";
    type Event = CounterEvent;
    type Error = Twice;
    type Commands = (Count,);
    type Queries = (Tickets,);

    fn evolve(&mut self, event: &CounterEvent) {
        let CounterEvent::Counted { ticket } = event;
        self.tickets.insert(*ticket);
    }
}

impl Handle<Count> for Counter {
    type Reply = usize;

    fn decide(&self, command: &Count, _: &CommandContext) -> Result<Decision<Self, usize>, Twice> {
        match self.tickets.contains(&command.ticket) {
            true => Err(Twice(command.ticket)),
            false => {
                let counted = CounterEvent::Counted { ticket: command.ticket };
                Ok(Decision::event(counted).reply(self.tickets.len() + 1))
            }
        }
    }
}

impl Answer<Tickets> for Counter {
    type Reply = BTreeSet<u64>;

    fn answer(&self, _: &Tickets) -> BTreeSet<u64> {
        self.tickets.clone()
    }
}
