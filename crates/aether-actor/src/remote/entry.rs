//! Commands and queries by name: [`Route`], their way to wherever the actor is; and the way in, for what other processes
//! send here.

use std::sync::Arc;

use aether_core::ActorId;

use super::drain_gate::Permit;
use super::router::{QueryReply, RemoteCommand, RemoteQuery, Replied};
use super::sender::Remote;
use crate::delivery::Delivery;
use crate::dispatch::{AnyHost, QueryDispatch};
use crate::error::ActorError;
use crate::outcome::Outcome;
use crate::system::ActorSystem;

/// The way of a command that is sent by its name. It does not keep the system alive.
pub(crate) enum Route {
    /// This process acts for the actor, as long as there is the permit.
    Here(Arc<dyn AnyHost>, Option<Permit>),
    /// Another one does.
    Remote(Remote),
}

impl ActorSystem {
    /// Sends a command by its name, as JSON, to wherever the actor is, and waits for what becomes of it. For layers above;
    /// other callers use [`ActorRef::ask`](crate::ActorRef::ask).
    ///
    /// # Errors
    /// [`ActorError`].
    ///
    /// # Cancel safety
    /// As [`ActorRef::ask`](crate::ActorRef::ask).
    pub async fn send(
        &self,
        actor: &ActorId,
        command: &str,
        data: &[u8],
        delivery: Delivery,
    ) -> Result<Outcome, ActorError> {
        self.route(actor)?.send(actor, command, data, delivery).await
    }

    /// Runs a command here, whatever the router says, and waits for what becomes of it: for a router that was sent it by
    /// another process. Whoever calls it holds the [`Permit`](crate::Permit) meanwhile. Whether the command was executed
    /// before is looked for [since](Delivery::since) it can have been.
    ///
    /// # Errors
    /// [`ActorError`]; after [`TimedOut`](ActorError::TimedOut) it may still be at work.
    ///
    /// # Cancel safety
    /// As [`ActorRef::ask`](crate::ActorRef::ask).
    pub async fn command_here(
        &self,
        actor: &ActorId,
        name: &str,
        data: &[u8],
        delivery: Delivery,
    ) -> Result<Replied, ActorError> {
        self.kind_of(actor)?.send(actor, name, data, delivery.travelled(), None).await
    }

    /// Answers a query here, whatever the router says: from memory, without waiting, if the state is there and not behind
    /// what the caller has seen. For a router that was sent it by another process. Whoever calls it holds the
    /// [`Permit`](crate::Permit) meanwhile: what it brings into memory is there to be [evicted](Self::evict) then.
    ///
    /// # Errors
    /// [`ActorError`].
    ///
    /// # Cancel safety
    /// Can be dropped at any time.
    pub async fn query_here(&self, actor: &ActorId, query: RemoteQuery) -> Result<QueryReply, ActorError> {
        match self.kind_of(actor)?.put(actor, &query)? {
            QueryDispatch::Answered(told) => Ok(told),
            QueryDispatch::Pending(putting) => putting.await,
        }
    }

    /// Lets the idle ones of these actors leave memory now, and says how many did; those at work leave when their turn ends.
    /// For a process that does not act for them any more: what it remembers of them grows old from now on, and must not
    /// answer a query if they come back. Snapshots that are due at passivation are saved in the background. Which of them are
    /// [parked](Self::parked) is forgotten too.
    pub fn evict(&self, actors: &dyn Fn(&ActorId) -> bool) -> usize {
        self.0.by_category.values().map(|kind| kind.evict(actors)).sum()
    }

    /// The highest sequence that this process has seen, of any actor of the store; 0 for none. The sequences of a store are
    /// one order, so a command whose id is made now cannot have been executed in that commit or an earlier one.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.0.shared.sequence()
    }

    /// Returns the way to this actor.
    pub(crate) fn route(&self, actor: &ActorId) -> Result<Route, ActorError> {
        let shared = &self.0.shared;
        let permit = match &shared.router {
            None => None,
            Some(router) => match router.enter(actor) {
                Some(permit) => Some(permit),
                None => return Ok(Route::Remote(Remote::of(router, shared))),
            },
        };
        Ok(Route::Here(self.kind_of(actor)?, permit))
    }
}

impl Route {
    /// Sends a command, and waits for what becomes of it.
    pub(crate) async fn send(
        self,
        actor: &ActorId,
        command: &str,
        data: &[u8],
        delivery: Delivery,
    ) -> Result<Outcome, ActorError> {
        let replied = match self {
            Self::Here(kind, permit) => kind.send(actor, command, data, delivery, permit).await,
            Self::Remote(remote) => {
                let data = data.to_vec();
                let command = RemoteCommand::new(command.to_owned(), data, delivery, 0);
                remote.command(actor, command).await
            }
        };
        replied.map(|replied| replied.outcome)
    }
}
