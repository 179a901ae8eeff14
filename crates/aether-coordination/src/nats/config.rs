//! [`NatsConfig`]: which bucket, and what it is to be.

use std::time::Duration;

use aether_core::Namespace;
use aether_nats::{ApiPrefix, Denials};

use crate::CoordinationError;

/// The longest stream name that NATS takes, in bytes.
const MAX_STREAM_NAME: usize = 255;

/// Where the servers keep the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Storage {
    /// On disk.
    #[default]
    File,
    /// In memory: lost when the servers stop.
    Memory,
}

/// The configuration of a [`NatsCoordination`](crate::NatsCoordination): which bucket it is on, how long it tries, and, for
/// [`create`](crate::NatsCoordination::create), what the bucket is to be.
///
/// ```
/// use aether_coordination::NatsConfig;
///
/// let config = NatsConfig::new("groups").namespace("tenant.abc").replicas(3);
/// assert_eq!(config.bucket_name(), "tenant_abc_groups");
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct NatsConfig {
    pub(crate) bucket: String,
    pub(crate) namespace: Option<String>,
    pub(crate) replicas: usize,
    pub(crate) storage: Storage,
    pub(crate) signal_prefix: String,
    pub(crate) attempt: Duration,
    pub(crate) deadline: Duration,
    pub(crate) denials: Option<Denials>,
    pub(crate) api: ApiPrefix,
}

impl NatsConfig {
    /// The bucket of this name, with all defaults.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            namespace: None,
            replicas: 1,
            storage: Storage::File,
            signal_prefix: "aether".to_owned(),
            attempt: Duration::from_secs(1),
            deadline: Duration::from_secs(20),
            denials: None,
            api: ApiPrefix::default(),
        }
    }

    /// The namespace; none by default. It is part of the bucket's name, sanitised, and kept as it is in the bucket's
    /// metadata, so that namespaces which sanitise to the same name never share a bucket.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// On how many servers each key is kept: 1 to 5, 1 by default. Three survive the loss of any one server.
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.replicas = replicas;
        self
    }

    /// Where the servers keep the keys; on disk by default.
    pub fn storage(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }

    /// What the subjects of signals begin with; `aether` by default. The bucket's name and the topic follow.
    pub fn signal_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.signal_prefix = prefix.into();
        self
    }

    /// How long one attempt waits for its answer before it is made again; 1 s by default. What was sent while a bucket's
    /// leader was elected is answered by nobody, so this is what a write may take beyond the election.
    pub fn attempt(mut self, attempt: Duration) -> Self {
        self.attempt = attempt;
        self
    }

    /// How long a call goes on before it gives up; 20 s by default, since a replicated bucket takes no writes for 4 to 9 s
    /// when its leader is killed.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The permissions that the connection was denied, so that calls report them. The server reports them only to the
    /// connection's event callback; without this they look like timeouts.
    pub fn denials(mut self, denials: Denials) -> Self {
        self.denials = Some(denials);
        self
    }

    /// The JetStream domain of the bucket, where it is not that of the server that the client is connected to, as with leaf
    /// nodes: the API is asked at `$JS.<domain>.API`. Only acknowledgements of this domain are believed.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.api = ApiPrefix::domain(domain);
        self
    }

    /// The subject that the JetStream API begins with, `$JS.API` by default, where the bucket is another account's and its
    /// API was imported as something else. Replaces a [`domain`](Self::domain), and is replaced by one.
    pub fn api_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.api = ApiPrefix::imported(prefix);
        self
    }

    /// The name of the bucket: `<namespace>_<bucket>`, where all but letters, digits, dashes and underscores has become an
    /// underscore.
    #[must_use]
    pub fn bucket_name(&self) -> String {
        aether_nats::bucket_name(self.namespace.as_deref(), &self.bucket)
    }

    /// The name of the stream that is the bucket.
    pub(crate) fn stream_name(&self) -> String {
        format!("KV_{}", self.bucket_name())
    }

    /// Checks everything that can be checked without a server.
    pub(crate) fn validate(&self) -> Result<(), CoordinationError> {
        let refuse = |field, problem: &str| {
            Err(CoordinationError::Refused(format!("invalid configuration, `{field}`: {problem}")))
        };
        if self.bucket.is_empty() {
            return refuse("bucket", "a bucket needs a name");
        }
        if let Some(Err(e)) = self.namespace.as_deref().map(Namespace::new) {
            return refuse("namespace", &e.to_string());
        }
        if self.stream_name().len() > MAX_STREAM_NAME {
            return refuse("bucket", &format!("KV_<bucket> has more than {MAX_STREAM_NAME} bytes"));
        }
        if !(1..=5).contains(&self.replicas) {
            return refuse("replicas", &format!("{} is not 1 to 5", self.replicas));
        }
        let is_token = |token: &str| !token.is_empty() && !token.contains(['*', '>', ' ', '\t', '\r', '\n']);
        if !self.signal_prefix.split('.').all(is_token) {
            return refuse("signal_prefix", "it must be a subject without wildcards");
        }
        if let Err(e) = self.api.validate() {
            return refuse(e.field, &e.to_string());
        }
        if self.attempt.is_zero() || self.deadline.is_zero() {
            return refuse("deadline", "a time of 0 leaves no room for an answer");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_configuration_names_its_field() {
        let config = || NatsConfig::new("groups");
        for (config, field) in [
            (NatsConfig::new(""), "bucket"),
            (NatsConfig::new("x".repeat(300)), "bucket"),
            (config().namespace(""), "namespace"),
            (config().replicas(0), "replicas"),
            (config().signal_prefix("a.*"), "signal_prefix"),
            (config().signal_prefix("a..b"), "signal_prefix"),
            (config().deadline(Duration::ZERO), "deadline"),
            (config().domain("a.b"), "domain"),
            (config().api_prefix("a.>"), "api_prefix"),
        ] {
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(&format!("`{field}`")), "{error}");
        }
        assert!(config().namespace("a.b").replicas(3).validate().is_ok());
    }

    #[test]
    fn a_bucket_has_a_name_that_nats_takes() {
        assert_eq!(NatsConfig::new("ä groups").namespace("a.b$").bucket_name(), "a_b____groups");
    }
}
