//! Nodes of a cluster on real servers: they find each other, share the shards, and move them without losing a command.

mod counter;
mod joining;
mod load;
mod moving;
#[cfg(feature = "prometheus")]
mod pages;
mod world;
