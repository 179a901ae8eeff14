//! [`Entry`]: a commit as the log keeps it, and [`PartEntry`]: one actor's part of it.

use std::slice;
use std::sync::Arc;
use std::time::SystemTime;

use aether_core::{
    ActorId, CommitMarks, Event, Head, Part, Position, RecordedCommit, RecordedEvent, Version,
};
use bytes::Bytes;
use smallvec::SmallVec;
use time::OffsetDateTime;
use uuid::Uuid;

/// One commit.
#[derive(Debug)]
pub(crate) enum Entry {
    /// The common commit, a single event without a note: kept in place, since an allocation would be a tenth of a save.
    Event { event: Event, recorded_at: SystemTime },
    /// Any other.
    Commit(Box<CommitEntry>),
}

/// A commit with a note, of several events or none, or of several actors.
#[derive(Debug)]
pub(crate) struct CommitEntry {
    id: Uuid,
    parts: SmallVec<[PartEntry; 1]>,
    recorded_at: SystemTime,
}

#[derive(Debug)]
struct PartEntry {
    actor: ActorId,
    version: Version,
    events: Vec<Event>,
    /// The index of the first of them in the whole commit.
    first: u32,
    note: Option<Bytes>,
    marks: Option<Arc<CommitMarks>>,
}

impl Entry {
    /// The commit of `parts`, after which the actors are at `versions`.
    pub(crate) fn new(
        parts: &[Part<'_>],
        versions: impl Iterator<Item = Version>,
        recorded_at: SystemTime,
    ) -> Self {
        if let [part] = parts
            && let ([event], None) = (part.events(), part.note())
        {
            return Self::Event { event: Event::clone(event), recorded_at };
        }
        let actors: Vec<ActorId> = match parts {
            [_] => Vec::new(),
            _ => parts.iter().map(|part| part.actor().clone()).collect(),
        };
        let mut first = 0;
        let entries = parts.iter().zip(versions).map(|(part, version)| {
            let marks = || Arc::new(CommitMarks::new(part.commit_id(), part.index(), actors.clone()));
            let events: Vec<Event> = part.events().iter().copied().cloned().collect();
            let entry = PartEntry {
                actor: part.actor().clone(),
                version,
                first,
                note: part.note_bytes(),
                marks: (!actors.is_empty()).then(marks),
                events,
            };
            first += entry.events.len() as u32;
            entry
        });
        let parts_of_entry = entries.collect();
        let id = parts.first().map_or_else(Uuid::nil, Part::commit_id);
        Self::Commit(Box::new(CommitEntry { id, parts: parts_of_entry, recorded_at }))
    }

    /// The parts of the commit, in order; this is the entry at `index` of the log.
    pub(crate) fn parts(&self, index: usize) -> impl Iterator<Item = RecordedPart<'_>> {
        let sequence = sequence(index);
        let (single, several) = match self {
            Self::Event { event, recorded_at } => (
                Some(RecordedPart {
                    sequence,
                    actor: event.actor(),
                    version: event.version(),
                    events: slice::from_ref(event),
                    first: 0,
                    note: None,
                    id: None,
                    marks: None,
                    recorded_at: *recorded_at,
                }),
                None,
            ),
            Self::Commit(commit) => (None, Some(commit)),
        };
        let several = several.into_iter().flat_map(move |commit| {
            commit.parts.iter().map(move |part| RecordedPart {
                sequence,
                actor: &part.actor,
                version: part.version,
                events: &part.events,
                first: part.first,
                note: part.note.as_ref(),
                id: (part.events.is_empty() || part.marks.is_some()).then_some(commit.id),
                marks: part.marks.as_ref(),
                recorded_at: commit.recorded_at,
            })
        });
        single.into_iter().chain(several)
    }

    /// The part of this actor.
    pub(crate) fn part_of(&self, actor: &ActorId, index: usize) -> Option<RecordedPart<'_>> {
        self.parts(index).find(|part| part.actor == actor)
    }
}

/// The sequence number of the commit at this index of the log: 0 is [`Head::NONE`]'s.
pub(crate) fn sequence(index: usize) -> u64 {
    index as u64 + 1
}

/// One actor's part of a commit that is in the log.
#[derive(Debug)]
pub(crate) struct RecordedPart<'l> {
    sequence: u64,
    actor: &'l ActorId,
    version: Version,
    events: &'l [Event],
    first: u32,
    note: Option<&'l Bytes>,
    id: Option<Uuid>,
    marks: Option<&'l Arc<CommitMarks>>,
    recorded_at: SystemTime,
}

impl<'l> RecordedPart<'l> {
    /// The actor's version after the commit.
    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// The events, as readers get them.
    pub(crate) fn events(self) -> impl DoubleEndedIterator<Item = RecordedEvent> + use<'l> {
        let recorded_at = OffsetDateTime::from(self.recorded_at);
        (0..self.events.len()).map(move |i| {
            let position = Position::new(self.sequence, self.first + i as u32);
            RecordedEvent::new(self.events[i].clone(), position, recorded_at, self.marks.cloned())
        })
    }

    /// The commit, as readers get it.
    pub(crate) fn commit(self) -> RecordedCommit {
        let head = Head::new(self.sequence, self.version);
        let (note, id, recorded_at) = (self.note.cloned(), self.id, self.recorded_at.into());
        RecordedCommit::new(head, self.events().collect(), note, id, recorded_at)
    }
}
