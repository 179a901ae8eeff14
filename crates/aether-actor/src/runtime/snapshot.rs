//! Snapshots: an actor's state, and what the runtime knows beside it, so that loading need not begin at the first event.

use std::collections::BTreeMap;
use std::time::Duration;

use aether_core::{ActorId, ActorSnapshot, Payload, PayloadError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use super::loaded::{Loaded, SinceSnapshot};
use super::executed_commands::{ExecutedCommands, StoredCommands};
use crate::{Actor, CommandId};

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

    pub(crate) fn is_due(&self, since: &SinceSnapshot, now: OffsetDateTime) -> bool {
        let reached = |limit: Option<u64>, value: u64| limit.is_some_and(|limit| value >= limit.max(1));
        let bytes = self.bytes.is_some_and(|limit| since.events > 0 && since.bytes >= limit);
        let age = self.age.is_some_and(|age| since.since.is_some_and(|first| now - first >= age));
        reached(self.events, since.events) || bytes || age
    }

    pub(crate) fn is_due_at_passivation(&self, since: &SinceSnapshot) -> bool {
        self.at_passivation.is_some_and(|limit| since.events >= limit.max(1))
    }
}

impl Default for SnapshotPolicy {
    /// After 100 events or 1 MiB.
    fn default() -> Self {
        Self::every(100).or_bytes(1024 * 1024)
    }
}

#[derive(Serialize)]
struct Written<'a, A> {
    state_version: u32,
    state: &'a A,
    recall: StoredCommands,
    timers: &'a BTreeMap<String, CommandId>,
}

#[derive(Deserialize)]
struct Read {
    state_version: u32,
    state: Value,
    recall: StoredCommands,
    timers: BTreeMap<String, CommandId>,
}

/// The snapshot of an actor as it is loaded.
pub(crate) fn take<A: Actor>(
    actor: &ActorId,
    loaded: &Loaded<A>,
    remember: usize,
    now: OffsetDateTime,
) -> Result<ActorSnapshot, PayloadError> {
    let state = Payload::json(&Written {
        state_version: A::STATE_VERSION,
        state: &loaded.state,
        recall: loaded.recall.to_stored(remember),
        timers: &loaded.timers,
    })?;
    let snapshot = ActorSnapshot::of_payload(actor, loaded.head.version(), state);
    Ok(snapshot.with_head(loaded.head).with_timestamp(now))
}

/// What a snapshot holds. `None` if it is of no use: an older form that is not upcast, or something else altogether.
pub(crate) fn restore<A: Actor>(snapshot: &ActorSnapshot) -> Option<Loaded<A>> {
    let head = snapshot.head?;
    let read: Read = snapshot.state().ok()?;
    let state = if read.state_version == A::STATE_VERSION {
        read.state
    } else {
        let upcast = || A::upcast_state(read.state_version, read.state);
        crate::panic::caught(upcast).ok().flatten()?
    };
    Some(Loaded {
        state: serde_json::from_value(state).ok()?,
        head,
        recall: ExecutedCommands::from_stored(&read.recall)?,
        timers: read.timers,
        since_snapshot: SinceSnapshot::default(),
    })
}
