//! [`ActorSystem`]: the actors of one process.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use aether_core::{ActorId, Version};
use parking_lot::Mutex;
use time::OffsetDateTime;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::actor::Actor;
use crate::command_id::CommandId;
use crate::dispatch::{AnyHost, Registered};
use crate::error::{ActorError, LoadError};
use crate::membership::Running;
use crate::runtime::host::ActorHost;
use crate::runtime::load::Until;
use crate::runtime::shared::Shared;

/// The actors of one process, over a store.
///
/// Cloning is cheap; the clones are handles on the same system. When the last one is dropped the system stops taking
/// commands and its tasks end; [`shutdown`](Self::shutdown) does so in order.
#[derive(Clone)]
pub struct ActorSystem(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    by_type: HashMap<TypeId, Arc<dyn AnyHost>>,
    pub(crate) by_category: HashMap<&'static str, Arc<dyn AnyHost>>,
    reactors: Mutex<Vec<Running>>,
    _janitor: AbortOnDropHandle<()>,
}

/// A handle on a system that does not keep it alive: for what the system itself runs, and for its
/// [`Router`](crate::Router).
#[derive(Debug, Clone)]
pub struct WeakSystem(Weak<Inner>);

impl WeakSystem {
    /// The system.
    ///
    /// # Errors
    /// [`ActorError::Stopped`] if it is not there any more.
    pub fn upgrade(&self) -> Result<ActorSystem, ActorError> {
        self.0.upgrade().map(ActorSystem).ok_or(ActorError::Stopped)
    }
}

impl ActorSystem {
    pub(crate) fn assemble(
        shared: Arc<Shared>,
        by_type: HashMap<TypeId, Arc<dyn AnyHost>>,
        by_category: HashMap<&'static str, Arc<dyn AnyHost>>,
        least_idle: Option<Duration>,
    ) -> Self {
        let janitor = AbortOnDropHandle::new(tokio::spawn(sweep(Arc::clone(&shared), least_idle)));
        let reactors = Mutex::default();
        Self(Arc::new(Inner { shared, by_type, by_category, reactors, _janitor: janitor }))
    }

    /// Returns the host of this type's actors.
    pub(crate) fn host<A: Actor>(&self) -> Result<Arc<ActorHost<A>>, ActorError> {
        let kind = self.0.by_type.get(&TypeId::of::<A>());
        let kind = kind.and_then(|kind| kind.as_any().downcast_ref::<Registered<A>>());
        kind.map(|kind| Arc::clone(kind.host()))
            .ok_or_else(|| ActorError::NotRegistered { category: A::CATEGORY.to_owned() })
    }

    /// The kind that this actor is of. It does not keep the system alive.
    pub(crate) fn kind_of(&self, actor: &ActorId) -> Result<Arc<dyn AnyHost>, ActorError> {
        let not_registered = || ActorError::NotRegistered { category: actor.category().to_owned() };
        self.0.by_category.get(actor.category()).map(Arc::clone).ok_or_else(not_registered)
    }

    /// The state of an actor as it was at a version: after the last event whose version is not above it. With the version
    /// of that event.
    ///
    /// # Errors
    /// [`ActorError::Load`] if the history cannot be read, and as for [`actor`](Self::actor).
    pub async fn state_at_version<A: Actor>(
        &self,
        key: impl fmt::Display,
        version: Version,
    ) -> Result<(A, Version), ActorError> {
        self.state_as_of(key, Until::Version(version)).await
    }

    /// The state of an actor as it was at a time, by when the store recorded its events. With its version then.
    ///
    /// # Errors
    /// As [`state_at_version`](Self::state_at_version).
    pub async fn state_at_time<A: Actor>(
        &self,
        key: impl fmt::Display,
        time: OffsetDateTime,
    ) -> Result<(A, Version), ActorError> {
        self.state_as_of(key, Until::Time(time)).await
    }

    async fn state_as_of<A: Actor>(
        &self,
        key: impl fmt::Display,
        until: Until,
    ) -> Result<(A, Version), ActorError> {
        let id = ActorId::new(format!("{}-{key}", A::CATEGORY))?;
        let state = self.host::<A>()?.state_as_of(&id, until).await;
        state.map_err(|error: LoadError| ActorError::Load(Arc::new(error)))
    }

    /// The actors that are parked because their history cannot be replayed.
    #[must_use]
    pub fn parked(&self) -> Vec<ActorId> {
        self.0.by_category.values().flat_map(|kind| kind.all_parked()).collect()
    }

    /// Lets a parked actor be loaded again with its next command; whether it was parked.
    #[must_use]
    pub fn unpark(&self, actor: &ActorId) -> bool {
        self.0.by_category.get(actor.category()).is_some_and(|kind| kind.unpark(actor))
    }

    /// How many actors are in memory.
    #[must_use]
    pub fn live(&self) -> usize {
        self.0.shared.residents.count()
    }

    /// A handle that does not keep the system alive.
    #[must_use]
    pub fn downgrade(&self) -> WeakSystem {
        WeakSystem(Arc::downgrade(&self.0))
    }

    pub(crate) fn keep(&self, running: Vec<Running>) {
        self.0.reactors.lock().extend(running);
    }

    /// Stops in order: takes no new commands, finishes what waits, saves the snapshots that are due when actors leave
    /// memory, and stops what follows the events; all within the deadline. What could not be begun until then is told so
    /// ([`ActorError::Stopped`]) and listed.
    pub async fn shutdown(self, within: Duration) -> Shutdown {
        let deadline = Instant::now() + within;
        let shared = &self.0.shared;
        let reactors = std::mem::take(&mut *self.0.reactors.lock());
        // They send commands, so they stop first.
        for running in reactors {
            running.stop(deadline).await;
        }
        shared.stopping.store(true, Ordering::Release);
        shared.tasks.close();
        let finished = tokio::time::timeout_at(deadline, shared.tasks.wait()).await.is_ok();
        let mut report = Shutdown::default();
        if finished {
            for kind in self.0.by_category.values() {
                report.snapshots += kind.snapshot_all(deadline).await;
            }
        }
        shared.given_up.store(true, Ordering::Release);
        for kind in self.0.by_category.values() {
            report.unhandled.extend(kind.abandon().into_iter().map(Unhandled::from));
        }
        report
    }
}

impl fmt::Debug for ActorSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorSystem").field("kinds", &self.by_category.keys()).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.shared.given_up.store(true, Ordering::Release);
    }
}

/// What a shutdown came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Shutdown {
    /// The commands that had been taken, and were not begun within the deadline.
    pub unhandled: Vec<Unhandled>,
    /// How many snapshots were saved.
    pub snapshots: usize,
}

/// A command that was not begun.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unhandled {
    /// The actor.
    pub actor: ActorId,
    /// The name of the command.
    pub command: &'static str,
    /// Its id.
    pub id: CommandId,
}

impl From<(ActorId, &'static str, CommandId)> for Unhandled {
    fn from((actor, command, id): (ActorId, &'static str, CommandId)) -> Self {
        Self { actor, command, id }
    }
}

/// Lets idle actors leave memory, every now and then.
async fn sweep(shared: Arc<Shared>, least_idle: Option<Duration>) {
    let Some(least) = least_idle else { return };
    let every = (least / 8).clamp(Duration::from_millis(5), Duration::from_secs(5));
    let mut ticks = tokio::time::interval(every);
    loop {
        let now = ticks.tick().await;
        shared.residents.sweep(now, least);
    }
}
