//! The cluster: actors live once, are found by id, and move without losing a command.
//!
//! Actors hash to shards, and each shard has one node that acts for its actors. Who that is, is decided by the cluster's
//! leader, in a plan that is written by compare-and-set; how commands get there is the business of NATS. None of it is what
//! an actor's truth rests on: that is the log's alone (see `aether-actor`). A node that is wrong about what it owns costs
//! conflicts, and never a false answer.

mod node;
mod placement;
mod ring;
mod routing;
mod shard;
pub mod singleton;

pub use node::{Incarnation, InvalidNodeId, Node, NodeId};
pub use ring::ConsistentHashRing;
pub use shard::{ShardId, shard_of};
