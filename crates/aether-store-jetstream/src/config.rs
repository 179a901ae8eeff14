//! [`JetStreamConfig`]: the configuration of a store.

use std::time::Duration;

use aether_core::Namespace;
use aether_core::codec::Codec;
use aether_nats::{ApiPrefix, Denials};

/// The longest stream name that NATS takes, in bytes.
const MAX_STREAM_NAME: usize = 255 - "_snapshots".len();

/// The medium on which the server keeps the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Storage {
    /// On disk.
    #[default]
    File,
    /// In memory: lost when the servers stop.
    Memory,
}

/// The times for which the store goes on trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// The time that one message waits for its answer before it is sent again. Default: 4 s.
    pub attempt: Duration,
    /// The time after which a save returns [`UnknownOutcome`](aether_core::SaveError::UnknownOutcome) or
    /// [`Unavailable`](aether_core::SaveError::Unavailable). Default: 30 s, since a replicated stream takes no writes for 4
    /// to 9 s when its leader is killed.
    pub save: Duration,
    /// The time that a read goes on without getting any further. Default: 30 s.
    pub read: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { attempt: Duration::from_secs(4), save: Duration::from_secs(30), read: Duration::from_secs(30) }
    }
}

/// The configuration of a store: its stream, how the store uses it, and, for
/// [`create`](crate::JetStreamEventStore::create), the settings of the stream.
///
/// ```
/// use std::time::Duration;
/// use aether_store_jetstream::JetStreamConfig;
///
/// let config = JetStreamConfig::new("events").namespace("tenant-abc").replicas(3);
/// assert_eq!(config.stream_name(), "tenant-abc_events");
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct JetStreamConfig {
    pub(crate) stream: String,
    pub(crate) namespace: Option<String>,
    pub(crate) stream_retention: Duration,
    pub(crate) replicas: usize,
    pub(crate) storage: Storage,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) compression: bool,
    pub(crate) erasure: bool,
    pub(crate) encoding: Codec,
    pub(crate) cache_size: usize,
    pub(crate) timeouts: Timeouts,
    pub(crate) denials: Option<Denials>,
    pub(crate) api: ApiPrefix,
}

impl JetStreamConfig {
    /// A store on the stream of this name, with all defaults.
    pub fn new(stream: impl Into<String>) -> Self {
        Self {
            stream: stream.into(),
            namespace: None,
            stream_retention: Duration::ZERO,
            replicas: 1,
            storage: Storage::File,
            max_bytes: None,
            compression: false,
            erasure: false,
            encoding: Codec::CloudEventsJson,
            cache_size: 100_000,
            timeouts: Timeouts::default(),
            denials: None,
            api: ApiPrefix::default(),
        }
    }

    /// The namespace; none by default. It is part of the stream's name, sanitised, and kept as it is in the stream's
    /// metadata, so that namespaces which sanitise to the same name never share a stream.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Sets how long events are kept; forever by default ([`Duration::ZERO`]).
    ///
    /// Once an actor's events have expired it can only be rebuilt from a snapshot, and without one its versions start
    /// over.
    pub fn stream_retention(mut self, max_age: Duration) -> Self {
        self.stream_retention = max_age;
        self
    }

    /// Sets the number of servers that keep each event: 1 to 5, 1 by default. Three survive the loss of any one server.
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.replicas = replicas;
        self
    }

    /// Sets the medium on which the servers keep the events; disk by default.
    pub fn storage(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }

    /// Limits the bytes that the stream may take; without a limit by default. A full stream refuses saves.
    pub fn max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = Some(max_bytes);
        self
    }

    /// Sets whether the server compresses what it keeps; not by default.
    pub fn compression(mut self, compression: bool) -> Self {
        self.compression = compression;
        self
    }

    /// Sets whether an administrator can delete and purge events, as the erasure of personal data may require. By default the
    /// stream denies it to everybody, for ever: this cannot be changed once the stream exists.
    pub fn erasure_allowed(mut self, allowed: bool) -> Self {
        self.erasure = allowed;
        self
    }

    /// Sets how events are encoded; as CloudEvents in JSON by default. Events in another encoding stay readable.
    pub fn encoding(mut self, encoding: Codec) -> Self {
        self.encoding = encoding;
        self
    }

    /// Sets the number of actors whose heads the store remembers; 100,000 by default, some 250 bytes each. The cache only
    /// saves reads: forgetting an actor costs one, and never a wrong save.
    pub fn cache_size(mut self, actors: usize) -> Self {
        self.cache_size = actors;
        self
    }

    /// Sets the times for which the store goes on trying.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// The permissions that the connection was denied, so that the store reports them. The server reports them only to the
    /// connection's event callback; without this they look like timeouts.
    pub fn denials(mut self, denials: Denials) -> Self {
        self.denials = Some(denials);
        self
    }

    /// The JetStream domain of the streams, where it is not that of the server that the client is connected to, as with
    /// leaf nodes: the API is asked at `$JS.<domain>.API`. Only acknowledgements of this domain are believed.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.api = ApiPrefix::domain(domain);
        self
    }

    /// The subject that the JetStream API begins with, `$JS.API` by default, where the streams are another account's and
    /// their API was imported as something else. Replaces a [`domain`](Self::domain), and is replaced by one.
    pub fn api_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.api = ApiPrefix::imported(prefix);
        self
    }

    /// The name of the stream: `<namespace>_<stream>`, sanitised.
    #[must_use]
    pub fn stream_name(&self) -> String {
        aether_nats::stream_name(self.namespace.as_deref(), &self.stream)
    }

    /// Checks everything that can be checked without a server.
    pub(crate) fn validate(&self) -> Result<Option<Namespace>, InvalidConfig> {
        let invalid = |field, problem: String| Err(InvalidConfig { field, problem });
        if self.stream.is_empty() {
            return invalid("stream", "a stream needs a name".into());
        }
        let namespace = match self.namespace.as_deref().map(Namespace::new).transpose() {
            Ok(namespace) => namespace,
            Err(e) => return invalid("namespace", e.to_string()),
        };
        let name = self.stream_name();
        if name.len() > MAX_STREAM_NAME {
            return invalid("stream", format!("{name:?} has more than {MAX_STREAM_NAME} bytes"));
        }
        if !(1..=5).contains(&self.replicas) {
            return invalid("replicas", format!("{} is not 1 to 5", self.replicas));
        }
        if !self.stream_retention.is_zero() && self.stream_retention < Duration::from_millis(100) {
            return invalid("stream_retention", "NATS keeps messages for 100 ms at least".into());
        }
        if self.max_bytes == Some(0) {
            return invalid("max_bytes", "0 bytes hold no event; leave it out for no limit".into());
        }
        if self.timeouts.attempt.is_zero() || self.timeouts.save.is_zero() || self.timeouts.read.is_zero() {
            return invalid("timeouts", "a timeout of 0 leaves no time for an answer".into());
        }
        if let Err(e) = self.api.validate() {
            return invalid(e.field, e.to_string());
        }
        Ok(namespace)
    }
}

/// A configuration that no store can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid configuration, `{field}`: {problem}")]
#[non_exhaustive]
pub struct InvalidConfig {
    /// The field.
    pub field: &'static str,
    /// The problem with its value.
    pub problem: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_configuration_names_its_field() {
        let field = |config: JetStreamConfig| config.validate().unwrap_err().field;
        let config = || JetStreamConfig::new("events");
        assert_eq!(field(JetStreamConfig::new("")), "stream");
        assert_eq!(field(JetStreamConfig::new("x".repeat(300))), "stream");
        assert_eq!(field(config().namespace("")), "namespace");
        assert_eq!(field(config().replicas(0)), "replicas");
        assert_eq!(field(config().stream_retention(Duration::from_millis(5))), "stream_retention");
        assert_eq!(field(config().max_bytes(0)), "max_bytes");
        assert_eq!(field(config().domain("a.b")), "domain");
        assert_eq!(field(config().api_prefix("a.>")), "api_prefix");
        assert!(config().namespace("a.b").replicas(3).domain("hub").validate().is_ok());
    }

    #[test]
    fn the_stream_is_named_after_namespace_and_stream() {
        assert_eq!(JetStreamConfig::new("events").stream_name(), "events");
        assert_eq!(JetStreamConfig::new("my events").namespace("a.b c").stream_name(), "a_b_c_my_events");
    }
}
