//! The settings that a stream must have to hold events, and those that only change its capacity.

use std::fmt;
use std::time::Duration;

pub use aether_nats::Difference;
use aether_nats::differences;
use async_nats::jetstream::stream::{Compression, Config, DiscardPolicy, RetentionPolicy, StorageType};

use crate::config::{JetStreamConfig, Storage};

/// The raw namespace, in the metadata of a stream.
const NAMESPACE: &str = "aether.namespace";
/// The raw name of the stream, in its metadata.
const STREAM: &str = "aether.stream";
/// The kind of content of the stream, in its metadata.
const HOLDS: &str = "aether.holds";

/// The owner of a stream.
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

    /// The owner that the stream's metadata names; `None` if Aether did not create it.
    pub(crate) fn from_stream(stream: &Config) -> Option<Self> {
        let stream_name = stream.metadata.get(STREAM)?.clone();
        Some(Self { namespace: stream.metadata.get(NAMESPACE).cloned(), stream: stream_name })
    }
}

/// The settings that a stream of a store must have.
#[derive(Debug)]
pub(crate) struct Contract {
    /// The stream as it is created.
    pub(crate) wanted: Config,
    /// The settings in which a stream must not differ.
    breaks: Vec<&'static str>,
    /// The settings that an operator may change.
    capacity: Vec<&'static str>,
    /// The feature that needs the stream.
    pub(crate) feature: &'static str,
}

/// The settings without which no stream of ours can keep its contract.
const BREAKS: [&str; 14] = [
    "subjects",
    "metadata aether.holds",
    "retention policy",
    "discard policy",
    "deny_delete",
    "deny_purge",
    "allow_rollup_hdrs",
    "max_msgs_per_subject",
    "no_ack",
    "sealed",
    "republish",
    "subject_transform",
    "mirror",
    "asynchronous persist_mode",
];
const CAPACITY: [&str; 3] = ["num_replicas", "storage", "allow_direct"];
const LIMITS: [&str; 3] = ["max_age", "max_bytes", "max_msgs"];

impl Contract {
    /// The stream with the events.
    pub(crate) fn of_events(config: &JetStreamConfig) -> Self {
        let wanted = Config {
            discard: DiscardPolicy::New,
            deny_delete: !config.erasure,
            deny_purge: !config.erasure,
            max_age: config.stream_retention,
            max_bytes: config.max_bytes.map_or(-1, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
            allow_message_ttl: true,
            allow_atomic_publish: true,
            ..common(config, config.stream_name(), "events")
        };
        Self {
            wanted,
            breaks: [&BREAKS[..], &["allow_msg_ttl"]].concat(),
            capacity: [&CAPACITY[..], &LIMITS, &["allow_atomic", "max_msg_size"]].concat(),
            feature: "an event store",
        }
    }

    /// The stream with the snapshots.
    pub(crate) fn of_snapshots(config: &JetStreamConfig) -> Self {
        let name = format!("{}_snapshots", config.stream_name());
        let wanted = Config {
            discard: DiscardPolicy::Old,
            max_messages_per_subject: 1,
            ..common(config, name, "snapshots")
        };
        let capacity = [&CAPACITY[..], &LIMITS].concat();
        Self { wanted, breaks: BREAKS.to_vec(), capacity, feature: "an event store" }
    }

    /// The stream with the timers. A limit would drop the oldest of them in silence.
    pub(crate) fn of_timers(config: &JetStreamConfig) -> Self {
        let name = format!("{}_timers", config.stream_name());
        let wanted = Config {
            retention: RetentionPolicy::WorkQueue,
            discard: DiscardPolicy::Old,
            allow_message_schedules: true,
            allow_message_ttl: true,
            // The server adds it to schedules.
            allow_rollup: true,
            ..common(config, name, "timers")
        };
        let mut breaks = [&BREAKS[..], &LIMITS, &["allow_msg_schedules", "allow_msg_ttl"]].concat();
        breaks.retain(|setting| *setting != "allow_rollup_hdrs");
        Self { wanted, breaks, capacity: CAPACITY.to_vec(), feature: "durable timers" }
    }

    /// Returns the settings of `found` that break the contract.
    pub(crate) fn breaks(&self, found: &Config) -> Vec<Difference> {
        differences(&self.wanted, found, &self.breaks)
    }

    /// Returns the settings of `found` that differ, but only in capacity.
    pub(crate) fn capacity(&self, found: &Config) -> Vec<Difference> {
        differences(&self.wanted, found, &self.capacity)
    }
}

fn common(config: &JetStreamConfig, name: String, holds: &str) -> Config {
    let mut metadata = std::collections::HashMap::from([
        (STREAM.to_owned(), config.stream.clone()),
        (HOLDS.to_owned(), holds.to_owned()),
    ]);
    if let Some(namespace) = &config.namespace {
        metadata.insert(NAMESPACE.to_owned(), namespace.clone());
    }
    Config {
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
    }
}

/// Returns how long events are kept in the stream; `None` for ever.
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
        let contract = Contract::of_events(&config);
        let wanted = &contract.wanted;
        let broken: [Change; 7] = [
            ("subjects", |c| c.subjects.push("more".into())),
            ("discard policy", |c| c.discard = DiscardPolicy::Old),
            ("deny_delete", |c| c.deny_delete = false),
            ("deny_purge", |c| c.deny_purge = false),
            ("allow_rollup_hdrs", |c| c.allow_rollup = true),
            ("retention policy", |c| c.retention = RetentionPolicy::Interest),
            ("max_msgs_per_subject", |c| c.max_messages_per_subject = 1),
        ];
        assert_eq!((contract.breaks(wanted), contract.capacity(wanted)), (vec![], vec![]));
        for (setting, change) in broken {
            let mut found = wanted.clone();
            change(&mut found);
            let (breaks, capacity) = (contract.breaks(&found), contract.capacity(&found));
            assert_eq!(breaks.iter().map(|d| d.setting).collect::<Vec<_>>(), [setting]);
            assert_eq!(capacity, []);
        }
    }

    #[test]
    fn an_operator_may_change_the_capacity() {
        let config = JetStreamConfig::new("events");
        let contract = Contract::of_events(&config);
        let wanted = &contract.wanted;
        let found =
            Config { num_replicas: 3, max_age: Duration::from_secs(9), max_bytes: 7, ..wanted.clone() };
        let (breaks, capacity) = (contract.breaks(&found), contract.capacity(&found));
        assert_eq!(breaks, []);
        assert_eq!(
            capacity.iter().map(|d| d.setting).collect::<Vec<_>>(),
            ["num_replicas", "max_age", "max_bytes"]
        );
    }

    #[test]
    fn each_setting_that_loses_timers_is_named() {
        let contract = Contract::of_timers(&JetStreamConfig::new("events").namespace("t").max_bytes(9));
        let wanted = &contract.wanted;
        assert_eq!((contract.breaks(wanted), contract.capacity(wanted)), (vec![], vec![]));
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
            assert_eq!(contract.breaks(&found).iter().map(|d| d.setting).collect::<Vec<_>>(), [setting]);
            assert_eq!(contract.capacity(&found), []);
        }
        let found = Config { num_replicas: 3, allow_direct: false, ..wanted.clone() };
        assert_eq!(contract.capacity(&found).len(), 2);
    }
}
