//! The embedded event store of Aether: the whole contract of [`EventStore`](aether_core::EventStore) and
//! [`SnapshotStore`](aether_core::SnapshotStore), in memory and without a server.
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
//! One append-only log of commits gives the order of all events; each actor has its own list of places in that log,
//! behind its own lock, so independent actors do not wait for each other. A commit is one entry of the log, also one
//! over several actors, and a reader of the log takes an entry only when all entries before it are there.

mod actors;
mod builder;
mod entry;
mod limits;
mod log;
mod read;
mod save;
mod store;
mod stream;

pub use builder::MemoryEventStoreBuilder;
pub use store::MemoryEventStore;
