//! [`Actor`]: a state that is what its events add up to.

use std::error::Error;

use aether_event::DomainEvent;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::command::CommandList;
use crate::query::QueryList;

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
