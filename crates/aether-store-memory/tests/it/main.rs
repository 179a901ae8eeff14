//! The integration tests of the crate: the contracts of stores and timers, and what the memory store adds to them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod concurrency;
mod conformance;
mod store;
mod subscribe;
mod timer_conformance;
mod timers;
