//! [`Peer`]: what two nodes say to each other when a shard moves from the one to the other.

use super::Request;
use crate::{Incarnation, ShardId};

/// What two nodes say to each other when a shard moves from the one to the other.
#[derive(Debug, Clone, PartialEq)]
pub enum Peer {
    /// From the successor: it listens, and what is sent to the shard now reaches it.
    Ready {
        /// The shard.
        shard: ShardId,
        /// The move: the version of the plan that began it.
        since: u64,
        /// Who says so.
        from: Incarnation,
    },
    /// From the predecessor: what it has kept, and will never act on.
    Forward {
        /// The shard.
        shard: ShardId,
        /// The move.
        since: u64,
        /// Who says so.
        from: Incarnation,
        /// In the order in which they came; each is for the receiver alone.
        requests: Vec<Forwarded>,
    },
    /// From the predecessor: nothing is under way any more, and the successor may act.
    Release {
        /// The shard.
        shard: ShardId,
        /// The move.
        since: u64,
        /// Who says so.
        from: Incarnation,
    },
    /// From the successor: it knows that.
    Released {
        /// The shard.
        shard: ShardId,
        /// The move.
        since: u64,
        /// Who says so.
        from: Incarnation,
    },
}

/// A request on its way to whom it was forwarded.
#[derive(Debug, Clone, PartialEq)]
pub struct Forwarded {
    /// Where the answer is awaited.
    pub reply: String,
    /// The request.
    pub request: Request,
}
