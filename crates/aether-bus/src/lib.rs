//! The event bus of Aether: events to whoever listens now.
//!
//! An [`EventBus`] hands events to the subscribers of a [`Namespace`](aether_core::Namespace), or of all namespaces that a
//! [`NamespacePattern`] matches. [`MemoryEventBus`] does so within one process; `NatsEventBus` (feature `nats`) across nodes,
//! over core NATS.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use aether_bus::{BusDelivery, EventBus, MemoryEventBus};
//! use aether_core::{ActorId, Event, EventFilter, Namespace, Version};
//!
//! let bus: Box<dyn EventBus> = Box::new(MemoryEventBus::new());
//! let mut payments = bus.subscribe(&"eu.*".parse()?, EventFilter::all().types(["Paid"]).into()).await?;
//!
//! let paid = Event::new(&ActorId::new("order-1")?, Version::new(2), "Paid", &100)?;
//! bus.publish(&Namespace::new("eu.tenant-7")?, &paid).await?;
//!
//! match payments.recv().await {
//!     Some(BusDelivery::Event(event)) => assert_eq!(event.data::<u32>()?, 100),
//!     other => panic!("{other:?}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Slow subscribers
//! Memory is bounded, so somebody has to give way, and [`Lag`] says who: the oldest events, of which the subscriber is told
//! how many it has [missed](BusDelivery::Missed), or the publishers, who wait. Nothing is dropped in silence.
//!
//! # What a bus is not
//! A bus keeps nothing. Who subscribes later, is cut off or too slow, does not get what has gone by. What must not be lost,
//! such as what a projection is built from, is read from the store, which delivers each saved event exactly once and in order
//! ([`Subscribe`](aether_core::Subscribe)). [`Published`] makes a store that publishes what it has saved.

mod bus;
mod delivery;
mod group;
mod hub;
mod memory;
#[cfg(feature = "nats")]
mod nats;
mod observe;
mod pattern;
mod published;
mod ring;

pub use bus::{Broadcaster, BusOptions, EventBus, Lag, PublishError, SubscribeError};
pub use delivery::{BusDelivery, BusEvent, BusSubscription, Undecodable};
pub use memory::MemoryEventBus;
#[cfg(feature = "nats")]
pub use nats::{InvalidPrefix, NatsBusConfig, NatsEventBus};
pub use pattern::{InvalidPattern, NamespacePattern};
pub use published::Published;
