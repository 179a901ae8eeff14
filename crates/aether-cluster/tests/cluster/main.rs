//! Nodes of a cluster on real servers: they find each other, share the shards, and move them without losing a command.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod counter;
mod joining;
mod load;
mod moving;
mod pages;
mod world;
