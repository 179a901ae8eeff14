//! [`NodeId`], [`Incarnation`] and [`Node`]: the identity of a node; [`Member`]: what it publishes about itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::placement::Candidate;

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

    /// Returns the UUID.
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
    /// The name.
    pub id: NodeId,
    /// The incarnation: one start of the node.
    pub incarnation: Incarnation,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

/// The description that a node publishes when it joins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Member {
    /// The identity of the node.
    #[serde(flatten)]
    pub node: Node,
    /// The time of its start, by its clock.
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    /// The roles of the node, in the user's words.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<String>,
    /// The zone of the node, such as the rack or the availability zone: shards are spread over zones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The capacity compared with the others; shards are spread by it. 0: the node takes none.
    pub weight: u32,
    /// The version of the program.
    #[serde(default)]
    pub version: String,
    /// Metadata of the user's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// The versions of the cluster's messages that it reads: the first and the last.
    pub protocols: (u8, u8),
    /// `true` if the node is about to leave.
    #[serde(default)]
    pub leaving: bool,
}

impl Member {
    /// A member with nothing special about it.
    #[must_use]
    pub fn new(node: Node, started_at: OffsetDateTime, protocols: (u8, u8)) -> Self {
        Self {
            node,
            started_at,
            roles: BTreeSet::new(),
            zone: None,
            weight: 1,
            version: String::new(),
            metadata: BTreeMap::new(),
            protocols,
            leaving: false,
        }
    }

    /// The name.
    #[must_use]
    pub fn id(&self) -> &NodeId {
        &self.node.id
    }
}

impl From<&Member> for Candidate {
    fn from(member: &Member) -> Self {
        let mut candidate = Self::new(member.id().clone());
        candidate.weight = member.weight;
        candidate.zone.clone_from(&member.zone);
        candidate
    }
}

/// The state of a member, as another one sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MemberState {
    /// The member has announced itself, and the leader has not admitted it yet.
    Joining,
    /// The member is heard.
    Up,
    /// The member is not heard any more. The leader gives its shards to others.
    Suspect,
    /// The member hands over its shards.
    Leaving,
    /// The member has left, was given up, or was started anew.
    Gone,
}

impl MemberState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Joining, Self::Up, Self::Suspect, Self::Leaving, Self::Gone];

    /// One word for people and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Joining => "joining",
            Self::Up => "up",
            Self::Suspect => "suspect",
            Self::Leaving => "leaving",
            Self::Gone => "gone",
        }
    }
}

impl fmt::Display for MemberState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
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
