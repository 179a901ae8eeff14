//! Where shards should be ([`Placement`]), and which of them to move now ([`rebalance`]).
//!
//! All of it is pure: nodes and owners go in, places come out. Nodes are told apart by their [`NodeId`]s, never by their
//! incarnations, so that a node that is started anew gets back what it had.

mod rebalance;
mod rendezvous;
mod ring;
mod shares;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::NodeId;

pub use rebalance::{Held, Move, default_cap, rebalance};
pub use rendezvous::Rendezvous;
pub use ring::{ConsistentHashRing, RingPlacement};

/// A strategy that says which node each shard should be at.
///
/// The leader asks it again and again while shards move, each time with the owners as they are then, and also where nothing
/// has changed. So, with the same nodes, its own answer given back to it as the owners must give the same answer, or
/// shards would never come to rest; and it must not depend on anything but what it is given, or the next leader would move
/// them all.
pub trait Placement: fmt::Debug + Send + Sync {
    /// Returns where each shard should be: an index into `nodes`; `None` leaves it without an owner.
    ///
    /// `owners` has for each shard the place in `nodes` of the one who has it, or is about to get it; `None` if that is nobody,
    /// or nobody of these. The answer is as long. Names in `nodes` are different from each other.
    fn place(&self, nodes: &[Candidate], owners: &[Option<usize>]) -> Vec<Option<usize>>;
}

/// A node that shards can be at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidate {
    /// The name of the node.
    pub id: NodeId,
    /// The capacity compared with the others. 0: nothing.
    pub weight: u32,
    /// The zone of the node. Nodes that do not say so are in one zone together.
    pub zone: Option<String>,
}

impl Candidate {
    /// A node of weight 1 that does not say where it is.
    #[must_use]
    pub fn new(id: NodeId) -> Self {
        Self { id, weight: 1, zone: None }
    }

    /// Sets the weight.
    #[must_use]
    pub fn weight(self, weight: u32) -> Self {
        Self { weight, ..self }
    }

    /// Sets the zone.
    #[must_use]
    pub fn zone(self, zone: impl Into<String>) -> Self {
        Self { zone: Some(zone.into()), ..self }
    }
}
