//! [`NatsCoordination`]: keys in a JetStream key-value bucket, and signals over core NATS.

mod bucket;
mod config;
mod open;
mod signals;
mod watch;
mod write;

use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

pub use config::{NatsConfig, Storage};

use self::bucket::Bucket;
use crate::{
    Changes, Condition, CoordinationError, Entry, Heard, Key, KeyValue, Leases, Revision, Signals,
    key_value::whole_seconds,
};
use aether_nats::Missing;

/// Keys in a key-value bucket of JetStream, and signals over core NATS, both on one connection. Clones share it.
///
/// The bucket is one that `nats kv` and other clients can read. A write that an election of the servers holds up is sent
/// again until it is known whether it stands, up to the [deadline](NatsConfig::deadline). A deleted key leaves a marker of
/// some hundred bytes in the bucket, which `nats kv compact` removes.
///
/// # Whose bucket it is
/// The namespace and the name of the bucket are kept in its metadata as they are, and another owner's bucket is refused. A
/// bucket that is deleted and made anew while it is open is another one, where revisions start over; this is noticed
/// within a second, and everything is refused from then on.
///
/// # Leases
/// [`Leases`] take servers of 2.11 or later, and a bucket with `allow_msg_ttl`, which [`create`](Self::create) makes. One that
/// was made without it serves for all else, and takes leases once it is switched on:
/// `nats stream edit KV_<bucket> --allow-msg-ttl`. It cannot be switched off again.
///
/// # Permissions
/// To publish: `$KV.<bucket>.>`, `$JS.API.STREAM.INFO.KV_<bucket>`, `$JS.API.STREAM.MSG.GET.KV_<bucket>`,
/// `$JS.API.CONSUMER.CREATE.KV_<bucket>`, `<signal prefix>.<bucket>.>` and the inbox; to subscribe: the inbox and
/// `<signal prefix>.<bucket>.>`. Creating the bucket takes `$JS.API.STREAM.CREATE.KV_<bucket>` as well. What is denied
/// looks like an outage, unless the configuration has the connection's [`denials`](NatsConfig::denials): the server reports it
/// only to the connection's event callback.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use aether_coordination::{Condition, Key, KeyValue, NatsConfig, NatsCoordination};
///
/// let client = async_nats::connect("nats://localhost:4222").await?;
/// let config = NatsConfig::new("groups").namespace("tenant-abc").replicas(3);
/// let coordination = NatsCoordination::create(client, config).await?;
/// let revision = coordination.put(&Key::root("leader"), "a".into(), Condition::Absent).await?;
/// coordination.delete(&Key::root("leader"), revision).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct NatsCoordination(Arc<Bucket>);

impl NatsCoordination {
    /// Opens a bucket that is there.
    ///
    /// # Errors
    /// [`CoordinationError::Refused`] if there is none, or it is another owner's, or its settings cannot keep the contract.
    pub async fn open(client: Client, config: NatsConfig) -> Result<Self, CoordinationError> {
        open::open(client, config, Missing::Refuse).await.map(|bucket| Self(Arc::new(bucket)))
    }

    /// Opens a bucket and creates it first if it is not there, which needs the right to create streams.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn create(client: Client, config: NatsConfig) -> Result<Self, CoordinationError> {
        open::open(client, config, Missing::Create).await.map(|bucket| Self(Arc::new(bucket)))
    }

    /// The name of the bucket, as `nats kv` knows it.
    #[must_use]
    pub fn bucket_name(&self) -> &str {
        &self.0.name
    }

    /// The connection.
    #[must_use]
    pub fn client(&self) -> &Client {
        self.0.api.client()
    }
}

#[async_trait]
impl KeyValue for NatsCoordination {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, CoordinationError> {
        let bucket = &self.0;
        let deadline = Instant::now() + bucket.deadline;
        bucket.ensure_same(deadline).await?;
        let last = bucket.last(key, deadline).await?;
        Ok(last.and_then(|last| last.into_entry(key)))
    }

    async fn put(
        &self,
        key: &Key,
        value: Bytes,
        condition: Condition,
    ) -> Result<Revision, CoordinationError> {
        self.0.write(key, Some(value), condition, None).await
    }

    async fn delete(&self, key: &Key, revision: Revision) -> Result<(), CoordinationError> {
        self.0.write(key, None, Condition::At(revision), None).await.map(|_| ())
    }

    async fn entries(&self, prefix: &Key) -> Result<Vec<Entry>, CoordinationError> {
        self.0.entries(prefix).await
    }

    async fn watch(&self, prefix: &Key) -> Result<Changes, CoordinationError> {
        watch::watch(Arc::clone(&self.0), prefix).await
    }
}

#[async_trait]
impl Leases for NatsCoordination {
    async fn lease(
        &self,
        key: &Key,
        value: Bytes,
        condition: Condition,
        ttl: Duration,
    ) -> Result<Revision, CoordinationError> {
        let seconds = whole_seconds(ttl)?;
        self.check_leases().await?;
        self.0.write(key, Some(value), condition, Some(seconds)).await
    }

    async fn check_leases(&self) -> Result<(), CoordinationError> {
        self.0.check_leases().await
    }
}

#[async_trait]
impl Signals for NatsCoordination {
    async fn send(&self, topic: &Key, message: Bytes) -> Result<(), CoordinationError> {
        self.0.send(topic, message).await
    }

    async fn listen(&self, topic: &Key) -> Result<Heard, CoordinationError> {
        self.0.listen(topic).await
    }
}
