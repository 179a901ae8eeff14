//! [`Route`]: the way of a command to its actor, which may be in this process or in another one.

use std::sync::Arc;

use aether_core::ActorId;
use tokio::time::timeout_at;

use crate::dispatch::AnyHost;
use crate::system::Shared;
use crate::{
    ActorError, ActorSystem, CommandId, Delivery, Outcome, Permit, RemoteCommand, RemoteQuery, Replied,
    Router, Since, QueryReply,
};

/// The way of a command that is sent by its name. It does not keep the system alive.
pub(crate) enum Route {
    /// This process acts for the actor, as long as there is the permit.
    Here(Arc<dyn AnyHost>, Option<Permit>),
    /// Another one does.
    Remote(Remote),
}

impl ActorSystem {
    /// The way to this actor.
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

/// The way to actors in other processes.
#[derive(Debug)]
pub(crate) struct Remote {
    router: Arc<dyn Router>,
    /// The system that asks, if there is one.
    shared: Option<Arc<Shared>>,
}

impl Remote {
    /// From a system.
    pub(crate) fn of(router: &Arc<dyn Router>, shared: &Arc<Shared>) -> Self {
        Self { router: Arc::clone(router), shared: Some(Arc::clone(shared)) }
    }

    /// From a process without a system.
    pub(crate) fn through(router: &Arc<dyn Router>) -> Self {
        Self { router: Arc::clone(router), shared: None }
    }

    /// Since when a command can have been executed whose id is made now, by a caller who has seen so much of its actor.
    pub(crate) fn since(&self, seen: u64) -> Since {
        Since::after(self.shared.as_ref().map_or(0, |shared| shared.sequence()).max(seen))
    }

    /// Sends a command, until it is answered or its deadline has passed.
    pub(crate) async fn command(
        self,
        actor: &ActorId,
        command: RemoteCommand,
    ) -> Result<Replied, ActorError> {
        self.check()?;
        let (id, deadline) = (command.delivery.id, command.delivery.deadline);
        let replied = timeout_at(deadline, self.router.command(actor, command)).await;
        let replied = replied.unwrap_or(Err(ActorError::TimedOut { id }))?;
        self.saw(replied.sequence);
        Ok(replied)
    }

    /// Puts a query, until it is answered or its deadline has passed.
    pub(crate) async fn query(self, actor: &ActorId, query: RemoteQuery) -> Result<QueryReply, ActorError> {
        self.check()?;
        let deadline = query.deadline;
        let told = timeout_at(deadline, self.router.query(actor, query)).await;
        let told = told.unwrap_or_else(|_| Err(ActorError::TimedOut { id: CommandId::new() }))?;
        self.saw(told.sequence);
        Ok(told)
    }

    fn check(&self) -> Result<(), ActorError> {
        match &self.shared {
            Some(shared) if shared.is_stopping() => Err(ActorError::Stopped),
            _ => Ok(()),
        }
    }

    fn saw(&self, sequence: u64) {
        if let Some(shared) = &self.shared {
            shared.saw(sequence);
        }
    }
}
