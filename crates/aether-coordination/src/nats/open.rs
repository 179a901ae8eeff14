//! Opening a bucket, and creating it.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::stream::{Config, DiscardPolicy, PersistenceMode, RetentionPolicy, StorageType};
use tokio::time::Instant;

use super::api::{Api, CallError, StreamInfo};
use super::backoff::Backoff;
use super::bucket::{Bucket, STREAM_NOT_FOUND};
use super::config::{NatsConfig, Storage};
use super::requests::{NoAnswer, Requests};
use crate::CoordinationError;

/// The raw namespace, in the metadata of a bucket.
const NAMESPACE: &str = "aether.namespace";
/// The raw name of the bucket, in its metadata.
const BUCKET: &str = "aether.bucket";
/// A stream of this name exists, with another configuration.
const STREAM_NAME_IN_USE: u32 = 10058;
/// JetStream is not enabled, for the server or the account.
const NOT_ENABLED: [u32; 2] = [10039, 10076];

/// Whether the bucket is to be created if it is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    Create,
    Refuse,
}

/// Whose bucket it is.
#[derive(Debug, PartialEq, Eq)]
struct Owner {
    namespace: Option<String>,
    bucket: String,
}

impl Owner {
    fn of(stream: &Config) -> Option<Self> {
        let bucket = stream.metadata.get(BUCKET)?.clone();
        Some(Self { namespace: stream.metadata.get(NAMESPACE).cloned(), bucket })
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "bucket {:?} of namespace {namespace:?}", self.bucket),
            None => write!(f, "bucket {:?} of no namespace", self.bucket),
        }
    }
}

pub(crate) async fn open(
    client: Client,
    config: NatsConfig,
    missing: Missing,
) -> Result<Bucket, CoordinationError> {
    config.validate()?;
    let deadline = Instant::now() + config.deadline;
    wait_until_connected(&client, deadline).await?;
    let requests = Requests::new(client).await.map_err(|e| CoordinationError::Unavailable(e.into()))?;
    let (name, stream) = (config.bucket_name(), config.stream_name());
    let api = Api::new(requests, stream, config.attempt);
    let wanted = wanted(&config);
    let info = match api.info(None, deadline).await {
        Err(e) if e.number() == STREAM_NOT_FOUND && missing == Missing::Create => {
            create(&api, &wanted, deadline).await
        }
        info => info,
    };
    let info = info.map_err(|e| not_opened(e, &name))?;
    check(&name, &wanted, &info.config)?;
    let bucket = Bucket::new(name, api, config.signal_prefix, config.deadline, info.created);
    bucket.leases.note(&info.config);
    Ok(bucket)
}

async fn wait_until_connected(client: &Client, deadline: Instant) -> Result<(), CoordinationError> {
    let mut backoff = Backoff::until(deadline);
    while client.try_server_info().is_none() {
        if !backoff.wait().await {
            return Err(CoordinationError::Unavailable("the client has not been connected yet".into()));
        }
    }
    Ok(())
}

async fn create(api: &Api, wanted: &Config, deadline: Instant) -> Result<StreamInfo, CallError> {
    let body = serde_json::to_value(wanted).map_err(|e| CallError::Garbled(e.into()))?;
    match api.call_until("STREAM.CREATE", &body, deadline).await {
        // Somebody else was faster, or an earlier attempt was: what is there is looked at as it is.
        Err(e) if e.number() == STREAM_NAME_IN_USE => api.info(None, deadline).await,
        created => created,
    }
}

fn not_opened(error: CallError, bucket: &str) -> CoordinationError {
    match error {
        e if e.number() == STREAM_NOT_FOUND => CoordinationError::Refused(format!(
            "bucket {bucket} does not exist; create it with NatsCoordination::create, which needs the right to create streams"
        )),
        e if NOT_ENABLED.contains(&e.number()) => {
            CoordinationError::Refused("a server and an account with JetStream enabled are needed".into())
        }
        CallError::NoAnswer(NoAnswer::NoResponders { .. }) => CoordinationError::Unavailable(
            "a server with JetStream enabled is needed, and a leader of its cluster".into(),
        ),
        CallError::Refused(error) => {
            CoordinationError::Refused(format!("the server refused bucket {bucket}: {error}"))
        }
        other => other.into(),
    }
}

/// The stream that is the bucket, as `nats kv` makes them.
fn wanted(config: &NatsConfig) -> Config {
    let mut metadata = HashMap::from([(BUCKET.to_owned(), config.bucket.clone())]);
    if let Some(namespace) = &config.namespace {
        metadata.insert(NAMESPACE.to_owned(), namespace.clone());
    }
    Config {
        name: config.stream_name(),
        subjects: vec![format!("$KV.{}.>", config.bucket_name())],
        metadata,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        num_replicas: config.replicas,
        storage: match config.storage {
            Storage::File => StorageType::File,
            Storage::Memory => StorageType::Memory,
        },
        max_messages_per_subject: 1,
        max_messages: -1,
        max_bytes: -1,
        deny_delete: true,
        allow_rollup: true,
        allow_direct: true,
        allow_message_ttl: true,
        ..Config::default()
    }
}

/// Whether the bucket is ours and can keep the contract.
fn check(name: &str, wanted: &Config, found: &Config) -> Result<(), CoordinationError> {
    let (owner, foreign) = (Owner::of(wanted), Owner::of(found));
    if let Some(owner) = owner.filter(|owner| foreign.as_ref() != Some(owner)) {
        let found =
            foreign.map_or("was not made by Aether".to_owned(), |foreign| format!("is the {foreign}"));
        return Err(CoordinationError::Refused(format!("bucket {name} is not the {owner}: it {found}")));
    }
    let asynchronous = matches!(found.persist_mode, Some(PersistenceMode::Async));
    let breaks = [
        ("its subjects are others", found.subjects != wanted.subjects),
        ("its retention policy is another", found.retention != wanted.retention),
        ("its discard policy is another: it would drop keys", found.discard != wanted.discard),
        ("it keeps a history", found.max_messages_per_subject != 1),
        ("its keys expire", found.max_age != Duration::ZERO),
        ("it does not acknowledge", found.no_ack),
        ("it is sealed", found.sealed),
        ("it republishes", found.republish.is_some()),
        ("it transforms subjects", found.subject_transform.is_some()),
        ("it is a mirror", found.mirror.is_some()),
        ("it has sources", found.sources.as_ref().is_some_and(|sources| !sources.is_empty())),
        ("it acknowledges what it has not stored", asynchronous),
    ];
    let breaks: Vec<&str> = breaks.iter().filter(|(_, broken)| *broken).map(|(what, _)| *what).collect();
    if !breaks.is_empty() {
        return Err(CoordinationError::Refused(format!(
            "bucket {name} cannot keep the contract: {}",
            breaks.join("; ")
        )));
    }
    if (found.num_replicas, found.storage) != (wanted.num_replicas, wanted.storage) {
        tracing::warn!(bucket = name, "the bucket has other replicas or another storage than configured");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Break = (&'static str, fn(&mut Config));

    #[test]
    fn another_owner_is_named_and_so_is_each_broken_setting() {
        let wanted = wanted(&NatsConfig::new("groups").namespace("a.b"));
        let refused = |change: fn(&mut Config)| {
            let mut found = wanted.clone();
            change(&mut found);
            check("a_b_groups", &wanted, &found).unwrap_err().to_string()
        };
        check("a_b_groups", &wanted, &wanted).unwrap();
        let broken: [Break; 5] = [
            ("history", |c| c.max_messages_per_subject = 5),
            ("expire", |c| c.max_age = Duration::from_secs(9)),
            ("drop keys", |c| c.discard = DiscardPolicy::Old),
            ("\"a b\"", |c| drop(c.metadata.insert(NAMESPACE.into(), "a b".into()))),
            ("not made by Aether", |c| c.metadata.clear()),
        ];
        for (named, change) in broken {
            let text = refused(change);
            assert!(text.contains(named), "{text}");
        }
        let foreign = refused(|c| drop(c.metadata.remove(NAMESPACE)));
        assert!(foreign.contains("\"a.b\"") && foreign.contains("of no namespace"), "{foreign}");
    }
}
