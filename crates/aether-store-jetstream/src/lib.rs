//! The event store of Aether on NATS JetStream.
//!
//! [`JetStreamEventStore`] keeps the whole contract of [`EventStore`](aether_core::EventStore),
//! [`SnapshotStore`](aether_core::SnapshotStore) and [`Subscribe`](aether_core::Subscribe) on one nats-server or on a
//! cluster of them, and [`JetStreamTimers`] that of [`Timers`](aether_core::Timers). The user brings the connection, with
//! whatever credentials and TLS:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use aether_core::{ActorId, Event, EventStoreExt, Version};
//! use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore};
//!
//! let client = async_nats::connect("nats://localhost:4222").await?;
//! let config = JetStreamConfig::new("events").namespace("tenant-abc");
//! let store = JetStreamEventStore::create(client, config).await?;
//!
//! let order = ActorId::new("order-123")?;
//! store.save_event(&Event::new(&order, Version::new(1), "OrderPlaced", &100)?).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Servers
//! nats-server 2.11 or newer; commits over several actors need 2.12, and 2.14.4 has the fixes of theirs that matter. Timers
//! need 2.12. An older server is refused when the store, or the timers, are opened.
//!
//! # Permissions
//! For the streams `S` = `<namespace>_<stream>` and `P` = `S_snapshots`, a user of a store needs to
//!
//! - publish to `S.>`, `P.>`, `$JS.API.STREAM.INFO.S`, `$JS.API.STREAM.INFO.P`, `$JS.API.STREAM.MSG.GET.S`,
//!   `$JS.API.STREAM.MSG.GET.P`, `$JS.API.DIRECT.GET.S`, `$JS.API.CONSUMER.CREATE.S` and `$JS.FC.S.>` (`$JS.FC.*.*.S.>` on servers with `js_ack_fc_v2`),
//! - subscribe to its inbox prefix.
//!
//! Creating the streams needs `$JS.API.STREAM.CREATE.S` and `$JS.API.STREAM.CREATE.P` as well. What is missing is reported
//! as such when the store knows the connection's [`Denials`].
//!
//! A user of [`JetStreamTimers`], whose stream is `T` = `S_timers`, needs to publish to `T.>`, `$JS.API.STREAM.INFO.T` and
//! `$JS.API.STREAM.PURGE.T`; to listen, to `$JS.API.CONSUMER.CREATE.T.due`, `$JS.API.CONSUMER.MSG.NEXT.T.due` and
//! `$JS.ACK.T.due.>` (`$JS.ACK.*.*.T.due.>` with `js_ack_fc_v2`) as well; to create the stream, to `$JS.API.STREAM.CREATE.T`.
//!
//! # Connections
//! A server that is killed closes its connections; one that is frozen does not, and a client with the default ping interval
//! of a minute notices only after two. Set a shorter one
//! ([`ConnectOptions::ping_interval`](async_nats::ConnectOptions::ping_interval)) where that matters, and give the client
//! the addresses of all servers.

mod all;
mod batch;
mod config;
mod consumer;
mod contract;
mod head_cache;
mod history;
mod open;
mod save;
mod snapshots;
mod store;
mod stored_commit;
mod subscribe;
mod timers;

pub use aether_nats::Denials;
pub use config::{InvalidConfig, JetStreamConfig, Storage, Timeouts};
pub use contract::{Difference, Owner};
pub use open::OpenError;
pub use store::{JetStreamEventStore, StoreStats};
pub use timers::{JetStreamTimers, JetStreamTimersConfig};
