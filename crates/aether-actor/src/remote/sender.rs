//! [`Remote`]: the way out, to actors that other processes act for.

use std::sync::Arc;

use aether_core::ActorId;
use tokio::time::timeout_at;

use super::router::{QueryReply, RemoteCommand, RemoteQuery, Replied, Router};
use crate::command_id::CommandId;
use crate::delivery::Since;
use crate::error::ActorError;
use crate::runtime::shared::Shared;

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

    /// Returns the earliest point at which a command with an id made now can have run, for a caller who has seen so much of
    /// its actor.
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
