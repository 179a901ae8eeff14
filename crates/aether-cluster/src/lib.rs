//! The cluster: actors live once, are found by id, and move without losing a command.
//!
//! Actors hash to shards, and each shard has one node that acts for its actors. Who that is, is decided by the cluster's
//! leader, in a plan that is written by compare-and-set; how commands get there is the business of NATS. None of it is what
//! an actor's truth rests on: that is the log's alone (see `aether-actor`). A node that is wrong about what it owns costs
//! conflicts, and never a false answer.

mod builder;
mod client;
mod counting;
mod driver;
mod engine;
mod error;
mod event;
mod manager;
mod member;
mod node;
#[cfg(feature = "prometheus")]
mod pages;
pub mod placement;
mod plan;
mod record;
mod ring;
pub mod routing;
mod shard;
mod signal;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;
mod status;
mod table;

pub use builder::ClusterBuilder;
pub use client::ClusterClient;
pub use error::ClusterError;
pub use event::ClusterEvent;
pub use manager::{ClusterEvents, ClusterManager};
pub use member::{Member, MemberState};
pub use node::{Incarnation, InvalidNodeId, Node, NodeId};
pub use plan::Epoch;
pub use ring::ConsistentHashRing;
pub use shard::{ShardId, shard_of};
pub use status::{ClusterStatus, Leader, MemberStatus, ShardsStatus};
pub use table::ShardTable;
