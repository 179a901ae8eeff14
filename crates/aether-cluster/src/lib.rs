//! The cluster: actors live once, are found by id, and move without losing a command.
//!
//! Actors hash to shards, and each shard has one node that acts for its actors. Who that is, is decided by the cluster's
//! leader, in a plan that is written by compare-and-set; how commands get there is the business of NATS. None of it is what
//! an actor's truth rests on: that is the log's alone (see `aether-actor`). A node that is wrong about what it owns costs
//! conflicts, and never a false answer.

mod builder;
mod client;
mod driver;
mod engine;
mod error;
mod manager;
mod member;
#[cfg(feature = "prometheus")]
mod pages;
pub mod placement;
mod plan;
mod record;
mod routing;
mod shard;
mod signal;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;
mod status;

pub use builder::ClusterBuilder;
pub use client::ClusterClient;
pub use error::{ClusterError, RoutingError};
pub use manager::{ClusterEvents, ClusterManager};
pub use member::{Incarnation, InvalidNodeId, Member, MemberState, Node, NodeId};
pub use placement::ConsistentHashRing;
pub use plan::Epoch;
pub use routing::{Room, RoutingConfig, Timing, Versions};
pub use shard::{ShardId, ShardTable, shard_of};
pub use status::{ClusterEvent, ClusterStatus, Leader, MemberStatus, ShardsStatus};
