//! [`ActorOptions`] and [`SnapshotPolicy`]: how actors of one kind are run.

use std::time::Duration;

use aether_event::UnknownEvents;

/// How actors of one kind are run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ActorOptions {
    /// When snapshots are taken.
    pub snapshots: SnapshotPolicy,
    /// How many commands may wait in a mailbox. Whoever comes then waits until there is room, or its deadline.
    pub mailbox: usize,
    /// How many commands that wait may share one commit. Callers cannot tell the difference: each is decided on the state
    /// that the one before it left. 1: one by one.
    pub commit_size: usize,
    /// How many commands' outcomes are kept in memory, and in snapshots, for commands that are sent again; for older ones
    /// the log is looked through.
    pub remember: usize,
    /// What is done about events of types that the program does not know.
    pub unknown_events: UnknownEvents,
    /// After how long without a command or query an actor leaves memory; `None`: never for that reason.
    pub idle: Option<Duration>,
    /// How often a command is decided again because others were faster, before its callers are told so.
    pub conflicts: u32,
}

impl Default for ActorOptions {
    fn default() -> Self {
        Self {
            snapshots: SnapshotPolicy::default(),
            mailbox: 1024,
            commit_size: 128,
            remember: 128,
            unknown_events: UnknownEvents::Fail,
            idle: Some(Duration::from_secs(120)),
            conflicts: 64,
        }
    }
}

impl ActorOptions {
    /// When snapshots are taken.
    #[must_use]
    pub fn snapshots(mut self, policy: SnapshotPolicy) -> Self {
        self.snapshots = policy;
        self
    }

    /// How many commands may wait in a mailbox; at least 1.
    #[must_use]
    pub fn mailbox(mut self, commands: usize) -> Self {
        self.mailbox = commands.max(1);
        self
    }

    /// How many commands may share one commit; at least 1.
    #[must_use]
    pub fn commit_size(mut self, commands: usize) -> Self {
        self.commit_size = commands.max(1);
        self
    }

    /// One commit for each command that saves something.
    #[must_use]
    pub fn one_by_one(self) -> Self {
        self.commit_size(1)
    }

    /// How many commands' outcomes are kept in memory.
    #[must_use]
    pub fn remember(mut self, commands: usize) -> Self {
        self.remember = commands;
        self
    }

    /// What is done about events of unknown types.
    #[must_use]
    pub fn unknown_events(mut self, policy: UnknownEvents) -> Self {
        self.unknown_events = policy;
        self
    }

    /// After how long an idle actor leaves memory.
    #[must_use]
    pub fn idle(mut self, after: impl Into<Option<Duration>>) -> Self {
        self.idle = after.into();
        self
    }

    /// How often a command is decided again because others were faster.
    #[must_use]
    pub fn conflicts(mut self, attempts: u32) -> Self {
        self.conflicts = attempts.max(1);
        self
    }
}

/// When snapshots of an actor are taken: as soon as one of these is reached. Losing a snapshot loses nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotPolicy {
    /// After so many events.
    pub events: Option<u64>,
    /// After so many bytes of events' data.
    pub bytes: Option<usize>,
    /// So long after the first event that is not in a snapshot, when the next one is saved.
    pub age: Option<Duration>,
    /// When the actor leaves memory and so many events are in no snapshot.
    pub at_passivation: Option<u64>,
}

impl SnapshotPolicy {
    /// No snapshots.
    pub const NEVER: Self = Self { events: None, bytes: None, age: None, at_passivation: None };

    /// After so many events.
    #[must_use]
    pub const fn every(events: u64) -> Self {
        Self { events: Some(events), ..Self::NEVER }
    }

    /// Also after so many bytes of events' data.
    #[must_use]
    pub const fn or_bytes(mut self, bytes: usize) -> Self {
        self.bytes = Some(bytes);
        self
    }

    /// Also so long after the first event that is in no snapshot, when the next one is saved.
    #[must_use]
    pub const fn or_age(mut self, age: Duration) -> Self {
        self.age = Some(age);
        self
    }

    /// Also when the actor leaves memory and so many events are in no snapshot.
    #[must_use]
    pub const fn or_at_passivation(mut self, events: u64) -> Self {
        self.at_passivation = Some(events);
        self
    }
}

impl Default for SnapshotPolicy {
    /// After 100 events or 1 MiB.
    fn default() -> Self {
        Self::every(100).or_bytes(1024 * 1024)
    }
}
