//! What processes agree on, and what they hear of each other.
//!
//! | to | there is | kept |
//! |---|---|---|
//! | decide something once | [`KeyValue`]: keys that are written by compare-and-set | durably |
//! | have something for a time | [`Leases`]: keys with a time to live | durably, and not for long |
//! | be heard | [`Signals`]: small messages to whoever listens | not at all |
//! | know who is there | [`Liveness`]: who is heard, and whether one hears oneself | – |
//! | have one process at most do something | [`singleton`]: a strict, timed election over leases | durably, and not for long |
//!
//! Keys and signals are a [`Coordination`]: [`MemoryCoordination`] within one process, `NatsCoordination` (feature `nats`)
//! across many; both keep leases too. Decisions are compare-and-sets and are never believed from a read; liveness is heard, and is
//! never written, so that an election of the servers, which holds up writes for seconds, makes nobody look dead.

mod error;
mod key;
mod key_value;
mod liveness;
mod memory;
#[cfg(feature = "nats")]
mod nats;
mod signals;
pub mod singleton;

#[cfg(feature = "nats")]
pub use aether_nats::Denials;
pub use error::CoordinationError;
pub use key::{InvalidKey, Key};
pub use key_value::{Change, Changes, Condition, Entry, KeyValue, Leases, Revision};
pub use liveness::{Liveness, Pulse, Sound};
pub use memory::MemoryCoordination;
#[cfg(feature = "nats")]
pub use nats::{NatsConfig, NatsCoordination, Storage};
pub use signals::{Follow, Heard, Outbox, Signals};

/// Keys and signals in one.
pub trait Coordination: KeyValue + Signals {}

impl<T: KeyValue + Signals + ?Sized> Coordination for T {}
