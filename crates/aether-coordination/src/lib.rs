//! What processes agree on, and what they hear of each other.
//!
//! | to | there is | kept |
//! |---|---|---|
//! | decide something once | [`KeyValue`]: keys that are written by compare-and-set | durably |
//! | be heard | [`Signals`]: small messages to whoever listens | not at all |
//!
//! Both are a [`Coordination`]: [`MemoryCoordination`] within one process, `NatsCoordination` (feature `nats`) across many. Decisions are compare-and-sets and are never believed from a read; liveness is heard, and is
//! never written, so that an election of the servers, which holds up writes for seconds, makes nobody look dead.

mod error;
mod key;
mod key_value;
mod memory;
#[cfg(feature = "nats")]
mod nats;
mod signals;

pub use error::CoordinationError;
pub use key::{InvalidKey, Key};
pub use key_value::{Change, Changes, Condition, Entry, KeyValue, Revision};
pub use memory::MemoryCoordination;
#[cfg(feature = "nats")]
pub use nats::{NatsConfig, NatsCoordination, Storage};
pub use signals::{Heard, Signals};

/// Keys and signals in one.
pub trait Coordination: KeyValue + Signals {}

impl<T: KeyValue + Signals + ?Sized> Coordination for T {}
