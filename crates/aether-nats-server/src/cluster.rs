//! Three servers that are one.

use std::collections::HashSet;

use serde_json::Value;

use super::builder::ServerBuilder;
use super::error::ServerError;
use super::node::NatsServer;
use super::ports::Routes;
use super::wait::{Deadline, poll};

/// The number of nodes: the least that survives the loss of one.
const NODES: usize = 3;

/// How often to try other ports when somebody was faster.
const PORT_ATTEMPTS: u32 = 5;

/// A cluster of three nats-servers, `n0` to `n2`. They end, and their data with them, when this is dropped.
///
/// The methods that take a node's number panic when there is no such node.
#[derive(Debug)]
pub struct NatsCluster {
    nodes: Vec<NatsServer>,
    routes: Routes,
    builder: ServerBuilder,
}

impl NatsCluster {
    /// Starts a cluster with the default settings; others by [`NatsServer::builder`].
    ///
    /// # Errors
    ///
    /// As [`ServerBuilder::start`].
    pub fn start() -> Result<Self, ServerError> {
        NatsServer::builder().start_cluster()
    }

    pub(super) fn from_builder(builder: &ServerBuilder) -> Result<Self, ServerError> {
        let mut attempt = 1;
        loop {
            match Self::try_start(builder) {
                // One node that could not have its port ends, or waits for its routes in vain.
                Err(ServerError::Ended { log, .. } | ServerError::NotReady { log, .. })
                    if attempt < PORT_ATTEMPTS && log.contains("address already in use") =>
                {
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    fn try_start(builder: &ServerBuilder) -> Result<Self, ServerError> {
        let places: Vec<_> = (0..NODES).map(|i| builder.place_of(i)).collect();
        let routes = Routes::new(&places, builder.isolatable)?;
        let mut nodes = Vec::new();
        for (i, place) in places.iter().enumerate() {
            nodes.push(NatsServer::prepare(builder, &format!("n{i}"), place, &routes.config(i))?);
        }
        let cluster = Self { nodes, routes, builder: builder.clone() };
        for node in &cluster.nodes {
            node.launch()?;
        }
        cluster.wait_ready()?;
        Ok(cluster)
    }

    /// The node of this number.
    ///
    /// # Panics
    ///
    /// When there is no such node.
    pub fn node(&self, i: usize) -> &NatsServer {
        &self.nodes[i]
    }

    /// All nodes.
    pub fn nodes(&self) -> &[NatsServer] {
        &self.nodes
    }

    /// What clients connect to, one per node. They stay the same over restarts, and no node tells clients of the others.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(NatsServer::url).collect()
    }

    /// All of [`urls`](Self::urls), separated by commas.
    pub fn url(&self) -> String {
        self.urls().join(",")
    }

    /// [`NatsServer::kill`] on one node.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn kill(&self, i: usize) -> Result<(), ServerError> {
        self.nodes[i].kill()
    }

    /// [`NatsServer::restart`] on one node: it takes connections again, but may still have to catch up.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn restart(&self, i: usize) -> Result<(), ServerError> {
        self.nodes[i].restart()
    }

    /// [`NatsServer::pause`] on one node.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn pause(&self, i: usize) -> Result<(), ServerError> {
        self.nodes[i].pause()
    }

    /// [`NatsServer::resume`] on one node.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn resume(&self, i: usize) -> Result<(), ServerError> {
        self.nodes[i].resume()
    }

    /// Stops every node gracefully, all at once in effect: none waits for an election.
    ///
    /// # Errors
    ///
    /// As [`NatsServer::stop`].
    pub fn stop(&self) -> Result<(), ServerError> {
        self.nodes.iter().try_for_each(NatsServer::stop)
    }

    /// Cuts a node off from its peers: their connections break and none comes about until [`heal`](Self::heal). Clients
    /// still reach it.
    ///
    /// # Errors
    ///
    /// [`NotIsolatable`](ServerError::NotIsolatable) without [`ServerBuilder::isolatable`].
    pub fn isolate(&self, i: usize) -> Result<(), ServerError> {
        self.routes.each(i, super::Proxy::cut)
    }

    /// As [`isolate`](Self::isolate), but no connection breaks: whatever the node and its peers tell each other is lost
    /// on the way, as when a network fails, and nobody is told.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn isolate_silently(&self, i: usize) -> Result<(), ServerError> {
        self.routes.each(i, super::Proxy::blackhole)
    }

    /// Lets a node and its peers meet again. See [`wait_ready`](Self::wait_ready) for when they have.
    ///
    /// # Errors
    ///
    /// As [`isolate`](Self::isolate).
    pub fn heal(&self, i: usize) -> Result<(), ServerError> {
        self.routes.each(i, super::Proxy::restore)
    }

    /// Waits until the nodes that run are one healthy cluster: JetStream has a leader, every running node follows it and
    /// has caught up, its streams included. At least two must run.
    ///
    /// # Errors
    ///
    /// [`NotReady`](ServerError::NotReady) after the start timeout, with what was missing.
    pub fn wait_ready(&self) -> Result<(), ServerError> {
        let mut missing = (0, String::new());
        let ready = poll(Deadline::after(self.builder.start_timeout), || match self.check_ready() {
            Ok(()) => Some(()),
            Err(reason) => {
                missing = reason;
                None
            }
        });
        ready.ok_or_else(|| self.nodes[missing.0].not_ready(&missing.1))
    }

    /// The node at fault, and what is wrong.
    fn check_ready(&self) -> Result<(), (usize, String)> {
        for (i, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.is_active()) {
            node.health().map_err(|reason| (i, reason))?;
            let (peers, wanted) = (peers_of(node), self.active().count() - 1);
            if peers < wanted {
                return Err((i, format!("it is connected to {peers} of {wanted} peers")));
            }
        }
        if !self.builder.has_jetstream() {
            return Ok(());
        }
        let Some((leader, replicas)) = self.meta_leader_view() else {
            return Err((0, "JetStream has no leader".to_owned()));
        };
        for (i, node) in self.nodes.iter().enumerate().filter(|(i, node)| *i != leader && node.is_active()) {
            let follows = replicas.iter().any(|replica| {
                let is = |key: &str| replica.get(key).and_then(Value::as_bool).unwrap_or(false);
                replica.get("name").and_then(Value::as_str) == Some(node.name())
                    && is("current")
                    && !is("offline")
            });
            if !follows {
                return Err((i, format!("it does not follow JetStream's leader n{leader}")));
            }
        }
        Ok(())
    }

    /// The node that leads JetStream's metadata now, as that node itself sees it; `None` during an election.
    pub fn meta_leader(&self) -> Option<usize> {
        self.meta_leader_view().map(|(leader, _)| leader)
    }

    fn meta_leader_view(&self) -> Option<(usize, Vec<Value>)> {
        self.active().find_map(|(i, node)| {
            let jsz = node.monitor("/jsz")?;
            let meta = jsz.get("meta_cluster")?;
            // Only the leader knows how its replicas are.
            let leads = meta.get("leader")?.as_str()? == node.name();
            let replicas = meta.get("replicas")?.as_array()?;
            leads.then(|| (i, replicas.clone()))
        })
    }

    /// The node that leads a stream (of any account), as most of the nodes that answer see it; `None` during an election.
    /// A leader that is cut off may still believe in itself: the others outvote it.
    pub fn stream_leader(&self, stream: &str) -> Option<usize> {
        let mut votes = [0_usize; NODES];
        for (_, node) in self.active() {
            let leader =
                node.monitor("/jsz?accounts=true&streams=true").and_then(|jsz| leader_of(&jsz, stream));
            if let Some(i) = leader.and_then(|name| self.nodes.iter().position(|node| node.name() == name))
                && let Some(vote) = votes.get_mut(i)
            {
                *vote += 1;
            }
        }
        let (leader, most) = votes.iter().enumerate().max_by_key(|(_, votes)| **votes)?;
        (*most > 0).then_some(leader)
    }

    fn active(&self) -> impl Iterator<Item = (usize, &NatsServer)> {
        self.nodes.iter().enumerate().filter(|(_, node)| node.is_active())
    }
}

/// How many other nodes a node has routes to; several connections to one node count once.
fn peers_of(node: &NatsServer) -> usize {
    let routez = node.monitor("/routez").unwrap_or_default();
    let routes = routez.get("routes").and_then(Value::as_array);
    let names = routes.into_iter().flatten().filter_map(|route| route.get("remote_name")?.as_str());
    names.collect::<HashSet<_>>().len()
}

/// The leader of a stream in the answer to `/jsz?accounts=true&streams=true`.
fn leader_of(jsz: &Value, stream: &str) -> Option<String> {
    let accounts = jsz.get("account_details")?.as_array()?;
    let mut streams =
        accounts.iter().filter_map(|account| account.get("stream_detail")?.as_array()).flatten();
    let found = streams.find(|detail| detail.get("name").and_then(Value::as_str) == Some(stream))?;
    let leader = found.get("cluster")?.get("leader")?.as_str()?;
    (!leader.is_empty()).then(|| leader.to_owned())
}
