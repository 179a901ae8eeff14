//! Scenarios and properties, on a bank account: that they pass what is right, and say what is wrong.

#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

mod account;
mod actor;
mod failures;
mod process;
#[cfg(feature = "projection")]
mod projections;
mod properties;
