//! [`Reactor`]: what follows the events on behalf of a system: process managers, timers, effects.

use std::sync::Arc;

use aether_coordination::Coordination;
use aether_core::{Source, TimerError};
use aether_event::InvalidEvents;
use aether_group::GroupError;
use async_trait::async_trait;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::ActorSystem;
use crate::membership::Membership;

/// Something that follows the events: started with the system, and stopped with it. It keeps the system by a weak handle.
#[async_trait]
pub(crate) trait Reactor: Send {
    /// What it is called, in errors.
    fn name(&self) -> &str;

    /// The categories of the actors that it sends commands to.
    fn needs(&self) -> Vec<&'static str>;

    /// Starts it.
    async fn start(
        self: Box<Self>,
        system: &ActorSystem,
        coordination: &Arc<dyn Coordination>,
    ) -> Result<Running, StartError>;
}

/// A reactor that is running. Dropping it aborts it.
#[derive(Debug, Default)]
pub(crate) struct Running {
    /// Its part in consumer groups.
    pub(crate) members: Vec<Membership>,
    /// Its tasks.
    pub(crate) tasks: Vec<AbortOnDropHandle<()>>,
}

impl Running {
    /// Stops it within the deadline.
    pub(crate) async fn stop(self, deadline: Instant) {
        futures_util::future::join_all(self.members.into_iter().map(|member| member.stop(deadline))).await;
        for task in self.tasks {
            task.abort();
            if let Err(error) = task.await
                && error.is_panic()
            {
                tracing::error!(%error, "what follows the events has panicked");
            }
        }
    }
}

/// Why a system could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A category is empty, or has a `-`.
    #[error("the category {category:?} of {actor} is not valid: it must not be empty, nor contain `-`")]
    Category {
        /// The type.
        actor: &'static str,
        /// Its category.
        category: &'static str,
    },
    /// Two kinds of actors have one category.
    #[error("{} and {} have the same category {category}: their events would mix", actors[0], actors[1])]
    SameCategory {
        /// The category.
        category: &'static str,
        /// The types.
        actors: [&'static str; 2],
    },
    /// Two commands, or two queries, of an actor have one name.
    #[error("{actor} has two commands or two queries of the name {name}: give one another name")]
    SameName {
        /// The type.
        actor: &'static str,
        /// The name.
        name: &'static str,
    },
    /// The names, versions or upcasters of an actor's events make no sense.
    #[error("the events of {actor} are not valid")]
    Events {
        /// The type.
        actor: &'static str,
        /// What is wrong with them.
        #[source]
        source: InvalidEvents,
    },
    /// Something sends commands to actors that the system was not given.
    #[error(
        "{needed_by} sends commands to actors of category {category}: register them with `.actor::<…>()`"
    )]
    Missing {
        /// What sends them.
        needed_by: String,
        /// The category of the actors.
        category: &'static str,
    },
    /// A consumer group could not be joined.
    #[error("the consumer group could not be joined")]
    Group(#[from] GroupError),
    /// The timers could not be opened.
    #[error("the timers could not be opened")]
    Timers(#[from] TimerError),
    /// Something else that was to be started is not valid.
    #[error("{what} could not be started")]
    Other {
        /// What it is.
        what: String,
        /// Why.
        #[source]
        source: Source,
    },
}
