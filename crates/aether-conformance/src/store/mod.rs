//! The conformance kit for stores: holds a store against the contract of `aether-core`, rule by rule.
//!
//! Authors of stores implement [`Fixture`] and call [`event_store_conformance!`], [`subscription_conformance!`],
//! [`snapshot_store_conformance!`] and, if the store has [`Timers`](aether_core::Timers), [`timer_conformance!`]: each rule
//! becomes one `#[test]`. The fixture [declines](Fixture::declines) with a reason what the store cannot do at all; the
//! rules that need it print the reason and do not run.
//!
//! ```
//! # mod doc {
//! use aether_core::Source;
//! use aether_conformance::store::{Capability, Fixture, Storage, StorageOptions};
//!
//! struct OnMyStore;
//!
//! #[async_trait::async_trait]
//! impl Fixture for OnMyStore {
//!     fn declines(&self, capability: Capability) -> Option<String> {
//!         match capability {
//!             Capability::Retention => Some("it keeps everything".to_owned()),
//!             Capability::Outages => Some("there is nothing to be cut off from".to_owned()),
//!             _ => None,
//!         }
//!     }
//!
//!     async fn storage(&self, options: StorageOptions) -> Result<Box<dyn Storage>, Source> {
//!         // Make a place of its own, with a handle to open stores on it.
//! #       let _ = options;
//! #       Err("this one has no store".into())
//!     }
//! }
//!
//! #[cfg(test)]
//! mod my_store {
//!     aether_conformance::event_store_conformance!(super::OnMyStore);
//!     aether_conformance::subscription_conformance!(super::OnMyStore);
//!     aether_conformance::snapshot_store_conformance!(super::OnMyStore);
//! }
//! # }
//! ```
//!
//! The model rules run random operations. A failure names its seed; `AETHER_CONFORMANCE_SEED` leads there again.
//!
//! The rules are also data ([`EVENT_STORE_RULES`], [`SUBSCRIPTION_RULES`], [`SNAPSHOT_STORE_RULES`], [`TIMER_RULES`]): the tests of this
//! crate hold against each of them a mutant, a store with exactly the fault that the rule is there to find.
//!
//! [`event_store_conformance!`]: crate::event_store_conformance
//! [`snapshot_store_conformance!`]: crate::snapshot_store_conformance
//! [`subscription_conformance!`]: crate::subscription_conformance
//! [`timer_conformance!`]: crate::timer_conformance

mod fixture;
mod list;
mod model;
mod rules;
mod support;

pub use fixture::{Capability, Fixture, Handle, Storage, StorageOptions};
pub use list::{EVENT_STORE_RULES, SNAPSHOT_STORE_RULES, SUBSCRIPTION_RULES, TIMER_RULES};

/// One requirement of the contract of stores.
pub type Rule = crate::Rule<dyn Fixture>;
