//! What a cluster keeps in keys.

use aether_coordination::Key;
use aether_core::Source;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::plan::Epoch;
use crate::{Node, NodeId};

/// The names of a cluster's keys and topics.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) cluster: Key,
    pub(crate) settings: Key,
    pub(crate) leader: Key,
    pub(crate) plan: Key,
    pub(crate) members: Key,
    /// Where nodes let themselves be heard.
    pub(crate) pulse: Key,
}

impl Keys {
    pub(crate) fn new(cluster: &str) -> Self {
        // Consumer groups have their keys in the same bucket, under their names.
        let cluster = Key::root(&format!("cluster:{cluster}"));
        let child = |name| cluster.child(name);
        Self {
            settings: child("settings"),
            leader: child("leader"),
            plan: child("plan"),
            members: child("member"),
            pulse: child("pulse"),
            cluster,
        }
    }

    pub(crate) fn of(&self, name: &Name) -> Key {
        match name {
            Name::Settings => self.settings.clone(),
            Name::Leader => self.leader.clone(),
            Name::Plan => self.plan.clone(),
            Name::Member(node) => self.members.child(node.as_str()),
        }
    }

    /// Which of the cluster's keys this is.
    pub(crate) fn name_of(&self, key: &Key) -> Option<Name> {
        if *key == self.settings {
            Some(Name::Settings)
        } else if *key == self.leader {
            Some(Name::Leader)
        } else if *key == self.plan {
            Some(Name::Plan)
        } else if key.is_below(&self.members) {
            NodeId::new(key.last()).ok().map(Name::Member)
        } else {
            None
        }
    }
}

/// Which of the cluster's keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Name {
    /// [`Settings`].
    Settings,
    /// [`Leader`].
    Leader,
    /// [`Plan`].
    Plan,
    /// [`Member`](crate::Member).
    Member(NodeId),
}

/// What all nodes of a cluster have in common, fixed by the first of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) shards: u16,
}

/// Who leads. A take-over leaves the epoch open: it is the revision of that write, so it is higher than all before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Leader {
    pub(crate) node: Node,
    /// Another one for each take-over, so that a leader knows its own write again.
    pub(crate) nonce: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) epoch: Option<Epoch>,
    /// The highest sequence of the store that was seen: who is started later need not look for what was before.
    #[serde(default)]
    pub(crate) sequence: u64,
}

/// JSON, so that people can read the keys as well.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Bytes {
    // None of the types here has a map whose keys are not texts, or a serializer of its own that fails.
    serde_json::to_vec(value).map(Bytes::from).unwrap_or_default()
}

pub(crate) fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Source> {
    serde_json::from_slice(bytes).map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_name_what_they_are_about() {
        let keys = Keys::new("a.b");
        let member = Name::Member(NodeId::new("host 1.example").unwrap());
        for name in [Name::Settings, Name::Leader, Name::Plan, member] {
            assert_eq!(keys.name_of(&keys.of(&name)), Some(name.clone()));
            assert!(keys.of(&name).is_below(&keys.cluster));
        }
        assert_eq!(keys.name_of(&keys.pulse), None);
    }
}
