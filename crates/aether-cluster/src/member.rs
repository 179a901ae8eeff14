//! [`Member`]: what a node says of itself, and [`MemberState`]: how it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::placement::Candidate;
use crate::{Node, NodeId};

/// What a node says of itself when it joins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Member {
    /// Which node it is.
    #[serde(flatten)]
    pub node: Node,
    /// When it was started, by its clock.
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    /// What it is there for, in the user's words.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<String>,
    /// Where it is, such as the rack or the availability zone: shards are spread over zones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// How much it can carry compared with the others; shards are spread by it. 0: it takes none.
    pub weight: u32,
    /// The version of the program.
    #[serde(default)]
    pub version: String,
    /// Whatever else the user wants the others to know.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// The versions of the cluster's messages that it reads: the first and the last.
    pub protocols: (u8, u8),
    /// Whether it is about to leave.
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

    /// Its name.
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

/// How a member is, as another one sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MemberState {
    /// It has said that it is there, and the leader has not admitted it yet.
    Joining,
    /// It is heard.
    Up,
    /// It is not heard any more. The leader gives its shards to others.
    Suspect,
    /// It hands over what it has.
    Leaving,
    /// It has left, was given up, or was started anew.
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
