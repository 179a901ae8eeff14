//! The bus within one process, and over real servers.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod memory;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "nats")]
mod nats_faults;
