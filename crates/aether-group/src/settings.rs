//! How members agree on what they must have in common.

use std::time::Duration;

use aether_coordination::{Condition, Coordination};
use aether_core::{
    ActorId, Delivery, EventFilter, Position, ReadError, Subscribe, SubscribeFrom, SubscribeOptions,
};
use futures_util::StreamExt;

use crate::GroupError;
use crate::builder::Options;
use crate::record::{Keys, Settings, decode, encode};

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
