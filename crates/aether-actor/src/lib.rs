//! Event-sourced actors: commands are decided against a state, what happens is saved, and only then answered.
//!
//! | to | there is |
//! |---|---|
//! | write an actor | [`Actor`], [`Command`] and [`Handle`], [`Query`] and [`Answer`], [`Decision`] |
//! | run actors | [`ActorSystem`], [`ActorOptions`], [`SnapshotPolicy`], [`MemoryLimit`] |
//! | talk to them | [`ActorRef`], [`Ask`], [`Inquiry`], [`CommandId`] |
//! | decide over several actors | [`ActorSystem::transaction`], [`Draft`] |
//! | know what went wrong | [`AskError`], [`ActorError`], [`StartError`] |

mod actor;
mod actor_ref;
mod ask;
mod builder;
mod command;
mod command_id;
mod decision;
mod delivery;
mod dispatch;
mod effect;
mod error;
mod list;
mod options;
mod outcome;
mod panic;
mod query;
mod reactor;
mod runtime;
mod system;
mod transaction;

pub use actor::{Actor, Never};
pub use actor_ref::ActorRef;
/// Typed events.
pub use aether_event as event;
pub use aether_derive::{Command, Effect, Query};
pub use ask::{Ask, Inquiry};
pub use builder::ActorSystemBuilder;
pub use command::{Command, CommandContext, CommandList, Handle};
pub use command_id::CommandId;
pub use decision::{Decision, Declaration, When};
pub use delivery::{Delivery, Since};
pub use effect::Effect;
pub use error::{ActorError, AskError, LoadError, Poison};
pub use options::ActorOptions;
pub use outcome::Outcome;
pub use query::{Answer, Query, QueryList};
pub use reactor::StartError;
pub use runtime::residents::MemoryLimit;
pub use runtime::snapshot::SnapshotPolicy;
pub use system::{ActorSystem, Shutdown, Store, Unhandled};
pub use transaction::{Draft, Parties, Transaction};
#[doc(hidden)]
pub use transaction::{AnyDraft, Drafts};
#[doc(hidden)]
pub use dispatch::{CommandTable, QueryTable};
