//! [`Loaded`]: what is known of an actor whose history has been read up to a head.

use std::collections::BTreeMap;

use aether_core::{Event, Head, RecordedCommit, Version};
use aether_event::UnknownEvents;
use bytes::Bytes;
use time::OffsetDateTime;

use super::executed_commands::ExecutedCommands;
use super::system_event::Change;
use crate::error::Poison;
use crate::outcome::{Outcome, read_note};
use crate::panic::caught;
use crate::{Actor, CommandId};

/// An actor's state, and what the runtime knows beside it, as of its head.
#[derive(Debug, Clone)]
pub(crate) struct Loaded<A> {
    pub(crate) state: A,
    pub(crate) head: Head,
    pub(crate) recall: ExecutedCommands,
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
}

impl<A: Actor> Default for Loaded<A> {
    fn default() -> Self {
        Self {
            state: A::default(),
            head: Head::NONE,
            recall: ExecutedCommands::default(),
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
        self.recall.add(head.sequence(), outcomes);
        self.recall.forget(remember);
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
