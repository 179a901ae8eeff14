//! What the nodes and this program have to agree on.

use aether::cluster::{ClusterBuilder, ClusterManager, NodeId};
use aether::jetstream::async_nats::{self, Client};
use aether::jetstream::{JetStreamConfig, JetStreamEventStore};
use anyhow::{Context, Result};

/// The name of the cluster.
pub(crate) const CLUSTER: &str = "demo";

/// A connection.
pub(crate) async fn connect(url: &str) -> Result<Client> {
    async_nats::connect(url).await.with_context(|| format!("no connection to {url}"))
}

/// The log of all events.
pub(crate) async fn store(url: &str) -> Result<JetStreamEventStore> {
    Ok(JetStreamEventStore::create(connect(url).await?, JetStreamConfig::new("bank")).await?)
}

/// A member of the cluster, with a connection of its own.
pub(crate) async fn member(url: &str, name: &str) -> Result<ClusterBuilder> {
    Ok(ClusterManager::builder(connect(url).await?, NodeId::new(name)?).cluster(CLUSTER))
}
