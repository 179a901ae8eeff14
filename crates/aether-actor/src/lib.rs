//! Event-sourced actors: commands are decided against a state, what happens is saved, and only then answered.
//!
//! | to | there is |
//! |---|---|
//! | write an actor | [`Actor`], [`Command`] and [`Handle`], [`Query`] and [`Answer`], [`Decision`] |
//! | run actors | [`ActorSystem`], [`ActorOptions`], [`SnapshotPolicy`], [`MemoryLimit`] |
//! | talk to them | [`ActorRef`], [`Ask`], [`Inquiry`], [`CommandId`] |
//! | decide over several actors | [`ActorSystem::transaction`], [`Draft`] |
//! | react to events, wait, and act on the world | [`ProcessManager`], [`React`], [`Reaction`]; [`Decision::schedule`]; [`Effect`], [`EffectHandler`] |
//! | spread them over processes | [`Router`], [`Entries`], [`ActorRef::through`], [`ActorSystem::command_here`], [`ActorSystem::evict`], [`Failure`] |
//! | check code against a board | [`describe`], [`describe_process`] |
//! | know what went wrong | [`AskError`], [`ActorError`], [`StartError`] |

mod actor;
mod actor_ref;
mod ask;
mod builder;
mod command;
mod command_id;
mod consumer;
mod decision;
mod delivery;
mod describe;
mod dispatch;
mod effect;
mod effects;
mod error;
mod failure;
mod here;
mod inquiry;
mod list;
mod membership;
mod options;
mod outcome;
mod panic;
mod permit;
mod process;
mod provided;
mod query;
mod reactor;
mod route;
mod router;
mod runtime;
mod system;
mod timers;
mod transaction;

/// Typed events: the crate `aether-event`.
pub mod event {
    pub use aether_derive::DomainEventOfActor as DomainEvent;
    #[doc(inline)]
    pub use aether_event::*;
}

pub use actor::{Actor, Never};
pub use actor_ref::ActorRef;
pub use aether_derive::{Command, Effect, Query};
pub use aether_group::{HandleError, Retry};
pub use ask::Ask;
pub use builder::ActorSystemBuilder;
pub use command::{Command, CommandContext, CommandList, Handle};
pub use command_id::CommandId;
pub use consumer::ConsumerOptions;
pub use decision::{Decision, Declaration, When};
pub use delivery::{Delivery, Since};
pub use describe::{describe, describe_process};
#[doc(hidden)]
pub use dispatch::{CommandTable, QueryTable};
pub use effect::Effect;
pub use effects::{EffectContext, EffectHandler};
pub use error::{ActorError, AskError, LoadError, Poison};
pub use failure::Failure;
pub use inquiry::Inquiry;
pub use options::ActorOptions;
pub use outcome::Outcome;
pub use permit::{Entries, Permit};
pub use process::{
    Answered, Cause, CommandAnswered, CommandSent, Process, ProcessContext, ProcessEvent, ProcessManager,
    ProcessOptions, React, ReactContext, Reaction, SendList, Sendable, SourceList,
};
#[doc(hidden)]
pub use process::{ReactTo, Spotted, TakeAnswer, TimeOut};
pub use query::{Answer, Query, QueryList};
pub use reactor::StartError;
pub use router::{RemoteCommand, RemoteQuery, Replied, Router, Told};
pub use runtime::residents::MemoryLimit;
pub use runtime::snapshot::SnapshotPolicy;
pub use system::{ActorSystem, Shutdown, Store, Unhandled, WeakSystem};
#[doc(hidden)]
pub use transaction::{AnyDraft, Drafts};
pub use transaction::{Draft, Parties, Transaction};
