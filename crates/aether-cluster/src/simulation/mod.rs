//! Whole clusters in simulated time: nodes crash, freeze and are cut off, messages and acknowledgements get lost, keys and
//! store have elections; and everything that is promised is checked, at every moment and when all has healed.
//!
//! Everything comes from a seed. The `Engine` of every node, its gates and the calls of its
//! clients are the real ones; keys, signals, store and actors are models of them.

mod actor;
mod faults;
mod host;
mod input;
mod judge;
mod net;
mod rest;
mod scenario;
mod sender;
mod service;
mod store;
#[cfg(test)]
mod tests;
mod world;

pub use scenario::{Counts, Violation, run, trace};
