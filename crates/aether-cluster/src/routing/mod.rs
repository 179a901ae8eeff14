//! How commands and queries get to the node that acts for their actor.
//!
//! Each shard is a subject, to which its owner listens, and NATS knows where that is. What makes it right is not that one
//! node alone owns a shard (two may believe that they do), but which answers a sender believes: see `call/`. What makes it
//! smooth is that the old owner of a shard keeps what comes while the new one gets ready: see `gate.rs` and [`Control`].

pub(crate) mod call;
mod config;
mod control;
mod door;
mod error;
pub(crate) mod gate;
mod node;
mod observer;
mod router;
mod sender;
#[cfg(test)]
mod tests;
pub mod wire;

pub use call::Timing;
pub use config::RoutingConfig;
pub use control::Control;
pub use error::RoutingError;
pub use gate::{Room, Stance};
pub use observer::{Asked, CallOutcome, Retry, RoutingObserver, TurnedAway, Unobserved};
pub use router::ClusterRouter;
