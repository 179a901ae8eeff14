//! Messages as the server hands them out: [`StreamMessage`] on request, [`Delivery`] from a consumer; and its times.

use std::borrow::Cow;
use std::time::Duration;

use async_nats::Subject;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::CallError;

/// A message of a stream.
#[derive(Debug, Clone)]
pub struct StreamMessage {
    /// The subject.
    pub subject: Subject,
    /// The sequence.
    pub sequence: u64,
    /// The time at which it was stored.
    pub time: OffsetDateTime,
    /// The body.
    pub payload: Bytes,
}

/// A message in the answer to `STREAM.MSG.GET`, its body and headers in base 64.
#[derive(Deserialize)]
pub(crate) struct Got<'a> {
    #[serde(borrow)]
    subject: Cow<'a, str>,
    seq: u64,
    #[serde(borrow, default)]
    data: Cow<'a, str>,
    #[serde(borrow, default)]
    hdrs: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
}

impl Got<'_> {
    pub(crate) fn message(&self) -> Result<StreamMessage, CallError> {
        let (payload, time) = (decode(&self.data)?.into(), parse_time(&self.time)?);
        Ok(StreamMessage { subject: (*self.subject).into(), sequence: self.seq, time, payload })
    }

    /// The headers, as they are on the wire.
    pub(crate) fn headers(&self) -> Result<String, CallError> {
        String::from_utf8(decode(&self.hdrs)?).map_err(|e| CallError::Garbled(e.into()))
    }
}

fn decode(text: &str) -> Result<Vec<u8>, CallError> {
    STANDARD.decode(text).map_err(|e| CallError::Garbled(e.into()))
}

/// The place of a message that a consumer delivered, as the subject for its acknowledgement says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// The number of times that it has been delivered.
    pub attempt: u64,
    /// The sequence in the stream.
    pub sequence: u64,
    /// The number of this delivery among all of the consumer.
    pub delivered: u64,
    /// The time at which it was stored.
    pub time: OffsetDateTime,
    /// The number of messages that waited after it.
    pub pending: u64,
}

impl Delivery {
    /// Parses `$JS.ACK.<stream>.<consumer>.<attempt>.<sequence>.<delivered>.<time>.<pending>`, also with
    /// `<domain>.<account>` after `ACK`, and maybe more at the end, as servers send it with `js_ack_fc_v2`.
    #[must_use]
    pub fn parse(reply: &str) -> Option<Self> {
        let reply = reply.as_bytes();
        let first = match reply.iter().filter(|byte| **byte == b'.').count() {
            8 => 4,
            10.. => 6,
            _ => return None,
        };
        let mut tokens = reply.split(|byte| *byte == b'.').skip(first);
        let mut number = || decimal(tokens.next()?);
        let (attempt, sequence, delivered, nanos) = (number()?, number()?, number()?, number()?);
        let seconds = OffsetDateTime::from_unix_timestamp((nanos / 1_000_000_000).cast_signed()).ok()?;
        let time = seconds.replace_nanosecond((nanos % 1_000_000_000) as u32).ok()?;
        Some(Self { attempt, sequence, delivered, time, pending: number()? })
    }
}

/// Parses a token of digits.
fn decimal(token: &[u8]) -> Option<u64> {
    if token.is_empty() {
        return None;
    }
    token.iter().try_fold(0u64, |number, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

/// Parses a time as the server writes it.
///
/// # Errors
/// [`CallError::Garbled`] if it is none.
pub fn parse_time(text: &str) -> Result<OffsetDateTime, CallError> {
    let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|e| CallError::Garbled(e.into()))?;
    Ok(time.to_offset(time::UtcOffset::UTC))
}

/// Returns a duration in nanoseconds, as JetStream takes them.
#[must_use]
pub fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_read_from_both_forms_of_the_reply() {
        let place =
            |reply| Delivery::parse(reply).map(|place| (place.sequence, place.delivered, place.pending));
        assert_eq!(place("$JS.ACK.s.c.1.17.4.1700000000000000000.9"), Some((17, 4, 9)));
        assert_eq!(place("$JS.ACK._.hash.s.c.1.17.4.1700000000000000000.9"), Some((17, 4, 9)));
        assert_eq!(place("$JS.ACK._.hash.s.c.1.17.4.1700000000000000000.9.token"), Some((17, 4, 9)));
        assert_eq!(place("$JS.ACK.s.c.1.x.4.1700000000000000000.9"), None);
        assert_eq!(place("$JS.ACK.s.c.1.17.4.1700000000000000000."), None);
        assert_eq!(place("$JS.ACK.s.c.1.17.99999999999999999999.1700000000000000000.9"), None);
        assert_eq!(place("short.reply"), None);
    }

    #[test]
    fn the_attempt_is_read_from_both_forms_of_the_reply() {
        let attempt = |reply| Delivery::parse(reply).map(|place| place.attempt);
        assert_eq!(attempt("$JS.ACK.s.c.3.17.4.1700000000000000000.9"), Some(3));
        assert_eq!(attempt("$JS.ACK._.hash.s.c.3.17.4.1700000000000000000.9.token"), Some(3));
        assert_eq!(attempt("$JS.ACK.s.c.x.17.4.1700000000000000000.9"), None);
        assert_eq!(attempt("short.reply"), None);
    }
}
