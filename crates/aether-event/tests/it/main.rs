//! The integration tests of the crate: typed events, their upcasting and their schema files.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod by_hand;
mod encoding;
mod saved_log;
mod schemas;
mod ui;
mod upcasting;
