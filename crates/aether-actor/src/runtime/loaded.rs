//! [`Loaded`]: an actor whose history has been read up to a head; and its form as a snapshot.

use std::collections::BTreeMap;

use aether_core::{ActorId, ActorSnapshot, Event, Head, Payload, PayloadError, RecordedCommit, Version};
use aether_event::UnknownEvents;
use aether_telemetry::panic::caught;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use super::executed_commands::{ExecutedCommands, StoredCommands};
use super::system_event::Change;
use crate::actor::Actor;
use crate::command_id::CommandId;
use crate::error::Poison;
use crate::options::SnapshotPolicy;
use crate::outcome::{Outcome, read_note};

/// An actor's state, and what the runtime knows beside it, as of its head.
#[derive(Debug, Clone)]
pub(crate) struct Loaded<A> {
    pub(crate) state: A,
    pub(crate) head: Head,
    pub(crate) executed: ExecutedCommands,
    /// The timers that are set, by name: the ids of the commands that they send.
    pub(crate) timers: BTreeMap<String, CommandId>,
    /// What has come since the last snapshot.
    pub(crate) since_snapshot: SinceSnapshot,
}

/// What has been saved since a snapshot was taken.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SinceSnapshot {
    pub(crate) events: u64,
    pub(crate) bytes: usize,
    /// When the first of it was recorded.
    pub(crate) since: Option<OffsetDateTime>,
}

impl SinceSnapshot {
    pub(crate) fn add(&mut self, event: &Event, now: OffsetDateTime) {
        self.events += 1;
        self.bytes += event.payload().len();
        self.since.get_or_insert(now);
    }

    /// Returns whether the policy asks for a snapshot now.
    pub(crate) fn is_due(&self, policy: &SnapshotPolicy, now: OffsetDateTime) -> bool {
        let reached = |limit: Option<u64>, value: u64| limit.is_some_and(|limit| value >= limit.max(1));
        let bytes = policy.bytes.is_some_and(|limit| self.events > 0 && self.bytes >= limit);
        let age = policy.age.is_some_and(|age| self.since.is_some_and(|first| now - first >= age));
        reached(policy.events, self.events) || bytes || age
    }

    /// Returns whether the policy asks for a snapshot when the actor leaves memory.
    pub(crate) fn is_due_at_passivation(&self, policy: &SnapshotPolicy) -> bool {
        policy.at_passivation.is_some_and(|limit| self.events >= limit.max(1))
    }
}

impl<A: Actor> Default for Loaded<A> {
    fn default() -> Self {
        Self {
            state: A::default(),
            head: Head::NONE,
            executed: ExecutedCommands::default(),
            timers: BTreeMap::new(),
            since_snapshot: SinceSnapshot::default(),
        }
    }
}

impl<A: Actor> Loaded<A> {
    /// Takes in a commit that was read. After an error the value must not be used any more.
    pub(crate) fn apply(
        &mut self,
        commit: &RecordedCommit,
        unknown: UnknownEvents,
        remember: usize,
    ) -> Result<(), Poison> {
        for event in &commit.events {
            evolve(&mut self.state, event, unknown)?;
            self.since_snapshot.add(event, commit.recorded_at);
        }
        let version = commit.head.version();
        let outcomes = match &commit.note {
            Some(note) => outcomes_of(note, version)?,
            None => Vec::new(),
        };
        self.advance(commit.head, commit.events.iter().map(|event| &event.event), outcomes, remember)
    }

    /// Takes in what stands beside the state: of a commit that was read, or that has just been saved.
    pub(crate) fn advance<'e>(
        &mut self,
        head: Head,
        events: impl IntoIterator<Item = &'e Event>,
        outcomes: Vec<(CommandId, Outcome)>,
        remember: usize,
    ) -> Result<(), Poison> {
        self.head = head;
        if !self.timers.is_empty() {
            let fired = |id: &CommandId| outcomes.iter().any(|(command, _)| command == id);
            self.timers.retain(|_, id| !fired(id));
        }
        for event in events.into_iter().filter(|event| aether_event::is_system(event.event_type())) {
            let change = Change::of(event).map_err(|error| Poison::Record {
                version: event.version(),
                what: format!("{}: {error}", event.event_type()),
            })?;
            match change {
                Change::TimerSet { name, id } => {
                    self.timers.insert(name, id);
                }
                Change::TimerCancelled { name } => {
                    self.timers.remove(&name);
                }
                Change::Nothing => {}
            }
        }
        self.executed.add(head.sequence(), outcomes);
        self.executed.forget(remember);
        Ok(())
    }
}

/// The outcomes in the note of a commit.
pub(crate) fn outcomes_of(note: &Bytes, version: Version) -> Result<Vec<(CommandId, Outcome)>, Poison> {
    read_note(note).map_err(|what| Poison::Record { version, what: what.to_owned() })
}

/// Takes a recorded event into a state.
pub(crate) fn evolve<A: Actor>(state: &mut A, event: &Event, unknown: UnknownEvents) -> Result<(), Poison> {
    let events = aether_event::decode_with::<A::Event>(event, unknown)?;
    caught(|| events.iter().for_each(|event| state.evolve(event))).map_err(|message| Poison::Panicked {
        version: event.version(),
        event_type: event.event_type().to_owned(),
        message,
    })
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

/// Writes what is loaded of an actor as a snapshot.
pub(crate) fn to_snapshot<A: Actor>(
    actor: &ActorId,
    loaded: &Loaded<A>,
    remember: usize,
    now: OffsetDateTime,
) -> Result<ActorSnapshot, PayloadError> {
    let state = Payload::json(&Written {
        state_version: A::STATE_VERSION,
        state: &loaded.state,
        recall: loaded.executed.to_stored(remember),
        timers: &loaded.timers,
    })?;
    let snapshot = ActorSnapshot::of_payload(actor, loaded.head.version(), state);
    Ok(snapshot.with_head(loaded.head).with_timestamp(now))
}

/// Reads a snapshot; `None` if it is of no use: an older form that is not upcast, or something else altogether.
pub(crate) fn from_snapshot<A: Actor>(snapshot: &ActorSnapshot) -> Option<Loaded<A>> {
    let head = snapshot.head?;
    let read: Read = snapshot.state().ok()?;
    let state = if read.state_version == A::STATE_VERSION {
        read.state
    } else {
        let upcast = || A::upcast_state(read.state_version, read.state);
        caught(upcast).ok().flatten()?
    };
    Some(Loaded {
        state: serde_json::from_value(state).ok()?,
        head,
        executed: ExecutedCommands::from_stored(&read.recall)?,
        timers: read.timers,
        since_snapshot: SinceSnapshot::default(),
    })
}
