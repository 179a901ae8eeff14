//! [`NatsBusConfig`]: where on NATS a bus is, and how long it waits.

use std::time::Duration;

use aether_core::codec::Codec;

/// Where on NATS a bus is, and how long it waits. All buses of the same prefix are one bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatsBusConfig {
    pub(super) prefix: String,
    pub(super) codec: Codec,
    pub(super) timeout: Duration,
}

impl NatsBusConfig {
    /// Subjects that begin with `prefix`: tokens of `A-Z`, `a-z`, `0-9`, `_` and `-`, between dots.
    ///
    /// # Errors
    /// [`InvalidPrefix`] if the prefix is something else.
    pub fn new(prefix: impl Into<String>) -> Result<Self, InvalidPrefix> {
        let prefix = prefix.into();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if prefix.len() > 128
            || prefix.split('.').any(|token| token.is_empty() || !token.bytes().all(is_plain))
        {
            return Err(InvalidPrefix { prefix });
        }
        Ok(Self { prefix, ..Self::default() })
    }

    /// How events are encoded; by default as CloudEvents in JSON, which every tool can read. A bus reads all encodings.
    #[must_use]
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// How long it is waited for the network at most, to take an event or to confirm a subscription; by default 5 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl Default for NatsBusConfig {
    /// Subjects that begin with `aether.bus`.
    fn default() -> Self {
        Self { prefix: "aether.bus".to_owned(), codec: Codec::default(), timeout: Duration::from_secs(5) }
    }
}

/// A text that cannot begin a bus's subjects.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{prefix:?} cannot begin subjects: use at most 128 letters, digits, `_` and `-`, with dots between them"
)]
#[non_exhaustive]
pub struct InvalidPrefix {
    /// The text.
    pub prefix: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_has_nothing_that_acts() {
        assert!(NatsBusConfig::new("my-app.bus_1").is_ok());
        for prefix in ["", ".", "a.", "a..b", "a.*", ">", "a b", "é"] {
            assert!(NatsBusConfig::new(prefix).is_err(), "{prefix}");
        }
    }
}
