//! [`RoutingConfig`], and the subjects that follow from it.

use async_nats::Subject;

use super::call::Timing;
use super::gate::Room;
use super::wire::Versions;
use crate::{Incarnation, ShardId};

/// How commands and queries travel in a cluster.
#[derive(Debug, Clone)]
pub struct RoutingConfig {
    /// What all subjects of the cluster begin with.
    pub prefix: String,
    /// How many shards there are.
    pub shards: u16,
    /// How many requests of others may be under way at this node; what comes beyond is answered with
    /// [`Body::Overloaded`](super::wire::Body::Overloaded).
    pub in_flight: usize,
    /// How many calls to others may be open; what comes beyond waits until its deadline.
    pub open_calls: usize,
    /// How much is kept of a shard that moves.
    pub room: Room,
    /// When calls are sent again.
    pub timing: Timing,
    /// Which versions of the messages are read.
    pub versions: Versions,
}

impl RoutingConfig {
    /// The defaults for a cluster whose subjects begin with `prefix`.
    #[must_use]
    pub fn new(prefix: impl Into<String>, shards: u16) -> Self {
        Self {
            prefix: prefix.into(),
            shards,
            in_flight: 8192,
            open_calls: 8192,
            room: Room::default(),
            timing: Timing::default(),
            versions: Versions::OURS,
        }
    }

    /// Where requests for a shard's actors go.
    pub(crate) fn shard(&self, shard: ShardId) -> Subject {
        format!("{}.shard.{shard}", self.prefix).into()
    }

    /// Where a node hears what is meant for it alone.
    pub(crate) fn node(&self, node: Incarnation) -> Subject {
        format!("{}.node.{node}", self.prefix).into()
    }
}
