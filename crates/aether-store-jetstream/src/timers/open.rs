//! The stream with the timers: what it must be, making it, and saying what differs.

use std::collections::HashMap;

use aether_core::Unsupported;
use async_nats::Client;
use async_nats::jetstream::stream::{Config, RetentionPolicy};
use serde::Deserialize;
use tokio::time::Instant;

use super::config::stream_name;
use crate::api::{Api, CallError, STREAM_NOT_FOUND};
use crate::config::JetStreamConfig;
use crate::contract::{self, Difference, Holds, Owner};
use crate::open::{self, Missing, OpenError};
use crate::requests::NoAnswer;

/// A stream of this name exists, with another configuration.
const STREAM_NAME_IN_USE: u32 = 10058;
/// The server that has message schedules.
const NEEDS: &str = "nats-server 2.12 or newer";
/// What the stream holds, in its metadata.
const HOLDS: (&str, &str) = ("aether.holds", "timers");

#[derive(Deserialize)]
struct StreamInfo {
    config: Config,
}

/// Opens the stream with the timers of a store.
pub(super) async fn open(
    client: Client,
    store: &JetStreamConfig,
    missing: Missing,
) -> Result<Api, OpenError> {
    // An older server than the store needs is told by the store's own check, unless it is known already.
    if client.try_server_info().is_some() {
        check_server(&client)?;
    }
    let requests = open::connect(client, store).await?;
    check_server(requests.client())?;
    let deadline = Instant::now() + store.timeouts.read;
    let api = Api::new(requests, stream_name(store), store.timeouts.attempt);
    let wanted = wanted(store);
    let found = match info(&api, deadline).await {
        Err(OpenError::NotFound { .. }) if missing == Missing::Create => {
            create(&api, &wanted, deadline).await?
        }
        info => info?,
    };
    let (owner, foreign) = (Owner::of(store), Owner::from_stream(&found));
    if foreign.as_ref() != Some(&owner) {
        return Err(OpenError::ForeignStream { stream: wanted.name, wanted: owner, found: foreign });
    }
    let (breaks, capacity) = compare(&wanted, &found);
    if !breaks.is_empty() {
        return Err(OpenError::Contract { stream: wanted.name, differences: breaks });
    }
    for difference in capacity {
        tracing::warn!(stream = wanted.name, %difference, "the stream differs from the configuration");
    }
    Ok(api)
}

fn check_server(client: &Client) -> Result<(), OpenError> {
    match client.is_server_compatible(2, 12, 0) {
        true => Ok(()),
        false => Err(Unsupported::new("durable timers (scheduled messages)", NEEDS).into()),
    }
}

/// The stream that `store` asks for. It has the rights of one with snapshots, and no limits.
fn wanted(store: &JetStreamConfig) -> Config {
    let snapshots = contract::wanted(store, Holds::Snapshots);
    let name = stream_name(store);
    let metadata: HashMap<String, String> =
        snapshots.metadata.into_iter().chain([(HOLDS.0.to_owned(), HOLDS.1.to_owned())]).collect();
    Config {
        subjects: vec![format!("{name}.>")],
        name,
        metadata,
        retention: RetentionPolicy::WorkQueue,
        max_messages_per_subject: -1,
        allow_message_schedules: true,
        allow_message_ttl: true,
        // The server adds it to schedules.
        allow_rollup: true,
        ..snapshots
    }
}

/// What breaks the contract in `found`, and what only differs in capacity.
fn compare(wanted: &Config, found: &Config) -> (Vec<Difference>, Vec<Difference>) {
    let (mut breaks, capacity) = contract::compare(wanted, found, Holds::Snapshots);
    breaks.retain(|difference| difference.setting != "allow_rollup_hdrs");
    for (setting, found) in
        [("allow_msg_schedules", found.allow_message_schedules), ("allow_msg_ttl", found.allow_message_ttl)]
    {
        if !found {
            breaks.push(Difference { setting, wanted: "true".to_owned(), found: "false".to_owned() });
        }
    }
    // A limit would drop the oldest timers in silence.
    let (limits, capacity): (Vec<_>, Vec<_>) =
        capacity.into_iter().partition(|difference| difference.setting.starts_with("max_"));
    breaks.extend(limits);
    (breaks, capacity)
}

async fn info(api: &Api, deadline: Instant) -> Result<Config, OpenError> {
    let operation = format!("STREAM.INFO.{}", api.stream());
    let info = api.call_until::<StreamInfo>(&operation, &serde_json::Value::Null, deadline).await;
    info.map(|info| info.config).map_err(|e| open_error(e, api.stream()))
}

async fn create(api: &Api, wanted: &Config, deadline: Instant) -> Result<Config, OpenError> {
    let operation = format!("STREAM.CREATE.{}", api.stream());
    let body = serde_json::to_value(wanted).map_err(|e| OpenError::Unavailable(e.into()))?;
    match api.call_until::<StreamInfo>(&operation, &body, deadline).await {
        // Somebody else was faster, or an earlier attempt was: what is there is looked at as it is.
        Err(CallError::Refused(error)) if error.err_code == STREAM_NAME_IN_USE => info(api, deadline).await,
        created => created.map(|info| info.config).map_err(|e| open_error(e, api.stream())),
    }
}

fn open_error(error: CallError, stream: &str) -> OpenError {
    match error {
        CallError::NoAnswer(NoAnswer::Denied(operation)) => OpenError::PermissionDenied { operation },
        CallError::NoAnswer(NoAnswer::NoResponders { .. }) => {
            let needs = "a server with JetStream enabled, and a leader of its cluster";
            Unsupported::new("durable timers", needs).into()
        }
        CallError::Refused(error) if error.err_code == STREAM_NOT_FOUND => {
            OpenError::NotFound { stream: stream.to_owned() }
        }
        CallError::Refused(error) => OpenError::Refused { stream: stream.to_owned(), source: error.into() },
        other => OpenError::Unavailable(other.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    type Change = (&'static str, fn(&mut Config));

    #[test]
    fn each_setting_that_loses_timers_is_named() {
        let wanted = wanted(&JetStreamConfig::new("events").namespace("t").max_bytes(9));
        assert_eq!(compare(&wanted, &wanted), (vec![], vec![]));
        assert_eq!(
            (&*wanted.name, &*wanted.subjects),
            ("t_events_timers", &["t_events_timers.>".to_owned()][..])
        );
        let broken: [Change; 8] = [
            ("metadata aether.holds", |c| c.metadata.clear()),
            ("retention policy", |c| c.retention = RetentionPolicy::Limits),
            ("allow_msg_schedules", |c| c.allow_message_schedules = false),
            ("allow_msg_ttl", |c| c.allow_message_ttl = false),
            ("max_msgs_per_subject", |c| c.max_messages_per_subject = 1),
            ("max_age", |c| c.max_age = Duration::from_secs(9)),
            ("max_bytes", |c| c.max_bytes = 9),
            ("max_msgs", |c| c.max_messages = 9),
        ];
        for (setting, change) in broken {
            let mut found = wanted.clone();
            change(&mut found);
            let (breaks, capacity) = compare(&wanted, &found);
            assert_eq!(breaks.iter().map(|d| d.setting).collect::<Vec<_>>(), [setting]);
            assert_eq!(capacity, []);
        }
        let found = Config { num_replicas: 3, allow_direct: false, ..wanted.clone() };
        assert_eq!(compare(&wanted, &found).1.len(), 2);
    }
}
