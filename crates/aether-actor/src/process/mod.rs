//! Process managers: what reacts to the events of some actors with commands to others.
//!
//! A process manager is an event-sourced actor like all others, [`Process<P>`], with a category of its own. Two consumer
//! groups drive it:
//! - `process-<name>` follows the actors that it reacts to. For each event that concerns a process it sends that process a
//!   command, whose id derives from the event's: so an event that comes again changes nothing.
//! - `process-<name>-commands` follows the process manager's own log. What a process sends is recorded there with the events
//!   of the reaction (`process.CommandSent`), and sent from there, with an id that derives from the reaction's. The answer is
//!   given to the process, which records it (`process.CommandAnswered`) and may react to it.
//!
//! So each step is a commit, each command of a step has an id of its own, and whoever crashes between two steps leaves the
//! next one to whoever reads the log after it.

mod context;
mod event;
mod follow;
mod lists;
mod manager;
mod reaction;

pub use context::{Answered, Cause, ProcessContext, ReactContext};
pub use event::{CommandAnswered, CommandSent, ProcessEvent};
pub use follow::ProcessOptions;
#[doc(hidden)]
pub use lists::Spotted;
pub use lists::{SendList, Sendable, SourceList};
pub use manager::{ProcessManager, React, describe_process};
pub use reaction::{Process, Reaction};
#[doc(hidden)]
pub use reaction::{ReactTo, TakeAnswer, TimeOut};
