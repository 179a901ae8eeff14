//! The event bus of Aether.

mod bus;
mod chunk;
mod delivery;
mod error;
mod group;
mod hub;
mod lane;
mod memory;
#[cfg(feature = "nats")]
mod nats;
mod observe;
mod options;
mod pattern;
mod published;
mod ring;
mod route;
mod subscription;
mod sync;
mod tally;

pub use bus::{Broadcaster, EventBus};
pub use delivery::{BusDelivery, BusEvent, Undecodable};
pub use error::{PublishError, SubscribeError};
pub use memory::MemoryEventBus;
#[cfg(feature = "nats")]
pub use nats::{InvalidPrefix, NatsBusConfig, NatsEventBus};
pub use options::{BusOptions, Lag};
pub use pattern::{InvalidPattern, NamespacePattern};
pub use published::Published;
pub use subscription::BusSubscription;
