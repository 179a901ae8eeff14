//! The integration tests of the crate: boards as text, drawn, validated, and compared with code.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod check;
mod docs;
mod forms;
mod mermaid;
mod round_trip;
mod validate;
