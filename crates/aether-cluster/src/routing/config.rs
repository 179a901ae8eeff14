//! [`RoutingConfig`] with the subjects that follow from it, and [`Timing`]: when attempts are repeated.

use std::time::Duration;

use async_nats::Subject;

use super::gate::Room;
use super::wire::Versions;
use crate::{Incarnation, ShardId};

/// The options of commands and queries between nodes.
#[derive(Debug, Clone)]
pub struct RoutingConfig {
    /// The prefix of all subjects of the cluster.
    pub prefix: String,
    /// The number of shards.
    pub shards: u16,
    /// The limit of requests of others under way at this node; those beyond are turned away as "overloaded" and sent
    /// again later.
    pub in_flight: usize,
    /// The limit of open calls to others; a call beyond it waits until its deadline.
    pub open_calls: usize,
    /// The limit of requests that are kept for a shard that moves.
    pub room: Room,
    /// The timing of repeated attempts.
    pub timing: Timing,
    /// The versions of the messages that this node reads.
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

/// The times after which an attempt is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// The wait for the first attempt; each later one waits twice as long as the one before.
    pub attempt: Duration,
    /// The longest wait for an attempt.
    pub longest_attempt: Duration,
    /// The longest pause after the first attempt that was not begun; twice as long after each later one. A random
    /// part of it, at least half.
    pub pause: Duration,
    /// The limit of all pauses.
    pub longest_pause: Duration,
    /// The remaining wait for an attempt once another node acts for the actor.
    pub moved: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            attempt: Duration::from_secs(1),
            longest_attempt: Duration::from_secs(4),
            pause: Duration::from_millis(5),
            longest_pause: Duration::from_millis(250),
            moved: Duration::from_millis(250),
        }
    }
}
