//! Projections at work, in memory and on a real server.

#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

mod common;
mod following;
mod on_nats;
mod parking;
mod rebuilding;
mod switching;
