//! The seam for layers that spread actors over processes.
//!
//! A [`Router`] says where actors are. What is elsewhere goes out by [`sender`]; what comes in from elsewhere, by name, is
//! run by [`entry`]. A [`DrainGate`] counts what is under way, and a [`Failure`] is an error that travels.

pub(crate) mod drain_gate;
pub(crate) mod entry;
pub(crate) mod failure;
pub(crate) mod router;
pub(crate) mod sender;

pub use drain_gate::{DrainGate, Permit};
pub use failure::Failure;
pub use router::{QueryReply, RemoteCommand, RemoteQuery, Replied, Router};
