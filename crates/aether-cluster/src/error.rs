//! [`ClusterError`] and [`RoutingError`].

use aether_actor::StartError;
use aether_coordination::CoordinationError;
use aether_core::Source;

use crate::{InvalidNodeId, NodeId};

/// The error of a node that cannot join a cluster, or cannot stay in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// The keys cannot be read or written, and that will not get better by itself.
    #[error("the cluster's keys cannot be used")]
    Coordination(#[from] CoordinationError),
    /// The node disagrees with the others about what is fixed for the whole cluster.
    #[error(
        "the cluster has {there} shards, and this node was started for {here}: the number is fixed when a cluster is first started"
    )]
    Shards {
        /// How many the cluster has.
        there: u16,
        /// How many this node was started for.
        here: u16,
    },
    /// Another process was started under the same name, later.
    #[error("another process was started as node {node}: give each its own name")]
    Replaced {
        /// The name.
        node: NodeId,
    },
    /// The actors could not be started.
    #[error("the actors could not be started")]
    Actors(#[from] StartError),
    /// The servers cannot be reached, for what travels between nodes.
    #[error("what travels between nodes cannot be sent")]
    Routing(#[from] RoutingError),
    /// The node's own code has panicked.
    #[error("the node has panicked: {what}")]
    Panicked {
        /// The panic's message.
        what: String,
    },
    /// The name of a node is not valid.
    #[error(transparent)]
    NodeId(#[from] InvalidNodeId),
    /// An option is out of range.
    #[error("{option} is not valid: {reason}")]
    Option {
        /// Which.
        option: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
}

impl ClusterError {
    /// Returns whether another process has taken this node's name.
    #[must_use]
    pub fn is_replaced(&self) -> bool {
        matches!(self, Self::Replaced { .. })
    }

    /// Returns whether starting again later may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Coordination(error) if error.is_retryable())
    }
}

/// The error of a node that cannot take part in routing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RoutingError {
    /// The connection is down or closed, or the server did not answer in time.
    #[error("the server could not be reached; if it runs, the credentials may lack a permission")]
    Unavailable(#[source] Source),
    /// The router is a client's, which has no shards.
    #[error("a client acts for no shard: start the router as a node's")]
    NotANode,
    /// The cluster has no such shard.
    #[error("there is no shard {shard}: the cluster has {shards}")]
    NoSuchShard {
        /// The shard.
        shard: u16,
        /// How many there are.
        shards: u16,
    },
}

impl RoutingError {
    /// Returns whether the same may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    pub(crate) fn unavailable(error: impl Into<Source>) -> Self {
        Self::Unavailable(error.into())
    }
}
