//! What a group keeps in keys, and what its members tell each other.
//! Also the agreement of the members on the settings, which the first of them writes.

use std::collections::BTreeMap;
use std::time::Duration;

use aether_coordination::{Condition, Coordination, Key};
use aether_core::{
    ActorId, Delivery, EventFilter, Position, ReadError, Source, Subscribe, SubscribeFrom, SubscribeOptions,
    Version,
};
use bytes::Bytes;
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::builder::Options;
use crate::{Epoch, GroupError, MemberId, Parked, Partition};

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
        /// `true` if whoever hears it should answer at once.
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

/// How often a member looks again for settings that another one has made at the same time.
const ATTEMPTS: u32 = 20;
/// How long finding out where "now" is may take.
const NOW_WITHIN: Duration = Duration::from_secs(30);

/// The group's settings, which the first member makes.
pub(crate) async fn agree(
    options: &Options,
    keys: &Keys,
    store: &dyn Subscribe,
    coordination: &dyn Coordination,
) -> Result<Settings, GroupError> {
    let key = &keys.settings;
    let mut failed = None;
    for _ in 0..ATTEMPTS {
        if let Some(entry) = coordination.get(key).await? {
            let settings: Settings = decode(&entry.value)
                .map_err(|source| GroupError::Corrupt { key: key.to_string(), source })?;
            return check(options, settings);
        }
        let settings =
            Settings { partitions: options.partitions, after: resolve(options.from, store).await? };
        match coordination.put(key, encode(&settings), Condition::Absent).await {
            Ok(_) => return Ok(settings),
            // Another member was faster, and it may take a moment until that can be read; or nobody knows.
            Err(error) if error.is_conflict() || error.is_retryable() => failed = Some(error),
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(failed.map_or(GroupError::Stopped, GroupError::from))
}

fn check(options: &Options, settings: Settings) -> Result<Settings, GroupError> {
    if settings.partitions == options.partitions {
        return Ok(settings);
    }
    Err(GroupError::Mismatch {
        group: options.group.to_string(),
        setting: "partitions",
        theirs: settings.partitions.to_string(),
        ours: options.partitions.to_string(),
    })
}

/// The position after which a group begins.
async fn resolve(from: SubscribeFrom, store: &dyn Subscribe) -> Result<Option<Position>, GroupError> {
    match from {
        SubscribeFrom::After(position) => Ok(Some(position)),
        SubscribeFrom::Now => match tokio::time::timeout(NOW_WITHIN, last(store)).await {
            Ok(last) => Ok(last?),
            Err(late) => Err(ReadError::Unavailable(late.into()).into()),
        },
        _ => Ok(None),
    }
}

/// The store's last position: what has gone by when a subscription to nobody's events has caught up.
async fn last(store: &dyn Subscribe) -> Result<Option<Position>, ReadError> {
    let nobody = ActorId::new("=").map_err(|error| ReadError::Unavailable(error.into()))?;
    let options = SubscribeOptions::default().filter(EventFilter::actor(&nobody));
    let mut passing = store.subscribe(&options).await?;
    let mut last = None;
    while let Some(delivery) = passing.next().await.transpose()? {
        if delivery == Delivery::CaughtUp {
            break;
        }
        last = delivery.position().or(last);
    }
    Ok(last)
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
