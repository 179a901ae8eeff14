//! [`Stage`]: servers, nodes as processes, and somebody who watches.

use std::path::Path;
use std::time::Duration;

use aether_actor::ActorRef;
use aether_cluster::{ClusterClient, ClusterManager, MemberState, shard_of};
use aether_core::ActorId;
use aether_nats_server::{NatsCluster, NatsServer, unique_name};
use anyhow::Context;
use tokio::time::Instant;

use super::node::{SHARDS, Setting};
use crate::actors::order::Order;
use crate::child::Child;

/// How long anything may take that has to happen.
const PATIENCE: Duration = Duration::from_secs(90);
/// For so long the plan must stay as it is to be called settled.
const STILL: Duration = Duration::from_secs(1);

pub(crate) enum Servers {
    One(NatsServer),
    Three(NatsCluster),
}

/// How nodes are timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timing {
    Default,
    /// A heartbeat every 200 ms, and suspicion after a second.
    Tuned,
}

/// A cluster of processes.
pub(crate) struct Stage {
    pub(crate) servers: Servers,
    pub(crate) setting: Setting,
    /// A member without shards, which sees what happens.
    pub(crate) observer: ClusterManager,
    pub(crate) client: ClusterClient,
    nodes: Vec<Child>,
}

impl Stage {
    /// So many nodes, `node-0` and on, on one server.
    pub(crate) async fn on_one(nodes: usize, timing: Timing) -> anyhow::Result<Self> {
        Self::start(Servers::One(NatsServer::builder().start()?), nodes, timing).await
    }

    /// As many on three servers.
    pub(crate) async fn on_three(nodes: usize) -> anyhow::Result<Self> {
        Self::start(Servers::Three(NatsCluster::start()?), nodes, Timing::Default).await
    }

    async fn start(servers: Servers, nodes: usize, timing: Timing) -> anyhow::Result<Self> {
        let (urls, replicas) = match &servers {
            Servers::One(server) => (vec![server.url()], 1),
            Servers::Three(cluster) => (cluster.urls(), 3),
        };
        let timing = match timing {
            Timing::Default => Vec::new(),
            Timing::Tuned => vec![200, 1000],
        };
        let setting = Setting { urls, namespace: unique_name("bench"), replicas, timing };
        // The first node leads, whoever joins after it.
        let mut running = vec![spawn(&setting, "node-0")?];
        running[0].ready(PATIENCE).await?;
        for number in 1..nodes {
            running.push(spawn(&setting, &format!("node-{number}"))?);
        }
        for node in &mut running {
            node.ready(PATIENCE).await?;
        }
        let observer = setting.node("observer").await?.member(|member| member.weight = 0).start().await?;
        let client =
            ClusterClient::connect(setting.connect().await?, Some(&setting.namespace), "cluster").await?;
        let stage = Self { servers, setting, observer, client, nodes: running };
        stage.settled().await?;
        Ok(stage)
    }

    /// The names of the nodes that run.
    pub(crate) fn names(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.name.clone()).collect()
    }

    /// Starts a node of this name, and waits until all shards are where they should be.
    pub(crate) async fn join(&mut self, name: &str) -> anyhow::Result<()> {
        let mut node = spawn(&self.setting, name)?;
        node.ready(PATIENCE).await?;
        self.nodes.push(node);
        self.settled().await
    }

    /// Lets a node leave, and waits until all shards are where they should be.
    pub(crate) async fn leave(&mut self, name: &str) -> anyhow::Result<()> {
        self.take(name)?.stop(PATIENCE).await?;
        self.settled().await
    }

    /// Kills a node (-9).
    pub(crate) async fn kill(&mut self, name: &str) -> anyhow::Result<()> {
        self.take(name)?.kill().await
    }

    fn take(&mut self, name: &str) -> anyhow::Result<Child> {
        let at = self.nodes.iter().position(|node| node.name == name);
        Ok(self.nodes.remove(at.with_context(|| format!("{name} does not run"))?))
    }

    /// The name of the node that leads.
    pub(crate) fn leader(&self) -> anyhow::Result<String> {
        let (_, leader) = self.observer.leader().context("nobody leads")?;
        Ok(leader.id.as_str().to_owned())
    }

    /// The name of the node that the actor is at.
    pub(crate) fn owner(&self, actor: &ActorId) -> Option<String> {
        self.observer.owner_of(actor).map(|node| node.id.as_str().to_owned())
    }

    /// Waits until all who run are up, and every shard is where it should be.
    pub(crate) async fn settled(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut since = (0, Instant::now());
        loop {
            let status = self.observer.status();
            let all_up = status.members.iter().all(|member| member.state == MemberState::Up)
                && status.members.len() == self.nodes.len() + 1;
            let is_calm = all_up && status.is_ready() && status.shards.moving == 0;
            if !is_calm || status.shards.plan != since.0 {
                since = (status.shards.plan, Instant::now());
            }
            if is_calm && since.1.elapsed() > STILL {
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < deadline, "the cluster does not settle:\n{status}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// So many orders, each in a shard of its own as long as there are enough.
    pub(crate) fn orders(&self, count: usize) -> anyhow::Result<Vec<ActorRef<Order>>> {
        let mut taken = vec![false; usize::from(SHARDS)];
        let mut orders = Vec::with_capacity(count);
        for key in 0.. {
            if orders.len() == count {
                break;
            }
            let order = self.client.actor::<Order>(key);
            let shard = shard_of(order.id().context("a key makes an id")?, SHARDS);
            let is_taken = &mut taken[usize::from(shard.get())];
            if !*is_taken || orders.len() >= usize::from(SHARDS) {
                *is_taken = true;
                orders.push(order);
            }
        }
        Ok(orders)
    }
}

fn spawn(setting: &Setting, name: &str) -> anyhow::Result<Child> {
    let (urls, replicas) = (setting.urls.join(","), setting.replicas.to_string());
    let timing: Vec<String> = setting.timing.iter().map(u64::to_string).collect();
    let mut args = vec!["cluster-node", "--name", name, "--urls", &urls];
    args.extend(["--namespace", &setting.namespace, "--replicas", &replicas]);
    if !timing.is_empty() {
        args.push("--timing");
        args.extend(timing.iter().map(String::as_str));
    }
    Child::spawn(name, &args, &Path::new("target/bench/cluster").join(&setting.namespace))
}
