//! Whole clusters in simulated time: nodes crash, freeze and are cut off, messages and acknowledgements get lost, keys and
//! store have elections; and everything that is promised is checked, at every moment and when all has healed.
//!
//! Everything comes from a seed. The `Engine` of every node, its gates and the calls of its
//! clients are the real ones; keys, signals, store and actors are models of them.

mod actor;
mod clock;
mod faults;
mod host;
mod input;
mod judge;
mod keys;
mod mutant;
mod net;
mod publish;
mod report;
mod rest;
mod scenario;
mod sender;
mod service;
mod store;
#[cfg(test)]
mod tests;
mod wire;
mod world;

pub use report::{Counts, Violation};
pub use scenario::{run, trace};
