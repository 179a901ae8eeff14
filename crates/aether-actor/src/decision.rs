//! [`Decision`]: what happens because of a command.

use std::time::Duration;

use serde_json::value::RawValue;
use smallvec::SmallVec;
use time::OffsetDateTime;

use crate::actor::{Actor, Command, Handle};
use crate::effects::handler::Effect;
use crate::list::assert_command_listed;

/// What happens because of a command: events, what the caller gets, and what is to be done once the events stand.
///
/// All of it is saved in one commit, so a timer is set, and an effect is done, if and only if the events stand.
#[derive(Debug)]
#[must_use = "a decision does nothing until the handler returns it"]
pub struct Decision<A: Actor, R = ()> {
    pub(crate) events: SmallVec<[A::Event; 1]>,
    pub(crate) reply: R,
    pub(crate) declared: Vec<Declared>,
}

/// When a timer fires.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum When {
    /// At a time; at once, if it has passed.
    At(OffsetDateTime),
    /// So long after the decision, by the system's clock.
    After(Duration),
}

impl From<OffsetDateTime> for When {
    fn from(at: OffsetDateTime) -> Self {
        Self::At(at)
    }
}

impl From<Duration> for When {
    fn from(after: Duration) -> Self {
        Self::After(after)
    }
}

/// Something that a decision declares beside its events, as it is looked at in tests. Data is JSON, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Declaration<'a> {
    /// A timer is set.
    Timer {
        /// Its name.
        name: &'a str,
        /// When it fires.
        when: When,
        /// The name of the command that it sends.
        command: &'a str,
        /// The command.
        data: Result<&'a str, &'a str>,
    },
    /// A timer is cancelled.
    Cancelled {
        /// Its name.
        name: &'a str,
    },
    /// Something is to be done in the world.
    Effect {
        /// The name of the effect's type.
        name: &'a str,
        /// The effect.
        data: Result<&'a str, &'a str>,
    },
}

/// What is declared beside the events.
#[derive(Debug)]
pub(crate) enum Declared {
    SetTimer { name: String, when: When, command: &'static str, data: Result<Box<RawValue>, Unwritable> },
    CancelTimer { name: String },
    Effect { name: &'static str, data: Result<Box<RawValue>, Unwritable> },
}

impl Declared {
    fn as_declaration(&self) -> Declaration<'_> {
        match self {
            Self::SetTimer { name, when, command, data } => {
                Declaration::Timer { name, when: *when, command, data: json(data) }
            }
            Self::CancelTimer { name } => Declaration::Cancelled { name },
            Self::Effect { name, data } => Declaration::Effect { name, data: json(data) },
        }
    }
}

fn json(data: &Result<Box<RawValue>, Unwritable>) -> Result<&str, &str> {
    data.as_ref().map(|data| data.get()).map_err(|error| error.0.as_str())
}

/// What was declared cannot be written as JSON.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unwritable(String);

fn raw<T: serde::Serialize>(value: &T) -> Result<Box<RawValue>, Unwritable> {
    serde_json::value::to_raw_value(value).map_err(|error| Unwritable(error.to_string()))
}

impl<A: Actor> Decision<A> {
    /// Nothing happens.
    pub fn nothing() -> Self {
        Self { events: SmallVec::new(), reply: (), declared: Vec::new() }
    }

    /// This happens.
    pub fn event(event: A::Event) -> Self {
        Self::events([event])
    }

    /// This happens, in this order.
    pub fn events(events: impl IntoIterator<Item = A::Event>) -> Self {
        Self { events: events.into_iter().collect(), reply: (), declared: Vec::new() }
    }
}

impl<A: Actor, R> Decision<A, R> {
    /// This happens too, after the others.
    pub fn and(mut self, event: A::Event) -> Self {
        self.events.push(event);
        self
    }

    /// What the caller gets.
    pub fn reply<T>(self, reply: T) -> Decision<A, T> {
        Decision { events: self.events, reply, declared: self.declared }
    }

    /// Sets a timer of this actor, which sends it the command at that time (`OffsetDateTime`) or after that long
    /// (`Duration`). One of the same name is replaced.
    ///
    /// The command comes at least once, with an id of its own: it is executed once. One that was cancelled or replaced
    /// before it is executed is not executed, however late.
    pub fn schedule<C: Command>(mut self, name: impl Into<String>, when: impl Into<When>, command: C) -> Self
    where
        A: Handle<C>,
    {
        const { assert_command_listed::<A, C>() };
        let data = raw(&command);
        self.declared.push(Declared::SetTimer {
            name: name.into(),
            when: when.into(),
            command: C::NAME,
            data,
        });
        self
    }

    /// Cancels a timer of this actor, if it is set.
    pub fn cancel(mut self, name: impl Into<String>) -> Self {
        self.declared.push(Declared::CancelTimer { name: name.into() });
        self
    }

    /// Something to be done in the world once the decision stands, by the handler that the system has for it.
    pub fn effect<E: Effect>(mut self, effect: E) -> Self {
        let data = raw(&effect);
        self.declared.push(Declared::Effect { name: E::NAME, data });
        self
    }

    /// The events.
    pub fn as_events(&self) -> &[A::Event] {
        &self.events
    }

    /// The events, taken out.
    pub fn into_events(self) -> impl IntoIterator<Item = A::Event> {
        self.events
    }

    /// What is declared beside the events, in order.
    pub fn declared(&self) -> impl Iterator<Item = Declaration<'_>> {
        self.declared.iter().map(Declared::as_declaration)
    }

    /// What the caller gets.
    pub fn as_reply(&self) -> &R {
        &self.reply
    }

    /// Whether it saves anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.declared.is_empty()
    }
}
