//! Snapshots: the latest of each actor, in a stream of their own, replaced by compare-and-set.

use aether_core::{ActorId, ActorSnapshot, Head, Payload, ReadError, SnapshotError, SnapshotSaved, Version};
use aether_nats::{Backoff, CallError, NoAnswer, StreamMessage};
use async_nats::Subject;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::head_cache::Known;
use crate::open::bounds;
use crate::save::{HEADER_SIZE, expecting_sequence};
use crate::store::Inner;

/// A snapshot as it is stored.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    actor: ActorId,
    version: Version,
    /// The sequence of the last commit that is in the state; 0 if it is not known.
    sequence: u64,
    /// The time at which the stream of that sequence was created, in nanoseconds since 1970: another stream has other
    /// sequences.
    stream_created: i64,
    #[serde(with = "time::serde::rfc3339")]
    timestamp: OffsetDateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(borrow, default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    state: Option<&'a RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state_base64: Option<String>,
}

/// A `state` of `null` is there all the same.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl Inner {
    fn created_nanos(&self) -> i64 {
        i64::try_from(self.created.unix_timestamp_nanos()).unwrap_or(i64::MAX)
    }

    fn snapshot_subject(&self, actor: &ActorId) -> String {
        let mut subject = format!("{}.", self.snapshots.stream());
        actor.write_subject(&mut subject);
        subject
    }

    pub(crate) async fn save_snapshot(
        &self,
        snapshot: &ActorSnapshot,
    ) -> Result<SnapshotSaved, SnapshotError> {
        let deadline = Instant::now() + self.timeouts.save;
        let subject = Subject::from(self.snapshot_subject(&snapshot.actor));
        let payload = self.encode_snapshot(snapshot)?;
        let (size, limit) = (payload.len() + HEADER_SIZE, self.max_payload());
        if size > limit {
            return Err(SnapshotError::TooLarge { size, limit });
        }
        let mut backoff = Backoff::until(deadline);
        loop {
            let latest = self.snapshots.last(&subject, deadline).await.map_err(snapshot_error)?;
            let newer = latest
                .as_ref()
                .and_then(decode)
                .filter(|(stored, _)| self.is_of_this_stream(stored) && stored.version > snapshot.version);
            if let Some((newer, _)) = newer {
                // One that is ahead of the events is worth nothing, and must not keep others out.
                if !self.is_ahead(&snapshot.actor, newer.version, newer.sequence, deadline).await? {
                    return Ok(SnapshotSaved::Superseded { by: newer.version });
                }
            }
            let headers = expecting_sequence(latest.map_or(0, |latest| latest.sequence));
            match self.snapshots.publish(&subject, headers, payload.clone(), deadline).await {
                Ok(_) => return Ok(SnapshotSaved::Stored),
                // Sent again it can only meet itself or a newer one, so a doubt needs no more than another try.
                Err(e) if (e.is_conflict() || e.is_transient()) && backoff.wait().await => {}
                Err(e) => return Err(snapshot_error(e)),
            }
        }
    }

    pub(crate) async fn load_snapshot(
        &self,
        actor: &ActorId,
    ) -> Result<Option<ActorSnapshot>, SnapshotError> {
        let deadline = Instant::now() + self.timeouts.read;
        let Some((snapshot, sequence)) = self.stored_snapshot(actor, deadline).await? else {
            return Ok(None);
        };
        if self.is_ahead(actor, snapshot.version, sequence, deadline).await? {
            tracing::warn!(%actor, version = %snapshot.version, "ignored a snapshot that is ahead of its actor's events");
            return Ok(None);
        }
        Ok(Some(snapshot))
    }

    /// The stored snapshot of this stream and its sequence; one that cannot be read counts as none.
    async fn stored_snapshot(
        &self,
        actor: &ActorId,
        deadline: Instant,
    ) -> Result<Option<(ActorSnapshot, u64)>, SnapshotError> {
        let latest = self.snapshots.last(&self.snapshot_subject(actor), deadline).await;
        let Some(message) = latest.map_err(snapshot_error)? else { return Ok(None) };
        let Some((stored, state)) = decode(&message) else { return Ok(None) };
        if stored.actor != *actor || !self.is_of_this_stream(&stored) {
            tracing::warn!(%actor, "ignored a snapshot of another stream");
            return Ok(None);
        }
        let mut snapshot =
            ActorSnapshot::of_payload(actor, stored.version, state).with_timestamp(stored.timestamp);
        if stored.sequence > 0 {
            snapshot = snapshot.with_head(Head::new(stored.sequence, stored.version));
        }
        Ok(Some((snapshot, stored.sequence)))
    }

    fn is_of_this_stream(&self, stored: &Stored<'_>) -> bool {
        stored.stream_created == self.created_nanos()
    }

    /// Returns whether the snapshot contains commits that the stream does not have, as after a power loss.
    async fn is_ahead(
        &self,
        actor: &ActorId,
        version: Version,
        sequence: u64,
        deadline: Instant,
    ) -> Result<bool, SnapshotError> {
        match self.last_commit(actor, 0, deadline).await.map_err(read_error)? {
            Some(last) => Ok(last.sequence < sequence || last.commit.version < version),
            // Nothing is left of the actor: expired, if the stream has got that far.
            None if self.retention.is_some() => {
                let (_, last) = bounds(&self.events, deadline).await.map_err(snapshot_error)?;
                Ok(last < sequence)
            }
            None => Ok(true),
        }
    }

    /// Returns the head of an actor without commits in the stream: with retention, its snapshot has it.
    pub(crate) async fn nothing_of(&self, actor: &ActorId) -> Result<Known, ReadError> {
        if self.retention.is_none() {
            return Ok(Known::default());
        }
        let deadline = Instant::now() + self.timeouts.read;
        match self.stored_snapshot(actor, deadline).await {
            Ok(Some((snapshot, _))) => Ok(Known { head: Head::new(0, snapshot.version), ..Known::default() }),
            Ok(None) => Ok(Known::default()),
            Err(SnapshotError::PermissionDenied { operation }) => {
                Err(ReadError::PermissionDenied { operation })
            }
            Err(e) => Err(ReadError::Unavailable(e.into())),
        }
    }

    fn encode_snapshot(&self, snapshot: &ActorSnapshot) -> Result<Bytes, SnapshotError> {
        let head = snapshot.head.filter(|head| head.version() == snapshot.version);
        let (bytes, is_json) = (snapshot.state.bytes(), snapshot.state.is_json());
        let state = bytes.filter(|_| is_json).map(|bytes| serde_json::from_slice(bytes)).transpose();
        let stored = Stored {
            actor: snapshot.actor.clone(),
            version: snapshot.version,
            sequence: head.map_or(0, Head::sequence),
            stream_created: self.created_nanos(),
            timestamp: snapshot.timestamp,
            content_type: snapshot.state.content_type().map(str::to_owned),
            state: state.map_err(|e| SnapshotError::Unavailable(e.into()))?,
            state_base64: bytes.filter(|_| !is_json).map(|bytes| STANDARD.encode(bytes)),
        };
        let encoded = serde_json::to_vec(&stored).map_err(|e| SnapshotError::Unavailable(e.into()))?;
        Ok(encoded.into())
    }
}

/// Decodes a message of the snapshot stream; `None`, and a warning, if it cannot be read.
fn decode(message: &StreamMessage) -> Option<(Stored<'_>, Payload)> {
    let read = || -> Result<_, aether_core::Source> {
        let stored: Stored<'_> = serde_json::from_slice(&message.payload)?;
        let state = match (&stored.content_type, stored.state, &stored.state_base64) {
            (None, _, _) => Payload::absent(),
            (Some(kind), Some(raw), _) => {
                Payload::new(kind.clone(), message.payload.slice_ref(raw.get().as_bytes()))?
            }
            (Some(kind), None, Some(text)) => Payload::new(kind.clone(), STANDARD.decode(text)?)?,
            (Some(_), None, None) => return Err("a content type without a state".into()),
        };
        Ok((stored, state))
    };
    match read() {
        Ok(read) => Some(read),
        Err(error) => {
            tracing::warn!(subject = message.subject.as_str(), %error, "ignored a snapshot that cannot be read");
            None
        }
    }
}

fn snapshot_error(error: CallError) -> SnapshotError {
    match error {
        CallError::NoAnswer(NoAnswer::Denied(operation)) => SnapshotError::PermissionDenied { operation },
        other => SnapshotError::Unavailable(other.into()),
    }
}

fn read_error(error: ReadError) -> SnapshotError {
    match error {
        ReadError::PermissionDenied { operation } => SnapshotError::PermissionDenied { operation },
        other => SnapshotError::Unavailable(other.into()),
    }
}
