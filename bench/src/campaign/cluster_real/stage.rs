//! [`Stage`]: three servers, four nodes as processes and one in this process, each behind proxies of its own, but for one
//! node and one server that have a network of their own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use aether_cluster::{ClusterManager, MemberState};
use aether_nats_server::{NatsCluster, NatsServer, Proxy, unique_name};
use aether_store_jetstream::JetStreamConfig;
use anyhow::Context;
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use tokio::time::Instant;

use super::fault::Fault;
use super::network::Network;
use super::node;
use crate::child::Child;
use crate::faults::whole;
use crate::writers::config;

/// How many nodes are processes.
const NODES: usize = 4;
/// Which of them, and which server, has a network of its own, where the machine allows it.
pub(crate) const NODE_APART: usize = NODES - 1;
pub(crate) const SERVER_APART: usize = 2;
/// How long anything may take that has to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Everything that runs.
pub(crate) struct Stage {
    pub(crate) servers: NatsCluster,
    pub(crate) namespace: String,
    pub(crate) places: Vec<Place>,
    /// The node in this process, whose connections are those of the last place.
    pub(crate) resident: ClusterManager,
    /// For the node and the server that have one of their own, or why the machine does not allow it.
    pub(crate) network: anyhow::Result<Network>,
    logs: PathBuf,
}

/// Where a node is: how it reaches the servers, and the process in which it is.
pub(crate) struct Place {
    name: String,
    urls: Vec<String>,
    /// None where the servers are reached without them.
    proxies: Vec<Proxy>,
    pub(crate) process: Option<Child>,
}

impl Place {
    fn behind_proxies(number: usize, servers: &NatsCluster) -> anyhow::Result<Self> {
        let proxies = servers.nodes().iter().map(|server| Proxy::start(server.addr()));
        let proxies = proxies.collect::<Result<Vec<_>, _>>()?;
        let urls = proxies.iter().map(Proxy::url).collect();
        Ok(Self { name: format!("node-{number}"), urls, proxies, process: None })
    }

    fn apart(number: usize, servers: &NatsCluster) -> Self {
        Self { name: format!("node-{number}"), urls: servers.urls(), proxies: Vec::new(), process: None }
    }

    /// Its connections are closed and come back to nothing, or nobody is told that nothing gets through.
    pub(crate) fn cut(&self, silently: bool) {
        self.proxies.iter().for_each(if silently { Proxy::blackhole } else { Proxy::cut });
    }

    pub(crate) fn delay(&self, each_way: Duration) {
        self.proxies.iter().for_each(|proxy| proxy.delay(each_way));
    }

    pub(crate) fn restore(&self) {
        self.proxies.iter().for_each(Proxy::restore);
    }

    pub(crate) fn process(&mut self) -> anyhow::Result<Child> {
        self.process.take().with_context(|| format!("{} does not run", self.name))
    }
}

impl Stage {
    pub(crate) async fn set() -> anyhow::Result<Self> {
        let network = block_in_place(Network::set);
        let mut servers = NatsServer::builder().isolatable(true);
        if let Ok(Network { server, .. }) = &network {
            servers = servers.node_at(SERVER_APART, server.address, server.command());
        }
        let servers = block_in_place(|| servers.start_cluster())?;
        let namespace = unique_name("cluster");
        let places = (0..=NODES).map(|number| match number {
            NODE_APART if network.is_ok() => Ok(Place::apart(number, &servers)),
            _ => Place::behind_proxies(number, &servers),
        });
        let places = places.collect::<anyhow::Result<Vec<_>>>()?;
        let last = &places[NODES];
        let resident = node::start(&last.urls, &namespace, &last.name).await?;
        let logs = Path::new("target/campaign/cluster-real").join(&namespace);
        let mut stage = Self { servers, namespace, places, resident, network, logs };
        let mut starting = Vec::new();
        for number in 0..NODES {
            starting.push((number, stage.spawn(number)?));
        }
        for (number, mut child) in starting {
            child.ready(PATIENCE).await?;
            stage.places[number].process = Some(child);
        }
        stage.settled().await?;
        Ok(stage)
    }

    pub(crate) fn logs(&self) -> &Path {
        &self.logs
    }

    /// Starts the node of this place.
    pub(crate) async fn start(&mut self, number: usize) -> anyhow::Result<()> {
        let mut child = self.spawn(number)?;
        child.ready(PATIENCE).await?;
        self.places[number].process = Some(child);
        Ok(())
    }

    fn spawn(&self, number: usize) -> anyhow::Result<Child> {
        let Place { name, urls, .. } = &self.places[number];
        let urls = urls.join(",");
        let args = ["cluster-node", "--urls", &urls, "--namespace", &self.namespace, "--name", name];
        let spawn = || Child::spawn(name, &args, &self.logs);
        let Some(network) = self.network.as_ref().ok().filter(|_| number == NODE_APART) else {
            return spawn();
        };
        let runtime = Handle::current();
        network.node.within(|| {
            let _entered = runtime.enter();
            spawn()
        })
    }

    /// Whether this can happen on this machine.
    pub(crate) fn allows(&self, fault: Fault) -> bool {
        !fault.is_partition() || self.network.is_ok()
    }

    /// A node that is a process.
    pub(crate) fn any_process(&self, random: &mut fastrand::Rng) -> usize {
        random.usize(..NODES)
    }

    /// A node behind proxies.
    pub(crate) fn any_behind_proxies(&self, random: &mut fastrand::Rng) -> usize {
        let all: Vec<_> =
            (0..self.places.len()).filter(|place| !self.places[*place].proxies.is_empty()).collect();
        all[random.usize(..all.len())]
    }

    /// The place of the node that leads, as the one in this process sees it.
    pub(crate) fn leader(&self) -> Option<usize> {
        let (_, leader) = self.resident.leader()?;
        self.places.iter().position(|place| place.name == leader.id.as_str())
    }

    /// Waits until the node in this process sees that every shard has an owner, that nothing moves, and that all who run,
    /// and nobody else, are up.
    pub(crate) async fn settled(&self) -> anyhow::Result<()> {
        let up = self.places.iter().filter(|place| place.process.is_some()).count() + 1;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.resident.status();
            let all_up = status.members.iter().all(|member| member.state == MemberState::Up);
            if status.is_ready() && status.shards.moving == 0 && all_up && status.members.len() == up {
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < deadline, "the cluster does not settle:\n{status}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until nodes other than this one have all shards.
    pub(crate) async fn taken_over(&self, from: usize) -> anyhow::Result<()> {
        let (name, deadline) = (&self.places[from].name, Instant::now() + PATIENCE);
        loop {
            let status = self.resident.status();
            let has = |member: &aether_cluster::MemberStatus| {
                member.member.id().as_str() == name && member.shards > 0
            };
            if status.shards.owned == status.shards.total && !status.members.iter().any(has) {
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < deadline, "nobody takes over from {name}:\n{status}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) fn store(&self) -> JetStreamConfig {
        config(&self.namespace, self.servers.nodes().len())
    }

    /// The server that leads the log.
    pub(crate) async fn log_leader(&self) -> anyhow::Result<usize> {
        let (stream, deadline) = (self.store().stream_name(), Instant::now() + PATIENCE);
        loop {
            if let Some(leader) = block_in_place(|| self.servers.stream_leader(&stream)) {
                return Ok(leader);
            }
            anyhow::ensure!(Instant::now() < deadline, "nobody leads {stream}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the servers are whole again.
    pub(crate) async fn servers_whole(&self) -> anyhow::Result<()> {
        block_in_place(|| self.servers.wait_ready())?;
        whole(&self.servers.urls(), &self.store().stream_name()).await
    }

    /// How many nodes have ended although nobody wanted it.
    pub(crate) fn fallen(&mut self) -> anyhow::Result<u64> {
        let mut fallen = u64::from(!self.resident.is_running());
        for process in self.places.iter_mut().filter_map(|place| place.process.as_mut()) {
            if let Some(status) = process.ended()? {
                println!("  {} has ended with {status}", process.name);
                fallen += 1;
            }
        }
        Ok(fallen)
    }

    /// Lets everybody leave.
    pub(crate) async fn leave(&mut self) -> anyhow::Result<()> {
        for place in &mut self.places {
            if let Some(process) = place.process.take() {
                process.stop(node::LEAVE + PATIENCE).await?;
            }
        }
        Ok(self.resident.leave(node::LEAVE).await?)
    }
}
