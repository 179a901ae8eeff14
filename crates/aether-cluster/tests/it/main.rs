//! Clusters on real servers.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;
mod processes;
