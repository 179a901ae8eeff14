//! [`Bucket`]: one bucket, its messages ([`Stored`]), and the watch over whether it is still the one that was opened.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aether_nats::{CallError, NoAnswer, StreamApi, StreamMessage};
use async_nats::HeaderMap;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use super::write::TakesLeases;
use crate::{CoordinationError, Entry, Key, Revision};

/// How long it is taken for granted that the bucket is still the same.
const TRUSTED: Duration = Duration::from_secs(1);

/// A bucket that is open.
#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) api: StreamApi,
    pub(crate) signal_prefix: String,
    pub(crate) deadline: Duration,
    pub(crate) leases: TakesLeases,
    /// When it was created: one that is made anew is another one.
    created: String,
    seen: Mutex<Seen>,
}

/// What was seen of the bucket last.
#[derive(Debug)]
struct Seen {
    /// The highest sequence of a write.
    highest: u64,
    /// When it was found to be the same, and how often the connection had been made then.
    same: (Instant, u64),
    /// Why nothing more is done with it.
    refused: Option<String>,
}

impl Bucket {
    pub(crate) fn new(
        name: String,
        api: StreamApi,
        signal_prefix: String,
        deadline: Duration,
        created: String,
    ) -> Self {
        let same = (Instant::now(), api.inbox().connects());
        let seen = Mutex::new(Seen { highest: 0, same, refused: None });
        Self { name, api, signal_prefix, deadline, leases: TakesLeases::default(), created, seen }
    }

    /// The subject of a key's messages.
    pub(crate) fn subject(&self, key: &Key) -> String {
        format!("$KV.{}.{key}", self.name)
    }

    /// The key's last message, through the leader.
    pub(crate) async fn last(
        &self,
        key: &Key,
        deadline: Instant,
    ) -> Result<Option<Stored>, CoordinationError> {
        let last = self.api.last_with_headers(&self.subject(key), deadline).await;
        let last = last.map_err(|e| self.explain(e))?;
        Ok(last.map(|(message, headers)| Stored::read(message, &headers)))
    }

    /// Looks, if it was not looked just now, whether this is still the bucket that was opened.
    pub(crate) async fn ensure_same(&self, deadline: Instant) -> Result<(), CoordinationError> {
        self.check_not_refused()?;
        let (looked, connects) = self.seen().same;
        if looked.elapsed() < TRUSTED && connects == self.api.inbox().connects() {
            return Ok(());
        }
        self.look(deadline).await.map(|_| ())
    }

    /// Looks whether this is still the bucket that was opened, and gives the last sequence that its leader knows.
    pub(crate) async fn look(&self, deadline: Instant) -> Result<u64, CoordinationError> {
        let connects = self.api.inbox().connects();
        let info = self.api.info(None, deadline).await.map_err(|e| self.explain(e))?;
        self.check_created(&info.created)?;
        self.seen().same = (Instant::now(), connects);
        Ok(info.state.last_seq)
    }

    pub(crate) fn check_created(&self, created: &str) -> Result<(), CoordinationError> {
        if created == self.created {
            return Ok(());
        }
        let Self { name, created: opened, .. } = self;
        Err(self.refuse(format!(
            "bucket {name} was made anew: the one that was opened is of {opened}, this one is of {created}"
        )))
    }

    /// Takes note of the sequence of a write. One that is not the highest tells, together with whether others are under
    /// way, that something may be wrong: it is looked at.
    pub(crate) async fn note(&self, sequence: u64, deadline: Instant) -> Result<(), CoordinationError> {
        let grows = {
            let mut seen = self.seen();
            let grows = sequence > seen.highest;
            seen.highest = seen.highest.max(sequence);
            grows
        };
        if !grows {
            self.look(deadline).await?;
        }
        self.check_not_refused()
    }

    pub(crate) fn check_not_refused(&self) -> Result<(), CoordinationError> {
        match &self.seen().refused {
            Some(reason) => Err(CoordinationError::Refused(reason.clone())),
            None => Ok(()),
        }
    }

    /// The error of a call; if the bucket is not there any more, it is refused from now on.
    pub(crate) fn explain(&self, error: CallError) -> CoordinationError {
        if error.is_stream_missing() {
            return self.refuse(format!("bucket {} was deleted", self.name));
        }
        unavailable(error)
    }

    fn refuse(&self, reason: String) -> CoordinationError {
        self.seen().refused.get_or_insert(reason.clone());
        CoordinationError::Refused(reason)
    }

    /// Nothing is left half done under this lock.
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error of a call that did not come about.
pub(crate) fn unavailable(error: CallError) -> CoordinationError {
    match error {
        CallError::NoAnswer(NoAnswer::Denied(operation)) => CoordinationError::PermissionDenied { operation },
        other => CoordinationError::Unavailable(other.into()),
    }
}

/// How many keys are read at a time.
const AT_A_TIME: usize = 64;

impl Bucket {
    /// The leader names the subjects and gives the last message of each: replicas may be behind, and it is not. Each
    /// question has a deadline of its own, since there may be any number of keys.
    pub(crate) async fn entries(&self, prefix: &Key) -> Result<Vec<Entry>, CoordinationError> {
        let keys = self.keys(prefix).await?;
        let read = stream::iter(keys).map(|key| async move {
            let last = self.last(&key, Instant::now() + self.deadline).await?;
            Ok::<_, CoordinationError>(last.and_then(|last| last.into_entry(&key)))
        });
        let read = read.buffer_unordered(AT_A_TIME).try_filter_map(|entry| async move { Ok(entry) });
        let mut entries: Vec<Entry> = read.try_collect().await?;
        entries.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(entries)
    }

    async fn keys(&self, prefix: &Key) -> Result<Vec<Key>, CoordinationError> {
        self.check_not_refused()?;
        let below = format!("{}.>", self.subject(prefix));
        let start = self.subject(&Key::root("")).len() - 1;
        let (mut keys, mut seen) = (Vec::new(), 0);
        loop {
            let deadline = Instant::now() + self.deadline;
            let page = self.api.info(Some((&below, seen)), deadline).await.map_err(|e| self.explain(e))?;
            self.check_created(&page.created)?;
            let found = page.state.subjects.len();
            seen += found;
            // What no key of ours is called was not written by us.
            let named = page.state.subjects.keys().filter_map(|subject| subject.get(start..));
            keys.extend(named.filter_map(|key| Key::parse(key).ok()));
            if found == 0 || seen >= page.total {
                return Ok(keys);
            }
        }
    }
}

/// What the message does to its key; without it the message is the key's value.
pub(crate) const OPERATION: &str = "KV-Operation";
/// The operation of deleting.
pub(crate) const DELETE: &str = "DEL";
/// Which write it is: no two have the same.
pub(crate) const WRITE: &str = "Aether-Write";
/// What a message expects of its subject; the server stores it with the message.
pub(crate) const EXPECTED: &str = "Nats-Expected-Last-Subject-Sequence";
/// For how many seconds the server keeps a message.
pub(crate) const TTL: &str = "Nats-TTL";
/// Why the server itself has put a marker in the place of a value.
const MARKER: &str = "Nats-Marker-Reason";

/// A message of the bucket.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) sequence: u64,
    pub(crate) value: Bytes,
    /// Whether the key is deleted by it.
    pub(crate) is_marker: bool,
    /// Which write it is, if it was made by this code.
    pub(crate) write: Option<String>,
    /// The sequence of the message that it came right after on its subject, if it said so.
    pub(crate) expected: Option<u64>,
}

impl Stored {
    /// A message with its headers as they are on the wire.
    pub(crate) fn read(message: StreamMessage, headers: &str) -> Self {
        let header = |name: &str| {
            headers.lines().find_map(|line| {
                let (found, value) = line.split_once(':')?;
                found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            })
        };
        Self::new(message.sequence, message.payload, header)
    }

    /// A message as a consumer delivers it.
    pub(crate) fn delivered(sequence: u64, value: Bytes, headers: Option<&HeaderMap>) -> Self {
        let header = |name: &str| {
            let headers = headers?.iter();
            headers
                .filter(|(found, _)| AsRef::<str>::as_ref(found).eq_ignore_ascii_case(name))
                .find_map(|(_, values)| Some(values.first()?.as_str().to_owned()))
        };
        Self::new(sequence, value, header)
    }

    fn new(sequence: u64, value: Bytes, header: impl Fn(&str) -> Option<String>) -> Self {
        let operation = header(OPERATION);
        Self {
            sequence,
            value,
            is_marker: operation.is_some_and(|operation| operation != "PUT") || header(MARKER).is_some(),
            write: header(WRITE),
            expected: header(EXPECTED).and_then(|expected| expected.parse().ok()),
        }
    }

    /// The key as the message leaves it; `None` if that is deleted.
    pub(crate) fn into_entry(self, key: &Key) -> Option<Entry> {
        (!self.is_marker).then(|| Entry::new(key.clone(), self.value, Revision::new(self.sequence)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(headers: &str) -> Stored {
        let time = aether_nats::parse_time("2026-01-01T00:00:00Z").unwrap();
        let (subject, payload) = ("$KV.b.k".into(), "value".into());
        Stored::read(StreamMessage { subject, sequence: 7, time, payload }, headers)
    }

    #[test]
    fn headers_say_what_a_message_is() {
        let plain = parse("");
        assert_eq!((plain.sequence, &plain.value[..], plain.is_marker), (7, &b"value"[..], false));
        let written = parse("NATS/1.0\r\nAether-Write: a1\r\nNats-Expected-Last-Subject-Sequence: 6\r\n\r\n");
        assert_eq!((written.write.as_deref(), written.expected), (Some("a1"), Some(6)));
        for marker in ["KV-Operation: DEL", "KV-Operation:PURGE", "Nats-Marker-Reason: Purge"] {
            assert!(parse(&format!("NATS/1.0\r\n{marker}\r\n\r\n")).is_marker, "{marker}");
        }
    }
}
