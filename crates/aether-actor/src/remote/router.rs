//! [`Router`]: where actors are, for a layer that spreads them over processes.

use std::borrow::Cow;
use std::fmt;

use aether_core::ActorId;
use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use super::drain_gate::Permit;
use crate::delivery::Delivery;
use crate::error::ActorError;
use crate::outcome::Outcome;

/// Where actors are, for a layer that spreads them over processes.
///
/// A system that is given one ([`ActorSystemBuilder::router`](crate::ActorSystemBuilder::router)) asks it before it acts for
/// an actor. What is elsewhere goes through it; what comes from elsewhere is run by
/// [`command_here`](crate::ActorSystem::command_here) and [`query_here`](crate::ActorSystem::query_here). A router that holds
/// its system holds it [weakly](crate::ActorSystem::downgrade), since the system holds the router.
///
/// None of it is what an answer's truth rests on: that is the log's alone. A router that is wrong about where an actor is
/// costs conflicts, as long as it keeps to what it says of each method.
#[async_trait]
pub trait Router: fmt::Debug + Send + Sync {
    /// The right to act for this actor here, which is held until what was asked is settled; `None` if it is elsewhere. On
    /// the path of every ask: nanoseconds.
    fn enter(&self, actor: &ActorId) -> Option<Permit>;

    /// Whether this process acts for the actor now: for queries that are answered from memory. On the path of every query:
    /// nanoseconds.
    fn is_here(&self, actor: &ActorId) -> bool;

    /// Sends a command to wherever the actor is, until it is answered or its deadline has passed.
    ///
    /// Whoever sends it more than once sends the later attempts [again](Delivery::again), and from then on believes no
    /// answer to an earlier one that was not [recorded](Replied::recorded). Before it sends a [fresh](Delivery::is_fresh)
    /// command for the first time, a router that has seen a later sequence than the command's [`since`](Delivery::since)
    /// says so there: a command of which it is not known since when it can have been executed is looked for through the
    /// actor's whole log.
    ///
    /// # Errors
    /// [`ActorError`]: [`TimedOut`](ActorError::TimedOut) once it may have been executed and no answer came.
    ///
    /// # Cancel safety
    /// If it is dropped, the command may be executed or not.
    async fn command(&self, actor: &ActorId, command: RemoteCommand) -> Result<Replied, ActorError>;

    /// Puts a query to wherever the actor is.
    ///
    /// # Errors
    /// [`ActorError`].
    ///
    /// # Cancel safety
    /// Can be dropped at any time.
    async fn query(&self, actor: &ActorId, query: RemoteQuery) -> Result<QueryReply, ActorError>;
}

/// A command for an actor that is elsewhere.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RemoteCommand {
    /// Its name: [`Command::NAME`](crate::Command::NAME).
    pub name: Cow<'static, str>,
    /// The command as JSON.
    pub data: Bytes,
    /// How it comes to the actor.
    pub delivery: Delivery,
    /// The highest sequence that its caller has seen of the actor; 0 for none. A hint: a command is decided on the actor's
    /// last state, whatever its caller has seen.
    pub seen: u64,
}

impl RemoteCommand {
    /// A command of this name, as JSON.
    #[must_use]
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        data: impl Into<Bytes>,
        delivery: Delivery,
        seen: u64,
    ) -> Self {
        Self { name: name.into(), data: data.into(), delivery, seen }
    }
}

/// A query for an actor that is elsewhere.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RemoteQuery {
    /// Its name: [`Query::NAME`](crate::Query::NAME).
    pub name: Cow<'static, str>,
    /// The query as JSON.
    pub data: Bytes,
    /// Whether the answer must have been true at a moment between question and answer.
    pub linearizable: bool,
    /// The highest sequence that its caller has seen of the actor, which the answer must not be behind; 0 for none.
    pub seen: u64,
    /// Until when it is answered.
    pub deadline: Instant,
}

impl RemoteQuery {
    /// A query of this name, as JSON, of a caller who has seen nothing; it may be answered from memory.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>, data: impl Into<Bytes>, deadline: Instant) -> Self {
        Self { name: name.into(), data: data.into(), linearizable: false, seen: 0, deadline }
    }
}

/// What became of a command that was run for somebody elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replied {
    /// The reply or the refusal.
    pub outcome: Outcome,
    /// The actor's sequence when the outcome stood.
    pub sequence: u64,
    /// Whether the outcome stands in the log under the command's id. Otherwise it saved nothing, and was only proved to be
    /// true then: it answers an attempt that this process alone could act on. A refusal of more than 4 KiB is never
    /// recorded.
    pub recorded: bool,
}

/// What a query that was put for somebody elsewhere came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryReply {
    /// The answer as JSON.
    pub answer: Bytes,
    /// The actor's sequence that it was answered at.
    pub sequence: u64,
}
