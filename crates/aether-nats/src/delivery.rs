//! [`Delivery`]: where a delivered message stands.

use time::OffsetDateTime;

/// The place of a message that a consumer delivered, as the subject for its acknowledgement says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// The number of times that it has been delivered.
    pub attempt: u64,
    /// Its sequence in the stream.
    pub sequence: u64,
    /// Its number among everything that the consumer has delivered.
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

/// The number that a token stands for.
fn decimal(token: &[u8]) -> Option<u64> {
    if token.is_empty() {
        return None;
    }
    token.iter().try_fold(0u64, |number, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
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
