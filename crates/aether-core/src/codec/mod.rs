//! How a commit becomes bytes, and bytes a commit.
//!
//! Two encodings, chosen per store, told apart by their first byte; a stream may mix them. Both keep the data of an
//! event as the bytes that it came in.
//!
//! [`Codec::CloudEventsJson`] writes a CloudEvents 1.0 event in structured mode, or the CloudEvents JSON batch format (an
//! array) if the commit has several events, so that any consumer of CloudEvents can read a stream. What Aether adds is in
//! extension attributes:
//!
//! | attribute | on | meaning |
//! |---|---|---|
//! | `version` | every event | the event's version, in decimal (CloudEvents integers have 32 bits) |
//! | `commandid`, `correlationid`, `causationid`, `traceparent` | events that have them | [`Metadata`](crate::Metadata) |
//! | `usermetadata` | events that have any | the user's metadata, a JSON object |
//! | `links` | the first event | the sequences of the actor's commits before this one, newest first; see [`Links`](links) |
//! | `note` | the first event | the commit's note, in base64 |
//! | `commitid`, `commitindex`, `commitactors` | the first event, of commits over several actors | [`CommitMarks`]; the actors as a JSON array |
//! | `headversion` | commits without events | the version that the actor stays at |
//!
//! A commit without events is one CloudEvent of type `aether.commit` with the id of the commit. It has no `version`, which
//! tells it from an event of that type.
//!
//! [`Codec::Bincode`] writes the same envelope with bincode behind the byte 1. It is smaller and faster, and only Aether
//! reads it.

mod bincode;
mod cloudevents;
pub mod links;
mod scan;
mod timestamp;

use bytes::Bytes;
use uuid::Uuid;

use crate::{ActorId, CommitMarks, Event, Part, Source, Version};

/// The encodings of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Codec {
    /// CloudEvents 1.0 in JSON.
    #[default]
    CloudEventsJson,
    /// bincode 2, for Aether alone.
    Bincode,
}

/// The input of [`Codec::encode`]: one actor's part of a commit, and what its store adds.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// The source of the events: the name of the stream.
    pub source: &'a str,
    /// The part.
    pub part: &'a Part<'a>,
    /// The sequences of the actor's commits before this one, newest first.
    pub links: &'a [u64],
    /// The actor's version after the commit.
    pub version: Version,
    /// The whole commit, if it is over several actors.
    pub marks: Option<&'a CommitMarks>,
}

/// A decoded commit: the output of [`Codec::decode`].
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// The actor of the commit.
    pub actor: ActorId,
    /// The actor's version after the commit.
    pub version: Version,
    /// Its events, in order.
    pub events: Vec<Event>,
    /// Its note.
    pub note: Option<Bytes>,
    /// The sequences of the actor's commits before this one, newest first; `None` if the writer gave no list.
    pub links: Option<Vec<u64>>,
    /// The id of a commit without events, or over several actors.
    pub id: Option<Uuid>,
    /// The whole commit, if it is over several actors.
    pub marks: Option<CommitMarks>,
}

/// Bytes that are no commit.
#[derive(Debug, thiserror::Error)]
#[error("not a commit: {what}")]
pub struct CodecError {
    what: String,
    #[source]
    source: Option<Source>,
}

impl CodecError {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), source: None }
    }

    fn because(what: impl Into<String>, source: impl Into<Source>) -> Self {
        Self { what: what.into(), source: Some(source.into()) }
    }
}

impl Codec {
    /// Appends the encoded commit to `out`.
    pub fn encode(self, envelope: &Envelope<'_>, out: &mut Vec<u8>) {
        match self {
            Self::CloudEventsJson => cloudevents::encode(envelope, out),
            Self::Bincode => bincode::encode(envelope, out),
        }
    }

    /// Decodes a commit in whatever encoding. The data of its events shares the memory of `bytes`.
    ///
    /// # Errors
    /// [`CodecError`] if the bytes are no commit. No bytes whatever lead to a panic.
    pub fn decode(bytes: &Bytes) -> Result<Decoded, CodecError> {
        Self::decode_with(bytes, true)
    }

    /// Decodes like [`decode`](Self::decode), for callers that do not follow the links, which may be missing in the result.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn decode_unlinked(bytes: &Bytes) -> Result<Decoded, CodecError> {
        Self::decode_with(bytes, false)
    }

    fn decode_with(bytes: &Bytes, links: bool) -> Result<Decoded, CodecError> {
        match bytes.first() {
            Some(&bincode::MARK) => bincode::decode(bytes),
            Some(b'{' | b'[' | b' ' | b'\t' | b'\r' | b'\n') => cloudevents::decode(bytes, links),
            Some(other) => Err(CodecError::new(format!("unknown encoding {other:#04x}"))),
            None => Err(CodecError::new("no bytes")),
        }
    }
}

#[cfg(test)]
mod tests;
