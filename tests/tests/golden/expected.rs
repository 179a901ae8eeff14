//! The content that a recording expects of its events: written from what was given to the store, compared with what a store
//! returns.

use std::collections::BTreeMap;

use aether_core::{ActorSnapshot, Event, Head, Payload, RecordedCommit, RecordedEvent};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::stream::RawPayload;

/// An event with all its fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ExpectedEvent {
    pub(crate) sequence: u64,
    pub(crate) index: u32,
    /// The text form of the position.
    pub(crate) position: String,
    pub(crate) actor: String,
    pub(crate) version: u64,
    pub(crate) id: Uuid,
    pub(crate) event_type: String,
    /// In nanoseconds since 1970.
    pub(crate) timestamp: String,
    pub(crate) payload: Option<(String, RawPayload)>,
    pub(crate) command_id: Option<String>,
    pub(crate) correlation_id: Option<String>,
    pub(crate) causation_id: Option<String>,
    pub(crate) traceparent: Option<String>,
    pub(crate) user: BTreeMap<String, String>,
    /// The commit over several actors: its id, which part this is, all actors.
    pub(crate) marks: Option<(Uuid, u32, Vec<String>)>,
}

impl ExpectedEvent {
    /// An event that was given to a store, which has put it there.
    pub(crate) fn given(event: &Event, sequence: u64, index: u32) -> Self {
        let metadata = event.metadata();
        Self {
            sequence,
            index,
            position: format!("{sequence}.{index}"),
            actor: event.actor().as_str().to_owned(),
            version: event.version().get(),
            id: event.id(),
            event_type: event.event_type().to_owned(),
            timestamp: event.timestamp().unix_timestamp_nanos().to_string(),
            payload: payload_of(event.payload()),
            command_id: metadata.command_id.clone(),
            correlation_id: metadata.correlation_id.clone(),
            causation_id: metadata.causation_id.clone(),
            traceparent: metadata.traceparent.clone(),
            user: metadata.user.clone(),
            marks: None,
        }
    }

    /// An event as a store gives it back.
    pub(crate) fn read(event: &RecordedEvent) -> Self {
        let (sequence, index) = (event.position.sequence(), event.position.index());
        let marks = event.marks.as_ref().map(|marks| {
            let actors = marks.actors.iter().map(|actor| actor.as_str().to_owned()).collect();
            (marks.id, marks.index, actors)
        });
        Self { position: event.position.to_string(), marks, ..Self::given(event, sequence, index) }
    }
}

fn payload_of(payload: &Payload) -> Option<(String, RawPayload)> {
    Some((payload.content_type()?.to_owned(), RawPayload::of(payload.bytes()?)))
}

/// One commit of one actor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ExpectedCommit {
    /// The actor's head once it stood: sequence and version.
    pub(crate) head: (u64, u64),
    /// The ids of its events.
    pub(crate) events: Vec<Uuid>,
    pub(crate) note: Option<RawPayload>,
    /// Of commits without events and of several actors.
    pub(crate) id: Option<Uuid>,
}

impl ExpectedCommit {
    pub(crate) fn read(commit: &RecordedCommit) -> Self {
        Self {
            head: pair(commit.head),
            events: commit.events.iter().map(|event| event.id()).collect(),
            note: commit.note.as_ref().map(|note| RawPayload::of(note)),
            id: commit.id,
        }
    }
}

pub(crate) fn pair(head: Head) -> (u64, u64) {
    (head.sequence(), head.version().get())
}

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ExpectedSnapshot {
    pub(crate) version: u64,
    pub(crate) head: Option<(u64, u64)>,
    pub(crate) state: Option<(String, RawPayload)>,
    pub(crate) timestamp: String,
}

impl ExpectedSnapshot {
    pub(crate) fn of(snapshot: &ActorSnapshot) -> Self {
        Self {
            version: snapshot.version.get(),
            head: snapshot.head.map(pair),
            state: payload_of(&snapshot.state),
            timestamp: snapshot.timestamp.unix_timestamp_nanos().to_string(),
        }
    }
}

/// The expected content of one store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Expected {
    /// In the order of their positions.
    pub(crate) events: Vec<ExpectedEvent>,
    /// By actor.
    pub(crate) commits: BTreeMap<String, Vec<ExpectedCommit>>,
    pub(crate) snapshots: BTreeMap<String, ExpectedSnapshot>,
    /// The subject tokens of actors.
    pub(crate) subjects: BTreeMap<String, String>,
}

pub(crate) fn write_json<T: Serialize>(path: &std::path::Path, value: &T) {
    std::fs::write(path, serde_json::to_string_pretty(value).unwrap() + "\n").unwrap();
}

pub(crate) fn read_json<T: serde::de::DeserializeOwned>(path: &std::path::Path) -> T {
    let text = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
