//! What a group keeps in keys, and what its members tell each other.

use std::collections::BTreeMap;

use aether_coordination::Key;
use aether_core::{ActorId, Position, Source, Version};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Epoch, MemberId, Parked, Partition};

/// The names of a group's keys.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) group: Key,
    pub(crate) partitions: Key,
    pub(crate) requests: Key,
    pub(crate) letters: Key,
    pub(crate) settings: Key,
    pub(crate) pulse: Key,
}

impl Keys {
    pub(crate) fn new(group: &str) -> Self {
        let group = Key::root(group);
        let child = |name| group.child(name);
        Self {
            partitions: child("partition"),
            requests: child("request"),
            letters: child("letter"),
            settings: child("settings"),
            pulse: child("pulse"),
            group,
        }
    }

    pub(crate) fn partition(&self, partition: Partition) -> Key {
        self.partitions.child(&partition.to_string())
    }

    pub(crate) fn request(&self, actor: &ActorId) -> Key {
        self.requests.child(actor.as_str())
    }

    pub(crate) fn letters_of(&self, actor: &ActorId) -> Key {
        self.letters.child(actor.as_str())
    }

    pub(crate) fn letter(&self, actor: &ActorId, version: Version) -> Key {
        self.letters_of(actor).child(&version.to_string())
    }

    /// The partition of a key below `partitions`.
    pub(crate) fn partition_of(&self, key: &Key) -> Option<Partition> {
        key.is_below(&self.partitions).then(|| key.last().parse().ok().map(Partition::new)).flatten()
    }

    /// The actor of a key below `requests`.
    pub(crate) fn actor_of_request(&self, key: &Key) -> Option<ActorId> {
        key.is_below(&self.requests).then(|| ActorId::new(key.last()).ok()).flatten()
    }
}

/// What all members of a group have in common.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) partitions: u16,
    /// After which position the group begins; `None` if with the first event.
    pub(crate) after: Option<Position>,
}

/// What is kept about a partition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) epoch: Epoch,
    pub(crate) owner: Option<MemberId>,
    pub(crate) position: Option<Position>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) parked: BTreeMap<ActorId, Parked>,
    /// With which version parked actors go on that are being resumed: those before it have been dealt with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) resuming: BTreeMap<ActorId, Version>,
}

/// What somebody wants to be done about a parked actor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Request {
    /// The version of the failed event.
    pub(crate) version: Version,
    /// Why the event is to be left out; `None` if it is to be tried again.
    pub(crate) skip: Option<Skip>,
    /// Why it cannot be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refused: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Skip {
    pub(crate) reason: String,
    pub(crate) by: String,
}

/// What members tell each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Message {
    /// A member is alive.
    Pulse {
        member: MemberId,
        /// Counts the member's pulses.
        count: u64,
        /// Whether whoever hears it should answer at once.
        hello: bool,
    },
    /// A member is gone.
    Goodbye { member: MemberId },
    /// Somebody waits for checkpoints to reach this position.
    Flush { position: Position },
}

pub(crate) fn encode<T: Serialize>(value: &T) -> Bytes {
    // None of the types here has a map whose keys are not texts, or a serializer of its own that fails.
    serde_json::to_vec(value).map(Bytes::from).unwrap_or_default()
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Source> {
    serde_json::from_slice(bytes).map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_name_what_they_are_about() {
        let keys = Keys::new("a.b");
        let actor = ActorId::new("order-1.2 *").unwrap();
        assert_eq!(keys.partition_of(&keys.partition(Partition::new(7))), Some(Partition::new(7)));
        assert_eq!(keys.partition_of(&keys.settings), None);
        assert_eq!(keys.actor_of_request(&keys.request(&actor)), Some(actor.clone()));
        assert!(keys.letter(&actor, Version::new(3)).is_below(&keys.group));
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        let record = Record {
            epoch: Epoch::new(3),
            owner: Some(MemberId::new("a", uuid::Uuid::nil())),
            position: Some(Position::new(7, 1)),
            parked: BTreeMap::from([(
                ActorId::new("order-1").unwrap(),
                Parked {
                    position: Position::new(6, 0),
                    version: Version::new(2),
                    event_id: uuid::Uuid::nil(),
                    event_type: "Placed".to_owned(),
                    error: "no".to_owned(),
                    attempts: 8,
                    since: time::OffsetDateTime::UNIX_EPOCH,
                    epoch: Epoch::new(3),
                },
            )]),
            resuming: BTreeMap::new(),
        };
        assert_eq!(decode::<Record>(&encode(&record)).unwrap(), record);
    }
}
