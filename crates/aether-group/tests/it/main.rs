//! Groups at work: in memory, and on real servers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
mod letters;
mod servers;
mod sharing;
