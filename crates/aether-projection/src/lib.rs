//! Projections: views that follow the events of a store, and never skip one.
//!
//! A [`Projection`] says, purely, what events make of views. Where the views are kept is a model, and a [`Projector`] keeps
//! it up to date: from the first event on, over restarts, each event once.
//!
//! | views are kept | by | each event once, since |
//! |---|---|---|
//! | in memory | [`MemoryModel`] | views and positions change together |
//! | in NATS | [`KvModel`] | each value carries the positions that it has seen, and is written by compare-and-set |
//! | in your database | your [`Target`] | views and checkpoint are committed in one transaction |
//!
//! A projector is a member of a [consumer group](aether_group): several processes can share the work, an event that cannot
//! be applied parks its actor and nobody else, and progress can be seen.
//! [`Projector::wait_for`] is how you read what you have written.
//!
//! A new version of a projection is built [beside the running one](versions), and reads go over to it without a pause.

mod applied_positions;
mod error;
mod kv;
mod memory;
mod projection;
mod projector;
mod staged_batch;
#[cfg(test)]
mod tests;
pub mod versions;

pub use aether_group::{Batch, Claim, Epoch, GroupAdmin, HandleError, Partition, Progress};
pub use error::ProjectionError;
pub use kv::KvModel;
pub use memory::MemoryModel;
pub use projection::{ApplyError, Keys, Projection, Target};
pub use projector::{Projector, ProjectorBuilder};
