//! [`NodeId`], [`Incarnation`] and [`Node`]: who is in a cluster.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The longest name of a node, in bytes.
const MAX_LEN: usize = 255;

/// The name of a node, the same each time that it is started. A node is given its shards back by its name, so it should be
/// stable, such as the name of its host or of its pod.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeId(String);

impl NodeId {
    /// A name of 1 to 255 bytes without control characters.
    ///
    /// # Errors
    /// [`InvalidNodeId`] if it is none.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidNodeId> {
        let name = name.into();
        if name.is_empty() || name.len() > MAX_LEN || name.chars().any(char::is_control) {
            return Err(InvalidNodeId { name });
        }
        Ok(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for NodeId {
    type Error = InvalidNodeId;

    fn try_from(name: String) -> Result<Self, InvalidNodeId> {
        Self::new(name)
    }
}

impl From<NodeId> for String {
    fn from(id: NodeId) -> Self {
        id.0
    }
}

impl FromStr for NodeId {
    type Err = InvalidNodeId;

    fn from_str(name: &str) -> Result<Self, InvalidNodeId> {
        Self::new(name)
    }
}

/// A text that is no [`NodeId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not the name of a node: expected 1 to {MAX_LEN} bytes without control characters")]
pub struct InvalidNodeId {
    name: String,
}

/// One start of a node: another one each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Incarnation(Uuid);

impl Incarnation {
    /// A fresh one.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "every call makes another one")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// As a UUID.
    #[must_use]
    pub fn uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for Incarnation {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A node, as it was started.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Node {
    /// Its name.
    pub id: NodeId,
    /// Which start of it this is.
    pub incarnation: Incarnation,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        assert!(NodeId::new("a.b c/ä").is_ok());
        for name in [String::new(), "a\nb".to_owned(), "x".repeat(256)] {
            assert!(NodeId::new(name.clone()).is_err(), "{name:?}");
        }
        assert!(serde_json::from_str::<NodeId>("\"\"").is_err());
    }
}
