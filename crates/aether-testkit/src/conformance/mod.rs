//! The conformance kit: holds a store against the contract of `aether-core`, rule by rule.
//!
//! Whoever writes a store implements [`Fixture`] for it and calls [`event_store_conformance!`],
//! [`subscription_conformance!`] and [`snapshot_store_conformance!`], and [`timer_conformance!`] if there are
//! [`Timers`](aether_core::Timers): each rule becomes one `#[test]`. What the store cannot do at all its fixture [declines](Fixture::declines) with a reason; the rules that need it print that reason and
//! do not run.
//!
//! ```
//! # mod doc {
//! use aether_core::Source;
//! use aether_testkit::conformance::{Capability, Fixture, Storage, StorageOptions};
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
//!     aether_testkit::event_store_conformance!(super::OnMyStore);
//!     aether_testkit::subscription_conformance!(super::OnMyStore);
//!     aether_testkit::snapshot_store_conformance!(super::OnMyStore);
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

mod capability;
mod fixture;
mod list;
mod model;
mod rule;
mod rules;
mod support;

pub use capability::Capability;
pub use fixture::{Fixture, Handle, Storage, StorageOptions};
pub use list::{EVENT_STORE_RULES, SNAPSHOT_STORE_RULES, SUBSCRIPTION_RULES, TIMER_RULES};
#[doc(hidden)]
pub use rule::check;
pub use rule::{Outcome, Rule};
