//! The embedded event store of Aether: the whole contract of [`EventStore`](aether_core::EventStore),
//! [`SnapshotStore`](aether_core::SnapshotStore) and [`Subscribe`](aether_core::Subscribe), in memory and without a server,
//! and [`Timers`](aether_core::Timers) beside it ([`MemoryTimers`]).
//!
//! It is what a user runs in tests and demos, and the reference that other stores are held against. Nothing outlives
//! the process, nothing ever expires (there is no retention), and the clones of a store are handles on the same store.
//!
//! ```
//! use aether_core::{ActorId, Event, EventStoreExt, Version};
//! use aether_store_memory::MemoryEventStore;
//!
//! # futures_executor::block_on(async {
//! let store = MemoryEventStore::new();
//! let order = ActorId::new("order-123")?;
//! store.save_event(&Event::new(&order, Version::new(1), "OrderPlaced", &100)?).await?;
//! assert_eq!(store.get_latest_version(&order).await?, Version::new(1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! # How it works
//! Each actor has its own log of commits behind its own lock, so independent actors do not wait for each other. One list
//! of all commits says which comes after which: a save, holding the locks of its actors, takes the next place in it and
//! appends to their logs. A reader of all events takes the places in order and waits for one that is not filled yet. A
//! commit over several actors has one place. A subscription goes the same way, and waits at the end until a save wakes it.

mod actors;
mod builder;
mod entry;
mod order;
mod read;
mod save;
mod store;
mod subscribe;
mod timers;
mod waiting;

pub use builder::MemoryEventStoreBuilder;
pub use store::MemoryEventStore;
pub use timers::MemoryTimers;
