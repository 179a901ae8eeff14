//! What follows the events on behalf of a system: a [`Reactor`] for the timers, for each effect and each process manager,
//! shared by processes as [`ConsumerOptions`] say.

use std::sync::Arc;
use std::time::Duration;

use aether_coordination::Coordination;
use aether_core::{ActorId, Clock, RecordedEvent};
use aether_group::{Batch, ConsumerGroup, GroupBuilder, HandleError, Retry, because_of};
use async_trait::async_trait;
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::delivery::Delivery;
use crate::error::{ActorError, StartError};
use crate::membership::Running;
use crate::outcome::Outcome;
use crate::runtime::shared::Shared;
use crate::system::{ActorSystem, WeakSystem};

/// How the processes that run the same timers, effects or process managers share them. All should have the same.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ConsumerOptions {
    /// Into how many parts the actors are divided: at most so many processes have work. Fixed when the first of them is
    /// started; 64 by default.
    pub partitions: u16,
    /// How many actors' events this process handles at the same time; those of one actor come one after the other. 32 by
    /// default.
    pub concurrency: usize,
    /// How often, and after which delays, an event that could not be handled is tried again before its actor is parked.
    /// What is merely not there, such as the store, is tried for as long as it takes.
    pub retry: Retry,
    /// How long a process may be silent before the others take what it had; 3 s by default.
    pub suspect_after: Duration,
}

impl Default for ConsumerOptions {
    fn default() -> Self {
        Self {
            partitions: 64,
            concurrency: 32,
            retry: Retry::default(),
            suspect_after: Duration::from_secs(3),
        }
    }
}

impl ConsumerOptions {
    /// Into how many parts the actors are divided.
    #[must_use]
    pub fn partitions(mut self, partitions: u16) -> Self {
        self.partitions = partitions;
        self
    }

    /// How many actors' events this process handles at the same time.
    #[must_use]
    pub fn concurrency(mut self, actors: usize) -> Self {
        self.concurrency = actors;
        self
    }

    /// How often, and after which delays, an event that could not be handled is tried again.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// How long a process may be silent before the others take what it had.
    #[must_use]
    pub fn suspect_after(mut self, silence: Duration) -> Self {
        self.suspect_after = silence;
        self
    }

    /// A membership in the group of this name.
    pub(crate) fn group(
        &self,
        name: String,
        shared: &Shared,
        coordination: &Arc<dyn Coordination>,
    ) -> GroupBuilder {
        let store = Arc::clone(&shared.store);
        let group = ConsumerGroup::builder(name, store, Arc::clone(coordination))
            .partitions(self.partitions)
            .concurrency(self.concurrency)
            .retry(self.retry)
            .pulse_every(self.suspect_after / 6)
            .suspect_after(self.suspect_after)
            .clock(TheSystems(Arc::clone(&shared.clock)));
        match &shared.namespace {
            Some(namespace) => group.namespace(namespace),
            None => group,
        }
    }
}

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

/// The system's clock.
#[derive(Debug)]
struct TheSystems(Arc<dyn Clock>);

impl Clock for TheSystems {
    fn now(&self) -> OffsetDateTime {
        self.0.now()
    }
}

/// Runs what is done because of one event of a batch in its conversation and its trace; that of a batch of one is already.
pub(crate) async fn one_of<T>(batch: &Batch, event: &RecordedEvent, work: impl Future<Output = T>) -> T {
    match batch.events.len() {
        1 => work.await,
        _ => because_of(event, work).await,
    }
}

/// Sends a command by its name, as [`ActorSystem::send`](crate::ActorSystem::send), and does not keep the system alive
/// meanwhile: whoever drops it is not kept waiting for what it sends to itself.
pub(crate) async fn send(
    system: &WeakSystem,
    actor: &ActorId,
    command: &str,
    data: &[u8],
    delivery: impl FnOnce(Instant) -> Delivery,
) -> Result<Outcome, ActorError> {
    let (route, within) = {
        let system = system.upgrade()?;
        (system.route(actor)?, system.0.shared.deadline)
    };
    route.send(actor, command, data, delivery(Instant::now() + within)).await
}

/// What a consumer does about a command that has no outcome.
pub(crate) fn not_sent(error: ActorError) -> HandleError {
    if error.is_retryable() || error.is_unknown() {
        return HandleError::unavailable(error);
    }
    match error {
        // Whatever is tried, it will be the same until somebody looks at it.
        ActorError::InvalidActor(_)
        | ActorError::NotRegistered { .. }
        | ActorError::NotListed { .. }
        | ActorError::Convert { .. }
        | ActorError::WindowPassed { .. } => HandleError::poison(error),
        other => HandleError::retry(other),
    }
}
