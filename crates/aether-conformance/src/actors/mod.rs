//! The conformance kit for the actor runtime: holds `aether-actor` on a store against its contract, rule by rule.
//!
//! Authors of stores, and of the runtime, implement [`Fixture`] and call [`actor_conformance!`]: each rule becomes one
//! `#[test]`.
//!
//! ```
//! # mod doc {
//! use std::sync::Arc;
//!
//! use aether_actor::Store;
//! use aether_core::Source;
//! use aether_conformance::actors::{Fixture, Storage};
//!
//! struct OnMyStore;
//!
//! #[async_trait::async_trait]
//! impl Fixture for OnMyStore {
//!     async fn storage(&self) -> Result<Box<dyn Storage>, Source> {
//!         // Make a place of its own, with a handle to open stores on it.
//! #       Err("this one has no store".into())
//!     }
//! }
//!
//! #[cfg(test)]
//! mod my_store {
//!     aether_conformance::actor_conformance!(super::OnMyStore);
//! }
//! # }
//! ```
//!
//! What goes wrong between an actor and its store (an acknowledgement that is lost, a store that cannot be reached) is made
//! by the kit itself, which stands between the two; the store under test need not be harmed.
//!
//! The rules are also data ([`RULES`]): the tests of this crate hold some of them against stores with exactly the fault
//! that they are there to find.
//!
//! [`actor_conformance!`]: crate::actor_conformance

mod fixture;
mod list;
mod rules;
mod support;

pub use fixture::{Fixture, Storage};
pub use list::RULES;

/// One requirement of the contract of the actor runtime.
pub type Rule = crate::Rule<dyn Fixture>;
