//! [`Stamp`]: who has sent a message, and how many before it.
//!
//! It stands where a message of NATS has its reply subject: nothing is added to the payload, which stays a CloudEvent; there
//! are no headers, which are dear; and the subject stays the same from message to message, so that servers find subscribers
//! in their caches.

use std::fmt::Write;

/// Who has sent a message, and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) line: Line,
    /// The number of the message among those of its line, from 1.
    pub(super) number: u64,
}

/// The messages of one namespace from one bus, numbered without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Line {
    /// The bus.
    pub(super) origin: u64,
    /// Which of its lines: a namespace gets a new one when the bus has forgotten it in between.
    pub(super) epoch: u64,
}

const MARK: &str = "_AETHER_BUS.";

impl Stamp {
    /// The reply subject, which has room for the largest numbers from the beginning.
    pub(super) fn to_text(self) -> String {
        let Self { line: Line { origin, epoch }, number } = self;
        let mut text = String::with_capacity(MARK.len() + 60);
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{MARK}{origin:x}.{epoch}.{number}");
        text
    }

    /// The stamp in a reply subject; `None` if it has none, so that the message is somebody else's.
    pub(super) fn parse(reply: &str) -> Option<Self> {
        let mut parts = reply.strip_prefix(MARK)?.split('.');
        let origin = u64::from_str_radix(parts.next()?, 16).ok()?;
        let epoch = parts.next()?.parse().ok()?;
        let number = parts.next()?.parse().ok()?;
        parts.next().is_none().then_some(Self { line: Line { origin, epoch }, number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_back() {
        for number in [1, u64::MAX] {
            let stamp = Stamp { line: Line { origin: number, epoch: 7 }, number };
            assert_eq!(Stamp::parse(&stamp.to_text()), Some(stamp));
        }
        for other in ["", "_INBOX.a.b", "_AETHER_BUS.1.2", "_AETHER_BUS.1.2.3.4", "_AETHER_BUS.x.2.3"] {
            assert_eq!(Stamp::parse(other), None, "{other}");
        }
    }
}
