//! Coordination: its contract in memory and on NATS, what becomes of a bucket when servers fail, and singletons.

#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

mod conformance;
mod nats;
mod singleton;
