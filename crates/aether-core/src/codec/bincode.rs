//! Commits in bincode 2: the same envelope, for Aether alone.
//!
//! bincode is unmaintained, so nothing outside this module names it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bincode::config::{self, Configuration, Limit, LittleEndian, Varint};
use bincode::{BorrowDecode, Encode};
use bytes::Bytes;
use smallvec::SmallVec;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{CodecError, Decoded, Envelope, links};
use crate::payload::{self, Payload};
use crate::{ActorId, CommitMarks, Event, Metadata, Version};

/// The first byte of this encoding; no JSON begins with it.
pub(super) const MARK: u8 = 1;

/// What decoding may allocate, so that a hostile length does not.
const LIMIT: usize = 256 * 1024 * 1024;

const fn configuration() -> Configuration<LittleEndian, Varint, Limit<LIMIT>> {
    config::standard().with_limit::<LIMIT>()
}

#[derive(Encode, BorrowDecode)]
struct WireCommit<'a> {
    source: &'a str,
    actor: &'a str,
    version: u64,
    links: &'a [u8],
    note: Option<&'a [u8]>,
    id: Option<[u8; 16]>,
    marks: Option<WireMarks<'a>>,
    events: Vec<WireEvent<'a>>,
}

#[derive(Encode, BorrowDecode)]
struct WireMarks<'a> {
    index: u32,
    actors: Vec<&'a str>,
}

#[derive(Encode, BorrowDecode)]
struct WireEvent<'a> {
    id: [u8; 16],
    event_type: &'a str,
    version: u64,
    seconds: i64,
    nanos: u32,
    payload: Option<(&'a str, &'a [u8])>,
    metadata: Option<WireMetadata<'a>>,
}

#[derive(Encode, BorrowDecode)]
struct WireMetadata<'a> {
    command_id: Option<&'a str>,
    correlation_id: Option<&'a str>,
    causation_id: Option<&'a str>,
    traceparent: Option<&'a str>,
    user: Vec<(&'a str, &'a str)>,
}

pub(super) fn encode(envelope: &Envelope<'_>, out: &mut Vec<u8>) {
    let part = envelope.part;
    let mut packed = SmallVec::new();
    links::pack(envelope.links, &mut packed);
    let named = part.events().is_empty() || envelope.marks.is_some();
    let commit = WireCommit {
        source: envelope.source,
        actor: part.actor().as_str(),
        version: envelope.version.get(),
        links: &packed,
        note: part.note(),
        id: named.then(|| part.commit_id().into_bytes()),
        marks: envelope.marks.map(|marks| WireMarks {
            index: marks.index,
            actors: marks.actors.iter().map(ActorId::as_str).collect(),
        }),
        events: part.events().iter().map(|event| wire_event(event)).collect(),
    };
    out.push(MARK);
    // Writing to a vector cannot fail, and neither can any of the types above.
    let _ = bincode::encode_into_std_write(commit, out, configuration());
}

fn wire_event(event: &Event) -> WireEvent<'_> {
    let (payload, metadata) = (event.payload(), event.metadata());
    WireEvent {
        id: event.id().into_bytes(),
        event_type: event.event_type(),
        version: event.version().get(),
        seconds: event.timestamp().unix_timestamp(),
        nanos: event.timestamp().nanosecond(),
        payload: payload.content_type().zip(payload.bytes().map(AsRef::as_ref)),
        metadata: (*metadata != Metadata::default()).then(|| WireMetadata {
            command_id: metadata.command_id.as_deref(),
            correlation_id: metadata.correlation_id.as_deref(),
            causation_id: metadata.causation_id.as_deref(),
            traceparent: metadata.traceparent.as_deref(),
            user: metadata.user.iter().map(|(key, value)| (&**key, &**value)).collect(),
        }),
    }
}

pub(super) fn decode(bytes: &Bytes) -> Result<Decoded, CodecError> {
    let body = bytes.get(1..).unwrap_or_default();
    let (commit, read): (WireCommit<'_>, usize) = bincode::borrow_decode_from_slice(body, configuration())
        .map_err(|e| CodecError::because("not an envelope in bincode", e))?;
    if read != body.len() {
        return Err(CodecError::new("bytes behind the envelope"));
    }
    let actor = read_actor(commit.actor)?;
    let mut events: Vec<Event> = Vec::with_capacity(commit.events.len().min(1024));
    for event in commit.events {
        let event = read_event(bytes, &actor, event)?;
        if events.last().is_some_and(|before| before.version() >= event.version()) {
            return Err(CodecError::new("the events of a commit are in ascending versions"));
        }
        events.push(event);
    }
    let id = commit.id.map(Uuid::from_bytes);
    let marks = match (commit.marks, id) {
        (None, _) => None,
        (Some(_), None) => return Err(CodecError::new("a commit over several actors without an id")),
        (Some(marks), Some(id)) => {
            let actors = marks.actors.into_iter().map(read_actor).collect::<Result<_, _>>()?;
            Some(CommitMarks::new(id, marks.index, actors))
        }
    };
    let links =
        links::unpack(commit.links).ok_or_else(|| CodecError::new("the links are no list of links"))?;
    let version = Version::new(commit.version);
    let note = commit.note.map(|note| bytes.slice_ref(note));
    Ok(Decoded { actor, version, events, note, links: Some(links), id, marks })
}

fn read_event(bytes: &Bytes, actor: &ActorId, event: WireEvent<'_>) -> Result<Event, CodecError> {
    if event.version == 0 {
        return Err(CodecError::new("an event of version 0"));
    }
    let timestamp = OffsetDateTime::from_unix_timestamp(event.seconds)
        .and_then(|time| time.replace_nanosecond(event.nanos))
        .ok()
        .filter(|time| (0..=9999).contains(&time.year()))
        .ok_or_else(|| CodecError::new("a timestamp out of range"))?;
    let payload = match event.payload {
        None => Payload::absent(),
        Some(("", _)) => return Err(CodecError::new("an empty content type")),
        Some((payload::JSON, data)) => Payload::trusted(Cow::Borrowed(payload::JSON), bytes.slice_ref(data)),
        Some((content_type, data)) => {
            Payload::trusted(Cow::Owned(content_type.to_owned()), bytes.slice_ref(data))
        }
    };
    let metadata = event.metadata.map_or_else(Metadata::default, |metadata| Metadata {
        command_id: metadata.command_id.map(str::to_owned),
        correlation_id: metadata.correlation_id.map(str::to_owned),
        causation_id: metadata.causation_id.map(str::to_owned),
        traceparent: metadata.traceparent.map(str::to_owned),
        user: metadata
            .user
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect::<BTreeMap<_, _>>(),
    });
    Ok(Event::restore(
        Uuid::from_bytes(event.id),
        event.event_type.to_owned(),
        actor.clone(),
        Version::new(event.version),
        payload,
        metadata,
        timestamp,
    ))
}

fn read_actor(actor: &str) -> Result<ActorId, CodecError> {
    ActorId::new(actor).map_err(|e| CodecError::because("the actor id is none", e))
}
