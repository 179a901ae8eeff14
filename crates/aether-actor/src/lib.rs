//! Event-sourced actors: commands are decided against a state, what happens is saved, and only then answered.
//!
//! | to | there is |
//! |---|---|
//! | write an actor | [`Actor`], [`Command`] and [`Handle`], [`Query`] and [`Answer`], [`Decision`] |
//! | run actors | [`ActorSystem`], [`ActorOptions`], [`SnapshotPolicy`], [`MemoryLimit`] |
//! | talk to them | [`ActorRef`], [`Ask`], [`PendingQuery`], [`CommandId`] |
//! | decide over several actors | [`ActorSystem::transaction`], [`Draft`] |
//! | react to events, wait, and act on the world | [`ProcessManager`], [`React`], [`Reaction`]; [`Decision::schedule`]; [`Effect`], [`EffectHandler`] |
//! | spread them over processes | [`Router`], [`DrainGate`], [`ActorRef::through`], [`ActorSystem::command_here`], [`ActorSystem::evict`], [`Failure`] |
//! | check code against a board | [`describe`], [`describe_process`] |
//! | know what went wrong | [`AskError`], [`ActorError`], [`StartError`] |

mod actor;
mod actor_ref;
mod ask;
mod builder;
mod command_id;
mod consumer;
mod decision;
mod delivery;
mod dispatch;
mod draft;
mod effects;
mod error;
mod list;
mod membership;
mod options;
mod outcome;
mod pending_query;
mod process;
mod remote;
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

pub use actor::{Actor, Answer, Command, CommandContext, Handle, Never, Query};
pub use actor_ref::ActorRef;
pub use aether_derive::{Command, Effect, Query};
pub use aether_group::{HandleError, Retry};
pub use ask::Ask;
pub use builder::ActorSystemBuilder;
pub use command_id::CommandId;
pub use consumer::ConsumerOptions;
pub use decision::{Decision, Declaration, When};
pub use delivery::{Delivery, Since};
#[doc(hidden)]
pub use draft::{AnyDraft, Drafts, LoadedDrafts, Party};
pub use draft::{Draft, Parties};
pub use effects::{Effect, EffectContext, EffectHandler};
pub use error::{ActorError, AskError, LoadError, Poison, StartError};
pub use list::{CommandList, QueryList, describe};
#[doc(hidden)]
pub use list::{CommandVisitor, QueryVisitor};
pub use options::{ActorOptions, SnapshotPolicy};
pub use outcome::Outcome;
pub use pending_query::PendingQuery;
pub use process::{
    Answered, Cause, CommandAnswered, CommandSent, Process, ProcessContext, ProcessEvent, ProcessManager,
    ProcessOptions, React, ReactContext, Reaction, SendList, Sendable, SourceList, describe_process,
};
#[doc(hidden)]
pub use process::{ReactTo, Spotted, TakeAnswer, TimeOut};
pub use remote::{DrainGate, Failure, Permit, QueryReply, RemoteCommand, RemoteQuery, Replied, Router};
pub use runtime::memory_limit::MemoryLimit;
pub use runtime::shared::Store;
pub use system::{ActorSystem, Shutdown, Unhandled, WeakSystem};
pub use transaction::Transaction;
