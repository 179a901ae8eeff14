//! [`ProcessOptions`]: how a process manager is run.

use aether_event::UnknownEvents;

use crate::{ActorOptions, ConsumerOptions};

/// How a process manager is run.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct ProcessOptions {
    /// How processes share its work.
    pub consumer: ConsumerOptions,
    /// How its own actors are run.
    pub actor: ActorOptions,
    /// What is done about events of its sources that the program does not know, since a newer version of it has saved them.
    /// By default they, and what comes after them of the same actor, wait for a process that knows them.
    pub unknown_events: UnknownEvents,
}

impl ProcessOptions {
    /// How processes share its work.
    #[must_use]
    pub fn consumer(mut self, options: ConsumerOptions) -> Self {
        self.consumer = options;
        self
    }

    /// How its own actors are run.
    #[must_use]
    pub fn actor(mut self, options: ActorOptions) -> Self {
        self.actor = options;
        self
    }

    /// What is done about events of its sources that the program does not know.
    #[must_use]
    pub fn unknown_events(mut self, policy: UnknownEvents) -> Self {
        self.unknown_events = policy;
        self
    }
}
