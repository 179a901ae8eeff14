//! [`AnyHost`]: a kind of actors whatever its type, with its commands and queries by name: for what comes from other
//! processes, from timers, and from process managers.

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

use crate::actor::{Actor, Answer, Command, Handle, Query};
use crate::command_id::CommandId;
use crate::delivery::{Delivery, Seen};
use crate::error::ActorError;
use crate::list::{CommandList, CommandVisitor, QueryList, QueryVisitor};
use crate::outcome::{decode, to_json};
use crate::remote::drain_gate::Permit;
use crate::remote::router::{QueryReply, RemoteQuery, Replied};
use crate::runtime::command_item::{Caller, CommandItem};
use crate::runtime::host::ActorHost;
use crate::runtime::mailbox_item::{self, BoxedItem};
use crate::runtime::query_item::{answer_from_memory, put_query};
use crate::runtime::turn;

type Encoded = oneshot::Sender<Result<Replied, ActorError>>;
type MakeItem<A> = fn(&[u8], Delivery, Encoded, Option<Permit>) -> Result<BoxedItem<A>, ActorError>;

/// The constructors of an actor's commands, by name: each makes a command from how it travelled.
struct CommandTable<A: Actor>(HashMap<&'static str, MakeItem<A>>);

impl<A: Actor> CommandVisitor<A> for CommandTable<A> {
    fn visit<C: Command>(&mut self)
    where
        A: Handle<C>,
    {
        self.0.insert(C::NAME, |data, delivery, caller, permit| {
            let command: C = decode(data, "a command")?;
            Ok(Box::new(CommandItem::<A, C>::new(command, delivery, Caller::Encoded(caller), permit)))
        });
    }
}

type Putting = Pin<Box<dyn Future<Output = Result<QueryReply, ActorError>> + Send>>;
type Put<A> = fn(&Arc<ActorHost<A>>, &ActorId, &RemoteQuery) -> Result<QueryDispatch, ActorError>;

/// The state of a query that was put by name.
pub(crate) enum QueryDispatch {
    /// Answered from memory.
    Answered(QueryReply),
    /// Waiting for its turn.
    Pending(Putting),
}

/// The functions that put an actor's queries, by name.
struct QueryTable<A: Actor>(HashMap<&'static str, Put<A>>);

impl<A: Actor> QueryVisitor<A> for QueryTable<A> {
    fn visit<Q: Query>(&mut self)
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

/// A kind of actors with its commands and queries by name, as a system holds it.
pub(crate) struct Registered<A: Actor> {
    host: Arc<ActorHost<A>>,
    commands: CommandTable<A>,
    queries: QueryTable<A>,
}

impl<A: Actor> Registered<A> {
    pub(crate) fn new(host: ActorHost<A>) -> Self {
        let mut commands = CommandTable(HashMap::new());
        <A::Commands as CommandList<A>>::visit(&mut commands);
        let mut queries = QueryTable(HashMap::new());
        <A::Queries as QueryList<A>>::visit(&mut queries);
        Self { host: Arc::new(host), commands, queries }
    }

    pub(crate) fn host(&self) -> &Arc<ActorHost<A>> {
        &self.host
    }
}

impl<A: Actor> fmt::Debug for Registered<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.host.fmt(f)
    }
}

/// A kind of actors, whatever its type.
#[async_trait]
pub(crate) trait AnyHost: fmt::Debug + Send + Sync {
    fn as_any(&self) -> &dyn Any;

    /// Sends a command by its name, and waits for what becomes of it. The permit is held until it is settled.
    async fn send(
        &self,
        actor: &ActorId,
        name: &str,
        data: &[u8],
        delivery: Delivery,
        permit: Option<Permit>,
    ) -> Result<Replied, ActorError>;

    /// Puts a query by its name.
    fn put(&self, actor: &ActorId, query: &RemoteQuery) -> Result<QueryDispatch, ActorError>;

    /// Lets the idle ones of these actors leave memory, and those at work when their turn ends. How many have left.
    fn evict(&self, actors: &dyn Fn(&ActorId) -> bool) -> usize;

    fn unpark(&self, actor: &ActorId) -> bool;

    fn all_parked(&self) -> Vec<ActorId>;

    /// Saves the snapshots that are due when actors leave memory, until the deadline. How many.
    async fn snapshot_all(&self, deadline: Instant) -> usize;

    /// Takes the commands that nobody has begun: the actor and the command's name and id of each.
    fn abandon(&self) -> Vec<(ActorId, &'static str, CommandId)>;
}

#[async_trait]
impl<A: Actor> AnyHost for Registered<A> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    async fn send(
        &self,
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
        turn::submit(&self.host, actor, make(data, delivery, reply, permit)?).await?;
        match tokio::time::timeout_at(deadline, answer).await {
            Ok(Ok(replied)) => replied,
            Ok(Err(_)) => Err(ActorError::Stopped),
            Err(_) => Err(self.host.timed_out(id)),
        }
    }

    fn put(&self, actor: &ActorId, query: &RemoteQuery) -> Result<QueryDispatch, ActorError> {
        let name = query.name.as_ref();
        let not_listed = || ActorError::NotListed { category: A::CATEGORY, name: name.to_owned() };
        let put = self.queries.0.get(name).ok_or_else(not_listed)?;
        put(&self.host, actor, query)
    }

    fn evict(&self, actors: &dyn Fn(&ActorId) -> bool) -> usize {
        self.host.evict(actors)
    }

    fn unpark(&self, actor: &ActorId) -> bool {
        self.host.unpark(actor)
    }

    fn all_parked(&self) -> Vec<ActorId> {
        self.host.all_parked().into_iter().map(|(actor, _)| actor).collect()
    }

    async fn snapshot_all(&self, deadline: Instant) -> usize {
        let mut saved = 0;
        for cell in self.host.cells() {
            let due = {
                let loaded = cell.loaded.read();
                let policy = &self.host.options.snapshots;
                loaded.as_ref().is_some_and(|loaded| loaded.since_snapshot.is_due_at_passivation(policy))
            };
            if due {
                if tokio::time::timeout_at(deadline, self.host.save_snapshot(&cell)).await.is_err() {
                    break;
                }
                saved += 1;
            }
        }
        saved
    }

    fn abandon(&self) -> Vec<(ActorId, &'static str, CommandId)> {
        let mut abandoned = Vec::new();
        for cell in self.host.cells() {
            for item in cell.close() {
                abandoned.push((cell.id.clone(), item.name(), item.delivery().id));
                mailbox_item::fail(&self.host.metrics, item, ActorError::Stopped);
            }
        }
        abandoned
    }
}
