//! [`CommandId`]: what makes a command the same command when it is sent again.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What makes a command the same command when it is sent again: it is executed once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandId(Uuid);

impl CommandId {
    /// A fresh id.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "every call makes another one")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id of a command that has a name of its own, such as the idempotency key of a request: the same for the same
    /// key.
    #[must_use]
    pub fn from_key(key: &str) -> Self {
        Self::hashed(key.as_bytes())
    }

    /// The id of what is done because of this one under a name: the same for the same cause and name.
    #[must_use]
    pub fn caused_by(cause: Uuid, name: &str) -> Self {
        let mut bytes = Vec::with_capacity(16 + name.len());
        bytes.extend_from_slice(cause.as_bytes());
        bytes.extend_from_slice(name.as_bytes());
        Self::hashed(&bytes)
    }

    /// 128 bits of xxh3, as a version 8 UUID.
    fn hashed(bytes: &[u8]) -> Self {
        Self(Uuid::new_v8(xxhash_rust::xxh3::xxh3_128(bytes).to_be_bytes()))
    }

    /// As a UUID.
    #[must_use]
    pub fn uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for CommandId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for CommandId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_cause_and_name_give_the_same_id() {
        let cause = Uuid::now_v7();
        assert_eq!(CommandId::caused_by(cause, "debit"), CommandId::caused_by(cause, "debit"));
        assert_ne!(CommandId::caused_by(cause, "debit"), CommandId::caused_by(cause, "credit"));
        assert_eq!(CommandId::from_key("request-7"), CommandId::from_key("request-7"));
        assert_eq!(CommandId::new().to_string().parse::<CommandId>().unwrap().uuid().get_version_num(), 7);
    }
}
