//! [`StoredCommit`], a message of the stream, decoded, and [`CommitAssembler`], which puts the parts of a commit over several
//! actors, messages of their own, together.

use std::collections::VecDeque;
use std::sync::Arc;

use aether_core::codec::{Codec, CodecError, Decoded};
use aether_core::{ActorPattern, Head, Position, ReadError, RecordedCommit, RecordedEvent, Version};
use aether_nats::StreamMessage;
use async_nats::Subject;
use bytes::Bytes;
use time::OffsetDateTime;

use crate::head_cache::{Known, LINKS};

/// One commit as the stream has it.
#[derive(Debug, Clone)]
pub(crate) struct StoredCommit {
    pub(crate) subject: Subject,
    pub(crate) sequence: u64,
    pub(crate) time: OffsetDateTime,
    pub(crate) commit: Decoded,
}

impl StoredCommit {
    pub(crate) fn decode(message: StreamMessage) -> Result<Self, ReadError> {
        Self::decoded_by(message, Codec::decode)
    }

    /// Decodes a message for readers that do not follow the links.
    pub(crate) fn decode_unlinked(message: StreamMessage) -> Result<Self, ReadError> {
        Self::decoded_by(message, Codec::decode_unlinked)
    }

    fn decoded_by(
        message: StreamMessage,
        decode: impl FnOnce(&Bytes) -> Result<Decoded, CodecError>,
    ) -> Result<Self, ReadError> {
        let StreamMessage { subject, sequence, time, payload } = message;
        match decode(&payload) {
            Ok(commit) => Ok(Self { subject, sequence, time, commit }),
            Err(e) => Err(ReadError::Corrupt {
                what: format!("message {sequence} on {subject}"),
                source: Some(e.into()),
            }),
        }
    }

    /// The actor's head after this commit.
    pub(crate) fn head(&self) -> Head {
        Head::new(self.sequence, self.commit.version)
    }

    /// The version of the first event; `None` if there are no events.
    pub(crate) fn first_version(&self) -> Option<Version> {
        self.commit.events.first().map(aether_core::Event::version)
    }

    /// The actor's head and links, if this is its last commit.
    pub(crate) fn known(&self) -> Known {
        let older = self.commit.links.iter().flatten().copied();
        let links = std::iter::once(self.sequence).chain(older).take(LINKS).collect();
        Known { head: self.head(), links }
    }

    /// Returns whether this commit links to `previous`, the sequence of the actor's commit before this one (0: none); true
    /// as well if it has no links, being a foreign writer's.
    pub(crate) fn follows(&self, previous: u64) -> bool {
        let linked = self.commit.links.as_ref().map(|links| links.first().copied().unwrap_or(0));
        linked.is_none_or(|linked| linked == previous)
    }

    /// The events, as they are given back.
    pub(crate) fn into_events(self) -> impl Iterator<Item = RecordedEvent> {
        let Self { sequence, time, commit, .. } = self;
        let marks = commit.marks.map(Arc::new);
        commit.events.into_iter().zip(0..).map(move |(event, index)| {
            RecordedEvent::new(event, Position::new(sequence, index), time, marks.clone())
        })
    }

    pub(crate) fn into_recorded(mut self) -> RecordedCommit {
        let (head, time, id) = (self.head(), self.time, self.commit.id);
        let note = self.commit.note.take();
        RecordedCommit::new(head, self.into_events().collect(), note, id, time)
    }
}

/// Holds the parts of a commit back until the last one that is wanted is there. A reader may come upon the first messages
/// of a batch while the server is still storing the rest; they follow each other without gaps.
#[derive(Debug)]
pub(crate) struct CommitAssembler {
    wanted: ActorPattern,
    held: Vec<StoredCommit>,
    /// The sequence of the last part that is wanted of the commit that is held.
    last: u64,
}

impl CommitAssembler {
    /// An assembler for a reader of these actors' messages.
    pub(crate) fn new(wanted: ActorPattern) -> Self {
        Self { wanted, held: Vec::new(), last: 0 }
    }

    /// Returns whether nothing is held back.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Takes the next message; appends to `whole` what is whole now.
    pub(crate) fn add(&mut self, part: StoredCommit, whole: &mut VecDeque<StoredCommit>) {
        let last = self.last_of(&part);
        if self.last != last {
            self.release(whole);
        }
        if self.held.is_empty() && part.sequence >= last {
            whole.push_back(part);
            return;
        }
        self.last = last;
        let is_last = part.sequence >= last;
        self.held.push(part);
        if is_last {
            self.release(whole);
        }
    }

    /// Notes that nothing more comes up to this sequence; appends to `whole` the parts whose rest has been erased.
    pub(crate) fn pass(&mut self, sequence: u64, whole: &mut VecDeque<StoredCommit>) {
        if sequence >= self.last {
            self.release(whole);
        }
    }

    /// Drops what is held back: it will be read again.
    pub(crate) fn forget(&mut self) {
        self.held.clear();
    }

    fn release(&mut self, whole: &mut VecDeque<StoredCommit>) {
        whole.extend(self.held.drain(..));
    }

    /// The sequence of the last part that is wanted of the commit that this is a part of.
    fn last_of(&self, part: &StoredCommit) -> u64 {
        let Some(marks) = &part.commit.marks else { return part.sequence };
        let last = marks.actors.iter().rposition(|actor| self.wanted.matches(actor)).unwrap_or(0);
        (part.sequence + last as u64).saturating_sub(marks.index.into())
    }
}

#[cfg(test)]
mod tests {
    use aether_core::codec::Decoded;
    use aether_core::{ActorId, CommitMarks, Version};
    use time::OffsetDateTime;
    use uuid::Uuid;

    use super::*;

    const NONE: [u64; 0] = [];

    fn actor(id: &str) -> ActorId {
        ActorId::new(id).unwrap()
    }

    /// The part `index` of a commit over these actors, or a commit of one actor.
    fn part(sequence: u64, index: u32, actors: &[&str]) -> StoredCommit {
        let marks = (actors.len() > 1)
            .then(|| CommitMarks::new(Uuid::nil(), index, actors.iter().map(|id| actor(id)).collect()));
        let commit = Decoded {
            actor: actor(actors[index as usize]),
            version: Version::new(1),
            events: Vec::new(),
            note: None,
            links: None,
            id: None,
            marks,
        };
        let (subject, time) = ("s".into(), OffsetDateTime::UNIX_EPOCH);
        StoredCommit { subject, sequence, time, commit }
    }

    fn released(together: &mut CommitAssembler, part: StoredCommit) -> Vec<u64> {
        let mut whole = VecDeque::new();
        together.add(part, &mut whole);
        whole.iter().map(|part| part.sequence).collect()
    }

    #[test]
    fn parts_come_when_the_last_one_is_there() {
        let mut together = CommitAssembler::new(ActorPattern::All);
        let actors = ["a-1", "b-1", "a-2"];
        assert_eq!(released(&mut together, part(7, 0, &["x-1"])), [7]);
        assert_eq!(released(&mut together, part(8, 0, &actors)), NONE);
        assert_eq!(released(&mut together, part(9, 1, &actors)), NONE);
        assert!(!together.is_empty());
        assert_eq!(released(&mut together, part(10, 2, &actors)), [8, 9, 10]);
        assert!(together.is_empty());
    }

    #[test]
    fn only_wanted_parts_are_waited_for() {
        let actors = ["a-1", "b-1", "a-2", "b-2"];
        let mut together = CommitAssembler::new(ActorPattern::category("a"));
        assert_eq!(released(&mut together, part(8, 0, &actors)), NONE);
        assert_eq!(released(&mut together, part(10, 2, &actors)), [8, 10]);
        let mut together = CommitAssembler::new(ActorPattern::Actor(actor("b-1")));
        assert_eq!(released(&mut together, part(9, 1, &actors)), [9]);
    }

    #[test]
    fn reading_may_begin_inside_a_commit() {
        let actors = ["a-1", "b-1", "a-2"];
        let mut together = CommitAssembler::new(ActorPattern::All);
        assert_eq!(released(&mut together, part(9, 1, &actors)), NONE);
        assert_eq!(released(&mut together, part(10, 2, &actors)), [9, 10]);
        assert_eq!(released(&mut together, part(13, 2, &actors)), [13]);
    }

    #[test]
    fn what_was_erased_is_not_waited_for() {
        let actors = ["a-1", "b-1", "a-2"];
        let mut together = CommitAssembler::new(ActorPattern::All);
        assert_eq!(released(&mut together, part(8, 0, &actors)), NONE);
        assert_eq!(released(&mut together, part(11, 0, &["x-1"])), [8, 11]);
        assert_eq!(released(&mut together, part(12, 0, &actors)), NONE);
        let mut whole = VecDeque::new();
        together.pass(13, &mut whole);
        assert!(whole.is_empty());
        together.pass(14, &mut whole);
        assert_eq!(whole.len(), 1);
    }
}
