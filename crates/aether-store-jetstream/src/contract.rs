//! What a stream must be to hold events, and what only differs in capacity.

use std::fmt;
use std::time::Duration;

use async_nats::jetstream::stream::{
    Compression, Config, DiscardPolicy, PersistenceMode, RetentionPolicy, StorageType,
};

use crate::config::{JetStreamConfig, Storage};

/// The raw namespace, in the metadata of a stream.
const NAMESPACE: &str = "aether.namespace";
/// The raw name of the stream, in its metadata.
const STREAM: &str = "aether.stream";
/// What the stream holds, in its metadata.
const HOLDS: &str = "aether.holds";

/// What a stream holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    Events,
    Snapshots,
}

impl Holds {
    fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Snapshots => "snapshots",
        }
    }

    /// The name of the stream.
    pub(crate) fn stream_name(self, config: &JetStreamConfig) -> String {
        match self {
            Self::Events => config.stream_name(),
            Self::Snapshots => format!("{}_snapshots", config.stream_name()),
        }
    }
}

/// Whose stream it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The raw namespace; none if the store has none.
    pub namespace: Option<String>,
    /// The raw name of the stream.
    pub stream: String,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "stream {:?} of namespace {namespace:?}", self.stream),
            None => write!(f, "stream {:?} of no namespace", self.stream),
        }
    }
}

impl Owner {
    pub(crate) fn of(config: &JetStreamConfig) -> Self {
        Self { namespace: config.namespace.clone(), stream: config.stream.clone() }
    }

    /// Whose stream the server says it is; `None` if nobody of ours made it.
    pub(crate) fn from_stream(stream: &Config) -> Option<Self> {
        let stream_name = stream.metadata.get(STREAM)?.clone();
        Some(Self { namespace: stream.metadata.get(NAMESPACE).cloned(), stream: stream_name })
    }
}

/// The stream that `config` asks for.
pub(crate) fn wanted(config: &JetStreamConfig, holds: Holds) -> Config {
    let name = holds.stream_name(config);
    let mut metadata = std::collections::HashMap::from([
        (STREAM.to_owned(), config.stream.clone()),
        (HOLDS.to_owned(), holds.as_str().to_owned()),
    ]);
    if let Some(namespace) = &config.namespace {
        metadata.insert(NAMESPACE.to_owned(), namespace.clone());
    }
    let common = Config {
        subjects: vec![format!("{name}.>")],
        name,
        metadata,
        retention: RetentionPolicy::Limits,
        num_replicas: config.replicas,
        storage: match config.storage {
            Storage::File => StorageType::File,
            Storage::Memory => StorageType::Memory,
        },
        compression: config.compression.then_some(Compression::S2),
        allow_direct: true,
        max_bytes: -1,
        max_messages: -1,
        max_messages_per_subject: -1,
        ..Config::default()
    };
    match holds {
        Holds::Events => Config {
            discard: DiscardPolicy::New,
            deny_delete: !config.erasure,
            deny_purge: !config.erasure,
            max_age: config.stream_retention,
            max_bytes: config.max_bytes.map_or(-1, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
            allow_message_ttl: true,
            allow_atomic_publish: true,
            ..common
        },
        Holds::Snapshots => Config { discard: DiscardPolicy::Old, max_messages_per_subject: 1, ..common },
    }
}

/// One setting of a stream that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The setting.
    pub setting: &'static str,
    /// What it should be.
    pub wanted: String,
    /// What the server says it is.
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, not {}", self.setting, self.found, self.wanted)
    }
}

/// What breaks the contract in `found`, and what only differs in capacity.
pub(crate) fn compare(wanted: &Config, found: &Config, holds: Holds) -> (Vec<Difference>, Vec<Difference>) {
    let mut breaks = Differences::default();
    breaks.check("subjects", &wanted.subjects, &found.subjects);
    breaks.check("metadata aether.holds", &wanted.metadata.get(HOLDS), &found.metadata.get(HOLDS));
    breaks.check("retention policy", &wanted.retention, &found.retention);
    breaks.check("discard policy", &wanted.discard, &found.discard);
    breaks.check("deny_delete", &wanted.deny_delete, &found.deny_delete);
    breaks.check("deny_purge", &wanted.deny_purge, &found.deny_purge);
    breaks.check("allow_rollup_hdrs", &false, &found.allow_rollup);
    breaks.check("max_msgs_per_subject", &wanted.max_messages_per_subject, &found.max_messages_per_subject);
    breaks.check("no_ack", &false, &found.no_ack);
    breaks.check("sealed", &false, &found.sealed);
    breaks.check("republish", &false, &found.republish.is_some());
    breaks.check("subject_transform", &false, &found.subject_transform.is_some());
    breaks.check("mirror", &false, &found.mirror.is_some());
    breaks.check(
        "asynchronous persist_mode",
        &false,
        &matches!(found.persist_mode, Some(PersistenceMode::Async)),
    );
    if holds == Holds::Events {
        breaks.check("allow_msg_ttl", &true, &found.allow_message_ttl);
    }
    let mut capacity = Differences::default();
    capacity.check("num_replicas", &wanted.num_replicas, &found.num_replicas);
    capacity.check("storage", &wanted.storage, &found.storage);
    capacity.check("max_age", &wanted.max_age, &found.max_age);
    capacity.check("max_bytes", &limit(wanted.max_bytes), &limit(found.max_bytes));
    capacity.check("max_msgs", &limit(wanted.max_messages), &limit(found.max_messages));
    capacity.check("allow_direct", &wanted.allow_direct, &found.allow_direct);
    if holds == Holds::Events {
        capacity.check("allow_atomic", &wanted.allow_atomic_publish, &found.allow_atomic_publish);
        let max_size = found.max_message_size;
        capacity.check("max_msg_size", &-1, &if max_size <= 0 { -1 } else { max_size });
    }
    (breaks.0, capacity.0)
}

/// 0 and everything below it mean that there is no limit.
fn limit(limit: i64) -> Option<i64> {
    (limit > 0).then_some(limit)
}

#[derive(Default)]
struct Differences(Vec<Difference>);

impl Differences {
    fn check<T: PartialEq + fmt::Debug>(&mut self, setting: &'static str, wanted: &T, found: &T) {
        if wanted != found {
            let (wanted, found) = (format!("{wanted:?}"), format!("{found:?}"));
            self.0.push(Difference { setting, wanted, found });
        }
    }
}

/// How long events are kept in the stream; `None` for ever.
pub(crate) fn retention(found: &Config) -> Option<Duration> {
    (!found.max_age.is_zero()).then_some(found.max_age)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = (&'static str, fn(&mut Config));

    #[test]
    fn each_setting_that_breaks_the_contract_is_named() {
        let config = JetStreamConfig::new("events").namespace("t");
        let wanted = wanted(&config, Holds::Events);
        let broken: [Change; 7] = [
            ("subjects", |c| c.subjects.push("more".into())),
            ("discard policy", |c| c.discard = DiscardPolicy::Old),
            ("deny_delete", |c| c.deny_delete = false),
            ("deny_purge", |c| c.deny_purge = false),
            ("allow_rollup_hdrs", |c| c.allow_rollup = true),
            ("retention policy", |c| c.retention = RetentionPolicy::Interest),
            ("max_msgs_per_subject", |c| c.max_messages_per_subject = 1),
        ];
        assert_eq!(compare(&wanted, &wanted, Holds::Events), (vec![], vec![]));
        for (setting, change) in broken {
            let mut found = wanted.clone();
            change(&mut found);
            let (breaks, capacity) = compare(&wanted, &found, Holds::Events);
            assert_eq!(breaks.iter().map(|d| d.setting).collect::<Vec<_>>(), [setting]);
            assert_eq!(capacity, []);
        }
    }

    #[test]
    fn an_operator_may_change_the_capacity() {
        let config = JetStreamConfig::new("events");
        let wanted = wanted(&config, Holds::Events);
        let found =
            Config { num_replicas: 3, max_age: Duration::from_secs(9), max_bytes: 7, ..wanted.clone() };
        let (breaks, capacity) = compare(&wanted, &found, Holds::Events);
        assert_eq!(breaks, []);
        assert_eq!(
            capacity.iter().map(|d| d.setting).collect::<Vec<_>>(),
            ["num_replicas", "max_age", "max_bytes"]
        );
    }
}
