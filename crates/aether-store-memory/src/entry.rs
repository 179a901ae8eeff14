//! [`Entry`]: a commit as an actor's log keeps it.

use std::sync::Arc;
use std::time::SystemTime;

use aether_core::{CommitMarks, Event, Head, Part, Position, RecordedCommit, RecordedEvent, Version};
use bytes::Bytes;
use smallvec::{SmallVec, smallvec};
use time::OffsetDateTime;
use uuid::Uuid;

/// The events of a commit; one, mostly.
pub(crate) type Events = SmallVec<[RecordedEvent; 1]>;

/// One actor's part of a commit.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    sequence: u64,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    /// The common commit, a single event without a note: kept in place, since an allocation would be a tenth of a save.
    Event(Event, SystemTime),
    /// Any other: the part of this index.
    Part(Arc<Commit>, u32),
}

#[derive(Debug)]
struct Commit {
    id: Uuid,
    recorded_at: SystemTime,
    parts: SmallVec<[CommitPart; 1]>,
}

#[derive(Debug)]
struct CommitPart {
    /// The actor's version after the commit.
    version: Version,
    events: Vec<Event>,
    /// The index of the first of them in the whole commit.
    first: u32,
    note: Option<Bytes>,
    marks: Option<Arc<CommitMarks>>,
}

/// The sequence number of the commit of this index: 0 is [`Head::NONE`]'s.
pub(crate) fn sequence(index: usize) -> u64 {
    index as u64 + 1
}

impl Entry {
    /// The entry of a commit that is a single event without a note.
    pub(crate) fn of_event(sequence: u64, event: Event, recorded_at: SystemTime) -> Self {
        Self { sequence, content: Content::Event(event, recorded_at) }
    }

    /// An entry for each part of a commit, after which their actors are at `versions`.
    pub(crate) fn of_parts(
        sequence: u64,
        parts: &[Part<'_>],
        versions: Vec<Version>,
        recorded_at: SystemTime,
    ) -> impl Iterator<Item = Self> + use<> {
        let id = parts.first().map_or_else(Uuid::nil, Part::commit_id);
        let marks_of = |part: &Part<'_>| {
            let actors = parts.iter().map(|part| part.actor().clone()).collect();
            Arc::new(CommitMarks::new(id, part.index(), actors))
        };
        let mut first = 0;
        let kept = parts.iter().zip(versions).map(|(part, version)| {
            let events: Vec<Event> = part.events().iter().copied().cloned().collect();
            let marks = (parts.len() > 1).then(|| marks_of(part));
            let kept = CommitPart { version, first, note: part.note_bytes(), marks, events };
            first += kept.events.len() as u32;
            kept
        });
        let commit = Arc::new(Commit { id, recorded_at, parts: kept.collect() });
        (0..commit.parts.len() as u32)
            .map(move |index| Self { sequence, content: Content::Part(Arc::clone(&commit), index) })
    }

    /// The actor's version after the commit.
    pub(crate) fn version(&self) -> Version {
        match &self.content {
            Content::Event(event, _) => event.version(),
            Content::Part(commit, part) => commit.parts[*part as usize].version,
        }
    }

    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The actor's events.
    pub(crate) fn events(self) -> Events {
        match self.content {
            Content::Event(event, at) => smallvec![only_event(self.sequence, event, at)],
            Content::Part(commit, part) => commit.events(self.sequence, part).collect(),
        }
    }

    /// The events of the whole commit, of all its actors.
    pub(crate) fn all_events(self) -> Events {
        match self.content {
            Content::Event(event, at) => smallvec![only_event(self.sequence, event, at)],
            Content::Part(commit, _) => {
                let parts = 0..commit.parts.len() as u32;
                parts.flat_map(|part| commit.events(self.sequence, part)).collect()
            }
        }
    }

    /// The actor's commit.
    pub(crate) fn commit(&self) -> RecordedCommit {
        let head = Head::new(self.sequence, self.version());
        match &self.content {
            Content::Event(event, at) => {
                let event = only_event(self.sequence, event.clone(), *at);
                let recorded_at = event.recorded_at;
                RecordedCommit::new(head, vec![event], None, None, recorded_at)
            }
            Content::Part(commit, index) => {
                let part = &commit.parts[*index as usize];
                let id = (part.events.is_empty() || part.marks.is_some()).then_some(commit.id);
                let events = commit.events(self.sequence, *index).collect();
                RecordedCommit::new(head, events, part.note.clone(), id, commit.recorded_at.into())
            }
        }
    }
}

impl Commit {
    fn events(&self, sequence: u64, part: u32) -> impl Iterator<Item = RecordedEvent> {
        let part = &self.parts[part as usize];
        let recorded_at = OffsetDateTime::from(self.recorded_at);
        (part.first..).zip(&part.events).map(move |(index, event)| {
            RecordedEvent::new(event.clone(), Position::new(sequence, index), recorded_at, part.marks.clone())
        })
    }
}

fn only_event(sequence: u64, event: Event, recorded_at: SystemTime) -> RecordedEvent {
    RecordedEvent::new(event, Position::new(sequence, 0), recorded_at.into(), None)
}
