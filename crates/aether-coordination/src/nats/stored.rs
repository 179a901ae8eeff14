//! [`Stored`]: a message of the bucket.

use aether_nats::StreamMessage;
use async_nats::HeaderMap;
use bytes::Bytes;

use crate::{Entry, Key, Revision};

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
