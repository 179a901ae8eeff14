//! Opening a bucket, and creating it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use aether_nats::{
    CallError, Inbox, Missing, NoAnswer, OpenError, StreamApi, differences, wait_until_connected,
};
use async_nats::Client;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use tokio::time::Instant;

use super::bucket::{Bucket, unavailable};
use super::config::{NatsConfig, Storage};
use crate::CoordinationError;

/// The raw namespace, in the metadata of a bucket.
const NAMESPACE: &str = "aether.namespace";
/// The raw name of the bucket, in its metadata.
const BUCKET: &str = "aether.bucket";
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
    if !wait_until_connected(&client, deadline).await {
        return Err(CoordinationError::Unavailable("the client has not been connected yet".into()));
    }
    let inbox = Inbox::new(client, config.denials.clone()).await;
    let inbox = inbox.map_err(|e| CoordinationError::Unavailable(e.into()))?;
    let (name, stream) = (config.bucket_name(), config.stream_name());
    let mut api = StreamApi::new(Arc::new(inbox), config.api.clone(), stream, config.attempt);
    let wanted = wanted(&config);
    let info = aether_nats::open(&mut api, &wanted, missing, deadline).await;
    let info = info.map_err(|e| not_opened(e, &name))?;
    check(&name, &wanted, &info.config)?;
    let bucket = Bucket::new(name, api, config.signal_prefix, config.deadline, info.created);
    bucket.leases.note(&info.config);
    Ok(bucket)
}

fn not_opened(error: OpenError, bucket: &str) -> CoordinationError {
    let error = match error {
        OpenError::Call(error) => error,
        wrong_domain @ OpenError::WrongDomain { .. } => {
            return CoordinationError::Refused(format!("bucket {bucket}: {wrong_domain}"));
        }
    };
    match error {
        e if e.is_stream_missing() => CoordinationError::Refused(format!(
            "bucket {bucket} does not exist; create it with NatsCoordination::create, which needs the right to create streams"
        )),
        e if e.is_not_enabled() => {
            CoordinationError::Refused("a server and an account with JetStream enabled are needed".into())
        }
        CallError::NoAnswer(NoAnswer::NoResponders { .. }) => CoordinationError::Unavailable(
            "a server with JetStream enabled is needed, and a leader of its cluster".into(),
        ),
        CallError::Refused(error) => {
            CoordinationError::Refused(format!("the server refused bucket {bucket}: {error}"))
        }
        other => unavailable(other),
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

/// The settings in which a bucket must not differ, and what is the matter if it does.
const BREAKS: [(&str, &str); 12] = [
    ("subjects", "its subjects are others"),
    ("retention policy", "its retention policy is another"),
    ("discard policy", "its discard policy is another: it would drop keys"),
    ("max_msgs_per_subject", "it keeps a history"),
    ("max_age", "its keys expire"),
    ("no_ack", "it does not acknowledge"),
    ("sealed", "it is sealed"),
    ("republish", "it republishes"),
    ("subject_transform", "it transforms subjects"),
    ("mirror", "it is a mirror"),
    ("sources", "it has sources"),
    ("asynchronous persist_mode", "it acknowledges what it has not stored"),
];

/// Checks that the bucket is ours and can keep the contract.
fn check(name: &str, wanted: &Config, found: &Config) -> Result<(), CoordinationError> {
    let (owner, foreign) = (Owner::of(wanted), Owner::of(found));
    if let Some(owner) = owner.filter(|owner| foreign.as_ref() != Some(owner)) {
        let found =
            foreign.map_or("was not made by Aether".to_owned(), |foreign| format!("is the {foreign}"));
        return Err(CoordinationError::Refused(format!("bucket {name} is not the {owner}: it {found}")));
    }
    let settings: Vec<&str> = BREAKS.iter().map(|(setting, _)| *setting).collect();
    let breaks: Vec<String> = (differences(wanted, found, &settings).iter())
        .filter_map(|difference| {
            let (_, problem) = BREAKS.iter().find(|(setting, _)| *setting == difference.setting)?;
            Some(format!("{problem} ({difference})"))
        })
        .collect();
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
    use std::time::Duration;

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
