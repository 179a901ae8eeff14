//! Actors over real stores, through the public API alone.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod account;
mod reactors;
mod router;
mod runtime;
