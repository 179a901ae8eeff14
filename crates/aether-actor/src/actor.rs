//! [`Actor`], its [`Command`]s and its [`Query`]s: the traits that an application implements.

use std::error::Error;

use aether_core::{ActorId, Version};
use aether_event::DomainEvent;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use time::OffsetDateTime;

use crate::command_id::CommandId;
use crate::decision::Decision;
use crate::list::{CommandList, QueryList};

/// An event-sourced actor: a state that is derived from its events alone, and that commands are decided against.
///
/// The type that implements it is the state; an actor that nothing has happened to yet is its [`Default`]. For each
/// command there is a [`Handle`](crate::Handle), for each query an [`Answer`](crate::Answer). None of them does anything:
/// they are functions of the state, so they can be run again (after a conflict), tested without a runtime, and replayed in
/// ten years. What is to be done in the world is declared in the [`Decision`](crate::Decision).
///
/// The state is cloned once for each commit, so that what is about to be saved can be tried first; large parts of it
/// belong in an [`Arc`](std::sync::Arc) or a persistent collection.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an actor",
    label = "not an actor",
    note = "implement `Actor`: a category, the event enum, the error, the commands and queries, and `evolve`; its state needs `Default`, `Clone`, `Serialize` and `Deserialize`"
)]
pub trait Actor: Default + Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The first part of the ids of these actors: with `order`, `system.actor::<Order>("123")` is `order-123`. Not empty,
    /// and without `-`.
    const CATEGORY: &'static str;

    /// What can happen to it.
    type Event: DomainEvent;

    /// Why it refuses a command. It is recorded, and travels to the caller. [`Never`](crate::Never) if it does not refuse.
    type Error: Error + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The commands that it takes: `(Place, Pay)`, and `()` for none. A command that is not listed cannot be sent.
    type Commands: CommandList<Self>;

    /// The queries that it answers: `(Total,)`, and `()` for none.
    type Queries: QueryList<Self>;

    /// The version of the state's form in snapshots. To be raised when the state changes so that older ones cannot be
    /// read any more.
    const STATE_VERSION: u32 = 1;

    /// Takes an event into the state. What has happened is not to be argued with: this cannot fail, and a panic here makes
    /// the actor's history unreadable.
    fn evolve(&mut self, event: &Self::Event);

    /// The state of an older snapshot in the form of today; `None`, the default, to ignore that snapshot and replay the
    /// events.
    #[must_use]
    fn upcast_state(_version: u32, _state: Value) -> Option<Value> {
        None
    }

    /// The memory that the state takes, in bytes, as the limit on memory counts it. By default what it takes without what
    /// it points to.
    #[must_use]
    fn memory(&self) -> usize {
        size_of::<Self>()
    }
}

/// The error of an actor that refuses nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, thiserror::Error)]
pub enum Never {}

/// Something that an actor is asked to do. Derive it: `#[derive(Command)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command",
    note = "add `#[derive(Serialize, Deserialize, Command)]`"
)]
pub trait Command: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The stable name under which it is recorded and travels: by default the name of the type.
    const NAME: &'static str;
}

/// How an actor decides on a command.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle the command `{C}`",
    label = "no `impl Handle<{C}> for {Self}`",
    note = "implement `Handle<{C}>` for `{Self}`, and list `{C}` in its `Actor::Commands`"
)]
pub trait Handle<C: Command>: Actor {
    /// What the caller gets.
    type Reply: Serialize + DeserializeOwned + Send + 'static;

    /// Decides: what happens, and what the caller gets. A function of its arguments, without any effect; it is called
    /// again when somebody else was faster.
    ///
    /// # Errors
    /// The actor's refusal. Nothing is saved then.
    fn decide(
        &self,
        command: &C,
        context: &CommandContext,
    ) -> Result<Decision<Self, Self::Reply>, Self::Error>;
}

/// What a command is decided in.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CommandContext {
    /// The actor.
    pub actor: ActorId,
    /// The command's id, the same when it is decided again or was sent again.
    pub command_id: CommandId,
    /// The version of the state.
    pub version: Version,
    /// The time, by the system's clock.
    pub now: OffsetDateTime,
}

impl CommandContext {
    /// A context; for tests of deciders, and for whoever drives them.
    #[must_use]
    pub fn new(actor: ActorId, command_id: CommandId, version: Version, now: OffsetDateTime) -> Self {
        Self { actor, command_id, version, now }
    }
}

/// Something that an actor is asked to tell. Derive it: `#[derive(Query)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a query",
    note = "add `#[derive(Serialize, Deserialize, Query)]`"
)]
pub trait Query: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The stable name under which it travels: by default the name of the type.
    const NAME: &'static str;
}

/// How an actor answers a query: from its state, without any effect.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not answer the query `{Q}`",
    label = "no `impl Answer<{Q}> for {Self}`",
    note = "implement `Answer<{Q}>` for `{Self}`, and list `{Q}` in its `Actor::Queries`"
)]
pub trait Answer<Q: Query>: Actor {
    /// What the caller gets.
    type Reply: Serialize + DeserializeOwned + Send + 'static;

    /// Answers. It runs on the thread of whoever asks, while the actor waits: it should be short.
    fn answer(&self, query: &Q) -> Self::Reply;
}
