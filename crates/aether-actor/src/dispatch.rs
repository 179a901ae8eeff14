//! Commands and queries by name: what is sent from elsewhere, by timers, and by process managers.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use aether_core::ActorId;
use async_trait::async_trait;
use serde::Serialize;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::command::{Command, Handle};
use crate::pending_query::{put_query, answer_from_memory};
use crate::query::{Answer, Query};
use crate::runtime::host::ActorHost;
use crate::runtime::observed;
use crate::runtime::mailbox_item::{CommandItem, BoxedItem, Caller, Seen, decode, to_json};
use crate::{Actor, ActorError, Delivery, Permit, RemoteQuery, Replied, QueryReply};

type Encoded = oneshot::Sender<Result<Replied, ActorError>>;
type MakeItem<A> = fn(&[u8], Delivery, Encoded, Option<Permit>) -> Result<BoxedItem<A>, ActorError>;

/// How each command of an actor is made from what travelled.
pub struct CommandTable<A: Actor>(HashMap<&'static str, MakeItem<A>>);

impl<A: Actor> CommandTable<A> {
    pub(crate) fn add<C: Command>(&mut self)
    where
        A: Handle<C>,
    {
        self.0.insert(C::NAME, |data, delivery, caller, permit| {
            let command: C = decode(data, "a command")?;
            Ok(Box::new(CommandItem::<A, C>::new(command, delivery, Caller::Encoded(caller), permit)))
        });
    }
}

impl<A: Actor> Default for CommandTable<A> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<A: Actor> fmt::Debug for CommandTable<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

type Putting = Pin<Box<dyn Future<Output = Result<QueryReply, ActorError>> + Send>>;
type Put<A> = fn(&Arc<ActorHost<A>>, &ActorId, &RemoteQuery) -> Result<QueryDispatch, ActorError>;

/// A query that was put.
pub(crate) enum QueryDispatch {
    /// It was answered from memory.
    Answered(QueryReply),
    /// It waits for its turn.
    Pending(Putting),
}

/// How each query of an actor is answered to whoever put it elsewhere.
pub struct QueryTable<A: Actor>(HashMap<&'static str, Put<A>>);

impl<A: Actor> QueryTable<A> {
    pub(crate) fn add<Q: Query>(&mut self)
    where
        A: Answer<Q>,
    {
        self.0.insert(Q::NAME, |kind, actor, remote| {
            let query: Q = decode(&remote.data, "a query")?;
            let seen = Seen::of(remote.seen);
            let linearizable = remote.linearizable;
            if !linearizable && let Some(reply) = answer_from_memory::<A, Q>(kind, actor, &query, &seen)? {
                return told(&reply, &seen).map(QueryDispatch::Answered);
            }
            let (kind, actor, deadline) = (Arc::clone(kind), actor.clone(), remote.deadline);
            Ok(QueryDispatch::Pending(Box::pin(async move {
                let told_to = seen.clone();
                let reply =
                    put_query::<A, Q>(kind, actor, query, linearizable, told_to, deadline, None).await?;
                told(&reply, &seen)
            })))
        });
    }
}

fn told<R: Serialize>(reply: &R, seen: &Seen) -> Result<QueryReply, ActorError> {
    Ok(QueryReply { answer: to_json(reply, "an answer")?, sequence: seen.get() })
}

impl<A: Actor> Default for QueryTable<A> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<A: Actor> fmt::Debug for QueryTable<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A kind of actors, whatever its type.
#[async_trait]
pub(crate) trait AnyHost: fmt::Debug + Send + Sync {
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;

    /// Sends a command by its name, and waits for what becomes of it. The permit is held until it is settled.
    async fn send(
        self: Arc<Self>,
        actor: &ActorId,
        name: &str,
        data: &[u8],
        delivery: Delivery,
        permit: Option<Permit>,
    ) -> Result<Replied, ActorError>;

    /// Puts a query by its name.
    fn put(self: Arc<Self>, actor: &ActorId, query: &RemoteQuery) -> Result<QueryDispatch, ActorError>;

    /// Lets the idle ones of these actors leave memory, and those at work when their turn ends. How many have left.
    fn evict(self: Arc<Self>, actors: &dyn Fn(&ActorId) -> bool) -> usize;

    fn unpark(&self, actor: &ActorId) -> bool;

    fn all_parked(&self) -> Vec<ActorId>;

    /// Saves the snapshots that are due when actors leave memory, until the deadline. How many.
    async fn snapshot_all(&self, deadline: Instant) -> usize;

    /// Takes the commands that nobody has begun: the actor and the command's name and id of each.
    fn abandon(&self) -> Vec<(ActorId, &'static str, crate::CommandId)>;
}

#[async_trait]
impl<A: Actor> AnyHost for ActorHost<A> {
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }

    async fn send(
        self: Arc<Self>,
        actor: &ActorId,
        name: &str,
        data: &[u8],
        delivery: Delivery,
        permit: Option<Permit>,
    ) -> Result<Replied, ActorError> {
        let not_listed = || ActorError::NotListed { category: A::CATEGORY, name: name.to_owned() };
        let make = *self.commands.0.get(name).ok_or_else(not_listed)?;
        let (id, deadline) = (delivery.id, delivery.deadline);
        let (reply, answer) = oneshot::channel();
        self.submit(actor, make(data, delivery, reply, permit)?).await?;
        match tokio::time::timeout_at(deadline, answer).await {
            Ok(Ok(replied)) => replied,
            Ok(Err(_)) => Err(ActorError::Stopped),
            Err(_) => Err(self.timed_out(id)),
        }
    }

    fn put(self: Arc<Self>, actor: &ActorId, query: &RemoteQuery) -> Result<QueryDispatch, ActorError> {
        let name = query.name.as_ref();
        let not_listed = || ActorError::NotListed { category: A::CATEGORY, name: name.to_owned() };
        let put = self.queries.0.get(name).ok_or_else(not_listed)?;
        put(&self, actor, query)
    }

    fn evict(self: Arc<Self>, actors: &dyn Fn(&ActorId) -> bool) -> usize {
        ActorHost::evict(&self, actors)
    }

    fn unpark(&self, actor: &ActorId) -> bool {
        self.unpark(actor)
    }

    fn all_parked(&self) -> Vec<ActorId> {
        self.all_parked().into_iter().map(|(actor, _)| actor).collect()
    }

    async fn snapshot_all(&self, deadline: Instant) -> usize {
        let mut saved = 0;
        for cell in self.cells() {
            let due = {
                let loaded = cell.loaded.read();
                let policy = &self.options.snapshots;
                loaded.as_ref().is_some_and(|loaded| policy.is_due_at_passivation(&loaded.since_snapshot))
            };
            if due {
                if tokio::time::timeout_at(deadline, self.save_snapshot(&cell)).await.is_err() {
                    break;
                }
                saved += 1;
            }
        }
        saved
    }

    fn abandon(&self) -> Vec<(ActorId, &'static str, crate::CommandId)> {
        let mut abandoned = Vec::new();
        for cell in self.cells() {
            for work in cell.close() {
                abandoned.push((cell.id.clone(), work.name(), work.delivery().id));
                observed::fail(&self.metrics, work, ActorError::Stopped);
            }
        }
        abandoned
    }
}
