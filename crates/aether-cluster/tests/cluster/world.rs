//! A cluster of its own on the shared servers.

use std::time::Duration;

use aether_cluster::{ClusterBuilder, ClusterClient, ClusterManager, MemberState, NodeId};
use aether_nats_server::{shared_r1, unique_name};
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore};

use super::counter::Counter;

/// How long anything may take that should happen soon: a machine that is busy with other things is slow.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// A cluster of its own.
pub(crate) struct World {
    pub(crate) namespace: String,
    pub(crate) shards: u16,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { namespace: unique_name("cluster"), shards: 64 }
    }

    pub(crate) async fn connect(&self) -> async_nats::Client {
        async_nats::connect(shared_r1().unwrap()).await.unwrap()
    }

    /// A node for coordination alone.
    pub(crate) async fn bare(&self, name: &str) -> ClusterBuilder {
        ClusterManager::builder(self.connect().await, NodeId::new(name).unwrap())
            .namespace(self.namespace.clone())
            .shards(self.shards)
            .heartbeat(Duration::from_millis(200), Duration::from_secs(2))
    }

    /// A node with counters.
    pub(crate) async fn node(&self, name: &str) -> ClusterManager {
        let config = JetStreamConfig::new("counters").namespace(self.namespace.clone());
        let store = JetStreamEventStore::create(self.connect().await, config).await.unwrap();
        self.bare(name).await.store(store).actor::<Counter>().start().await.unwrap()
    }

    pub(crate) async fn client(&self) -> ClusterClient {
        ClusterClient::connect(self.connect().await, Some(&self.namespace), "cluster").await.unwrap()
    }
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(SOON, async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what}: not within {SOON:?}");
}

/// Waits until all of these, and nobody else, are up, have the shards among them, and nothing moves.
pub(crate) async fn settled(nodes: &[&ClusterManager]) {
    for node in nodes {
        let waited = tokio::time::timeout(SOON, async {
            while !is_settled(nodes, node) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        if waited.await.is_err() {
            let statuses: Vec<_> =
                nodes.iter().map(|node| format!("{}:\n{}", node.node(), node.status())).collect();
            panic!("not settled within {SOON:?}\n{}", statuses.join("\n"));
        }
    }
}

fn is_settled(nodes: &[&ClusterManager], node: &ClusterManager) -> bool {
    let status = node.status();
    let up = status.members.iter().filter(|member| member.state == MemberState::Up).count();
    let here: usize = nodes.iter().map(|node| node.shards().len()).sum();
    status.is_ready()
        && up == nodes.len()
        && status.members.len() == nodes.len()
        && status.shards.moving == 0
        && here == status.shards.total
}
