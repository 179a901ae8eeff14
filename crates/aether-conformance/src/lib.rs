//! The contract of Aether's stores and of its actor runtime, as rules that run against any implementation.
//!
//! For authors of stores: implement a fixture, call one macro for each trait of the store, and every rule becomes one
//! `#[test]`. A capability that the store lacks is declined with a reason, which the rule prints instead of running.
//!
//! - [`store`]: the rules of [`EventStore`](aether_core::EventStore), [`SnapshotStore`](aether_core::SnapshotStore),
//!   [`Subscribe`](aether_core::Subscribe) and [`Timers`](aether_core::Timers).
//! - `actors` (feature `actors`): the rules of the actor runtime on a store.
//!
//! Each rule has a mutant among the tests of this crate: a store with one fault, which fails that rule. A rule without a
//! mutant fails the tests, so a rule that cannot fail does not exist.
//!
//! ```
//! # mod doc {
//! use aether_conformance::store::{Capability, Fixture, Storage, StorageOptions};
//! use aether_core::Source;
//!
//! struct OnMyStore;
//!
//! #[async_trait::async_trait]
//! impl Fixture for OnMyStore {
//!     fn declines(&self, capability: Capability) -> Option<String> {
//!         (capability == Capability::Retention).then(|| "it keeps everything".to_owned())
//!     }
//!
//!     async fn storage(&self, options: StorageOptions) -> Result<Box<dyn Storage>, Source> {
//! #       let _ = options;
//!         Err("open an empty storage here".into())
//!     }
//! }
//!
//! aether_conformance::event_store_conformance!(OnMyStore);
//! # }
//! ```
//!
//! This crate must not know a store, a runtime beyond the one that runs the rules, or NATS.

#[cfg(feature = "actors")]
pub mod actors;
mod checks;
mod rule;
pub mod store;

#[doc(hidden)]
pub use rule::check;
pub use rule::{Outcome, Rule, Subject};
