//! [`RoutingConfig`] with the subjects that follow from it, and [`Timing`]: when attempts are repeated.

use std::time::Duration;

use async_nats::Subject;

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
    /// How many requests of others may be under way at this node; those beyond are turned away as "overloaded" and sent
    /// again later.
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

/// How long attempts are awaited, and when the next one is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long the first attempt is awaited; each later one twice as long as the one before.
    pub attempt: Duration,
    /// How long an attempt is awaited at most.
    pub longest_attempt: Duration,
    /// How long to pause at most after the first attempt that was not begun; twice as long after each later one. A random
    /// part of it, at least half.
    pub pause: Duration,
    /// How long a pause is at most.
    pub longest_pause: Duration,
    /// How long an attempt is still awaited once somebody else acts for the actor.
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
