//! A cluster of its own on the shared server.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aether_cluster::{ClusterClient, MemberState};
use aether_core::Subscribe;
use aether_nats_server::{shared_r1, unique_name};
use aether_projection::GroupAdmin;
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore, JetStreamTimersConfig};

use super::node::Node;
use super::witness::Witness;

/// How long anything may take that should happen soon: a machine that is busy with other things is slow.
pub(crate) const SOON: Duration = Duration::from_secs(60);
/// Into how many parts the work of each group is divided.
pub(crate) const PARTITIONS: u16 = 9;
/// The consumer groups of the cluster.
pub(crate) const GROUPS: [&str; 5] =
    ["process-reservation", "process-reservation-commands", "timers", "effect-Mail", "tally.v1"];

/// A cluster of its own.
pub(crate) struct World {
    pub(crate) namespace: String,
    pub(crate) server: SocketAddr,
    /// How long nodes may be silent, in the cluster and in the groups.
    pub(crate) suspect_after: Duration,
    pub(crate) witness: Arc<Witness>,
    /// A connection of its own, and the log as it stands.
    client: async_nats::Client,
    pub(crate) store: JetStreamEventStore,
}

impl World {
    pub(crate) async fn new(suspect_after: Duration) -> Self {
        let namespace = unique_name("processes");
        let url = shared_r1().unwrap();
        let server = url.strip_prefix("nats://").unwrap().parse().unwrap();
        let client = async_nats::connect(&url).await.unwrap();
        let store = JetStreamEventStore::create(client.clone(), stream(&namespace)).await.unwrap();
        Self { namespace, server, suspect_after, witness: Arc::default(), client, store }
    }

    pub(crate) fn stream(&self) -> JetStreamConfig {
        stream(&self.namespace)
    }

    /// Somebody who is no member.
    pub(crate) async fn client(&self) -> ClusterClient {
        ClusterClient::connect(self.client.clone(), Some(&self.namespace), "cluster").await.unwrap()
    }

    /// Waits until these nodes, and nobody else, have the shards and the partitions of all groups among them, in equal
    /// shares, and nothing moves.
    pub(crate) async fn shared_by(&self, nodes: &[&Node]) {
        for node in nodes {
            until(&format!("{} has settled", node.name), async || is_settled(nodes, node)).await;
        }
        for group in GROUPS {
            let admin = self.admin(group, nodes[0]);
            until(&format!("{group} is shared by {}", nodes.len()), async || {
                let Ok(partitions) = admin.partitions().await else { return false };
                let mut shares = BTreeMap::new();
                for owner in partitions.into_values().filter_map(|partition| partition.owner) {
                    *shares.entry(owner.incarnation).or_insert(0) += 1;
                }
                let (least, most) = (shares.values().min(), shares.values().max());
                shares.len() == nodes.len()
                    && shares.values().sum::<u16>() == PARTITIONS
                    && least.zip(most).is_some_and(|(least, most)| most - least <= 1)
            })
            .await;
        }
    }

    /// How many timers are set, or have not been done.
    pub(crate) async fn timers(&self) -> u64 {
        let name = JetStreamTimersConfig::from(self.stream()).stream_name();
        let stream = async_nats::jetstream::new(self.client.clone()).get_stream(name).await.unwrap();
        stream.cached_info().state.messages
    }

    /// A group as a node sees it.
    pub(crate) fn admin(&self, group: &str, node: &Node) -> GroupAdmin {
        let store: Arc<dyn Subscribe> = Arc::new(self.store.clone());
        GroupAdmin::new(group, store, Arc::clone(node.manager.coordination()))
    }
}

fn stream(namespace: &str) -> JetStreamConfig {
    JetStreamConfig::new("orders").namespace(namespace)
}

pub(crate) fn is_settled(nodes: &[&Node], node: &Node) -> bool {
    let status = node.manager.status();
    let up = status.members.iter().filter(|member| member.state == MemberState::Up).count();
    let here: usize = nodes.iter().map(|node| node.manager.shards().len()).sum();
    status.is_ready()
        && up == nodes.len()
        && status.members.len() == nodes.len()
        && status.shards.moving == 0
        && here == status.shards.total
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(SOON, async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what}: not within {SOON:?}");
}
