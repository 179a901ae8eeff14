//! [`ActorSystem`]: the actors of one process.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use aether_core::{ActorId, Clock, EventStore, SnapshotStore, Subscribe, Version};
use parking_lot::Mutex;
use time::OffsetDateTime;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::builder::ActorSystemBuilder;
use crate::dispatch::AnyHost;
use crate::error::{ActorError, LoadError};
use crate::reactor::Running;
use crate::runtime::host::ActorHost;
use crate::runtime::load::Until;
use crate::runtime::memory_limit::Residents;
use crate::{Actor, ActorRef, CommandId, Delivery, Outcome, Router};

/// A store that actors live on: events, snapshots, and a subscription to the events.
pub trait Store: EventStore + SnapshotStore + Subscribe {}

impl<S: EventStore + SnapshotStore + Subscribe> Store for S {}

/// What all kinds of actors in a process share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) namespace: Option<String>,
    pub(crate) residents: Residents,
    /// All tasks of the actors; each ends by itself.
    pub(crate) tasks: TaskTracker,
    pub(crate) runtime: Handle,
    /// How long an ask waits for its answer, unless it says otherwise.
    pub(crate) deadline: Duration,
    /// Whether there are timers, and which effects there are handlers for.
    pub(crate) provided: Provided,
    /// Where actors are; without one, all are here.
    pub(crate) router: Option<Arc<dyn Router>>,
    /// The highest sequence that was seen of any actor.
    sequence: AtomicU64,
    stopping: AtomicBool,
    given_up: AtomicBool,
}

/// What decisions may declare in this system.
#[derive(Debug, Default)]
pub(crate) struct Provided {
    pub(crate) timers: bool,
    pub(crate) effects: Vec<&'static str>,
}

impl Shared {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        namespace: Option<String>,
        residents: Residents,
        deadline: Duration,
        provided: Provided,
        router: Option<Arc<dyn Router>>,
    ) -> Self {
        Self {
            store,
            clock,
            namespace,
            residents,
            tasks: TaskTracker::new(),
            runtime: Handle::current(),
            deadline,
            provided,
            router,
            sequence: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            given_up: AtomicBool::new(false),
        }
    }

    /// Whether no new commands are taken.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Whether what waits is not begun any more, and what is not known is not waited for.
    pub(crate) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Acquire)
    }

    /// The highest sequence that was seen of any actor; 0 for none.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    /// An actor was seen to be at this sequence.
    pub(crate) fn saw(&self, sequence: u64) {
        // Mostly it is known, or will be by a later commit soon: looking costs others nothing.
        if self.sequence.load(Ordering::Relaxed) < sequence {
            self.sequence.fetch_max(sequence, Ordering::AcqRel);
        }
    }
}

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
    /// Starts a system over this store: the store itself, which is a handle, or one behind an [`Arc`].
    pub fn builder(store: impl Store + 'static) -> ActorSystemBuilder {
        ActorSystemBuilder::new(Arc::new(store))
    }

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

    /// The actor of this type with this key: of `Order`, whose category is `order`, `"123"` is the actor `order-123`.
    ///
    /// Neither the store nor the actor is touched. A key that makes no valid id, and a type that the system was started
    /// without, are errors of what is asked of it.
    #[must_use]
    pub fn actor<A: Actor>(&self, key: impl fmt::Display) -> ActorRef<A> {
        let id = ActorId::new(format!("{}-{key}", A::CATEGORY)).map_err(ActorError::from);
        ActorRef::new(id.and_then(|id| Ok((self.kind::<A>()?, id))))
    }

    pub(crate) fn kind<A: Actor>(&self) -> Result<Arc<ActorHost<A>>, ActorError> {
        let kind = self.0.by_type.get(&TypeId::of::<A>()).map(Arc::clone);
        let kind = kind.and_then(|kind| kind.as_any().downcast::<ActorHost<A>>().ok());
        kind.ok_or_else(|| ActorError::NotRegistered { category: A::CATEGORY.to_owned() })
    }

    /// Sends a command by its name, as JSON, to wherever the actor is, and waits for what becomes of it. For layers above;
    /// everybody else has [`ActorRef::ask`].
    ///
    /// # Errors
    /// [`ActorError`].
    ///
    /// # Cancel safety
    /// As [`ActorRef::ask`].
    pub async fn send(
        &self,
        actor: &ActorId,
        command: &str,
        data: &[u8],
        delivery: Delivery,
    ) -> Result<Outcome, ActorError> {
        self.route(actor)?.send(actor, command, data, delivery).await
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
        let state = self.kind::<A>()?.state_as_of(&id, until).await;
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
