//! [`StoredCommit`]: a message of the stream, decoded.

use std::sync::Arc;

use aether_core::codec::{Codec, CodecError, Decoded};
use aether_core::{Head, Position, ReadError, RecordedCommit, RecordedEvent, Version};
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

    /// For who does not follow the links.
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

    /// Where the actor stands, if this is its last commit.
    pub(crate) fn known(&self) -> Known {
        let older = self.commit.links.iter().flatten().copied();
        let links = std::iter::once(self.sequence).chain(older).take(LINKS).collect();
        Known { head: self.head(), links }
    }

    /// Whether `previous`, the sequence of the actor's commit before this one (0: none), is what it links to; true as
    /// well if it links to nothing, being a foreign writer's.
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
