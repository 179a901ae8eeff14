//! Commands by name: what is sent from elsewhere, by timers, and by process managers.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use aether_core::ActorId;
use async_trait::async_trait;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::command::{Command, Handle};
use crate::runtime::kind::Kind;
use crate::runtime::observed;
use crate::runtime::work::{Asked, BoxedWork, Caller, decode};
use crate::{Actor, ActorError, Delivery, Outcome};

type Encoded = oneshot::Sender<Result<Outcome, ActorError>>;
type MakeWork<A> = fn(&[u8], Delivery, Encoded) -> Result<BoxedWork<A>, ActorError>;

/// How each command of an actor is made from what travelled.
pub struct CommandTable<A: Actor>(HashMap<&'static str, MakeWork<A>>);

impl<A: Actor> CommandTable<A> {
    pub(crate) fn add<C: Command>(&mut self)
    where
        A: Handle<C>,
    {
        self.0.insert(C::NAME, |data, delivery, caller| {
            let command: C = decode(data, "a command")?;
            Ok(Box::new(Asked::<A, C>::new(command, delivery, Caller::Encoded(caller))))
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

/// A kind of actors, whatever its type.
#[async_trait]
pub(crate) trait AnyKind: fmt::Debug + Send + Sync {
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;

    /// Sends a command by its name, and waits for what becomes of it.
    async fn send(
        self: Arc<Self>,
        actor: &ActorId,
        name: &str,
        data: &[u8],
        delivery: Delivery,
    ) -> Result<Outcome, ActorError>;

    fn unpark(&self, actor: &ActorId) -> bool;

    fn all_parked(&self) -> Vec<ActorId>;

    /// Saves the snapshots that are due when actors leave memory, until the deadline. How many.
    async fn snapshot_all(&self, deadline: Instant) -> usize;

    /// Takes the commands that nobody has begun: the actor and the command's name and id of each.
    fn abandon(&self) -> Vec<(ActorId, &'static str, crate::CommandId)>;
}

#[async_trait]
impl<A: Actor> AnyKind for Kind<A> {
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }

    async fn send(
        self: Arc<Self>,
        actor: &ActorId,
        name: &str,
        data: &[u8],
        delivery: Delivery,
    ) -> Result<Outcome, ActorError> {
        let not_listed = || ActorError::NotListed { category: A::CATEGORY, name: name.to_owned() };
        let make = *self.commands.0.get(name).ok_or_else(not_listed)?;
        let (id, deadline) = (delivery.id, delivery.deadline);
        let (reply, answer) = oneshot::channel();
        self.submit(actor, make(data, delivery, reply)?).await?;
        match tokio::time::timeout_at(deadline, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(ActorError::Stopped),
            Err(_) => Err(self.timed_out(id)),
        }
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
