//! [`ActorSystemBuilder`]: the parts that a system is started with, checked before it starts.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aether_coordination::{Coordination, MemoryCoordination};
use aether_core::{Clock, SystemClock};
use aether_event::InvalidEvents;

use crate::actor::Actor;
use crate::consumer::Reactor;
use crate::dispatch::{AnyHost, Registered};
use crate::error::StartError;
use crate::list::{CommandList, QueryList, duplicate, short_name};
use crate::options::ActorOptions;
use crate::remote::router::Router;
use crate::runtime::host::ActorHost;
use crate::runtime::memory_limit::{MemoryLimit, Residents};
use crate::runtime::shared::{Provided, Shared, Store};
use crate::system::ActorSystem;

type MakeHost = Box<dyn FnOnce(Arc<Shared>) -> Arc<dyn AnyHost> + Send>;

/// What a system is started with.
#[must_use = "a system is started by start()"]
pub struct ActorSystemBuilder {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    namespace: Option<String>,
    limit: MemoryLimit,
    deadline: Duration,
    activations: usize,
    pub(crate) coordination: Arc<dyn Coordination>,
    kinds: Vec<KindToStart>,
    pub(crate) reactors: Vec<Box<dyn Reactor>>,
    pub(crate) provided: Provided,
    router: Option<Arc<dyn Router>>,
}

/// A kind of actors, checked and made when the system starts.
struct KindToStart {
    category: &'static str,
    name: &'static str,
    id: TypeId,
    commands: &'static [&'static str],
    queries: &'static [&'static str],
    idle: Option<Duration>,
    events: Result<(), InvalidEvents>,
    make: MakeHost,
}

impl std::fmt::Debug for ActorSystemBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kinds: Vec<_> = self.kinds.iter().map(|kind| kind.category).collect();
        f.debug_struct("ActorSystemBuilder").field("kinds", &kinds).finish_non_exhaustive()
    }
}

impl ActorSystem {
    /// Starts a system over this store: the store itself, which is a handle, or one behind an [`Arc`].
    pub fn builder(store: impl Store + 'static) -> ActorSystemBuilder {
        ActorSystemBuilder::new(Arc::new(store))
    }
}

impl ActorSystemBuilder {
    fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            clock: Arc::new(SystemClock),
            namespace: None,
            limit: MemoryLimit::default(),
            deadline: Duration::from_secs(30),
            activations: 256,
            coordination: Arc::new(MemoryCoordination::new()),
            kinds: Vec::new(),
            reactors: Vec::new(),
            provided: Provided::default(),
            router: None,
        }
    }

    /// With actors of this type.
    pub fn actor<A: Actor>(self) -> Self {
        self.actor_with::<A>(ActorOptions::default())
    }

    /// With actors of this type, run so.
    pub fn actor_with<A: Actor>(mut self, options: ActorOptions) -> Self {
        self.kinds.push(KindToStart {
            category: A::CATEGORY,
            name: short_name::<A>(),
            id: TypeId::of::<A>(),
            commands: <A::Commands as CommandList<A>>::NAMES,
            queries: <A::Queries as QueryList<A>>::NAMES,
            idle: options.idle,
            events: aether_event::check::<A::Event>(),
            make: Box::new(move |shared| Arc::new(Registered::new(ActorHost::<A>::new(options, shared)))),
        });
        self
    }

    /// The clock that decisions and timers go by; the system's, by default.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The namespace that metrics are labelled with: that of the store.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// How much may be in memory, over all kinds of actors: beyond it the least recently used leave. Without limit by
    /// default.
    pub fn memory_limit(mut self, limit: MemoryLimit) -> Self {
        self.limit = limit;
        self
    }

    /// How long an ask waits for its answer, unless it says otherwise: 30 s by default, which outlasts an election of the
    /// servers.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How many actors are loaded at the same time, at least 1; 256 by default. What comes beyond waits, so that a process
    /// that has just been started, or has got what another one had, does not overrun the store.
    pub fn activations(mut self, at_once: usize) -> Self {
        self.activations = at_once.max(1);
        self
    }

    /// What the processes that run the same process managers, timers and effects agree by. In memory by default: for a
    /// single process, which begins anew when it is started again.
    pub fn coordination(mut self, coordination: Arc<dyn Coordination>) -> Self {
        self.coordination = coordination;
        self
    }

    /// Where actors are, for a layer that spreads them over processes; without one, all are in this system.
    pub fn router(mut self, router: Arc<dyn Router>) -> Self {
        self.router = Some(router);
        self
    }

    /// Starts the system.
    ///
    /// # Errors
    /// [`StartError`] if two kinds of actors have one category, a category or a list of commands is not valid, or what
    /// follows the events cannot be started.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn start(mut self) -> Result<ActorSystem, StartError> {
        self.check()?;
        let residents = Residents::new(self.limit, self.activations);
        let shared = Arc::new(Shared::new(
            self.store,
            self.clock,
            self.namespace,
            residents,
            self.deadline,
            self.provided,
            self.router,
        ));
        let least_idle = self.kinds.iter().filter_map(|kind| kind.idle).min();
        let (mut by_type, mut by_category) = (HashMap::new(), HashMap::new());
        for registered in self.kinds {
            let kind = (registered.make)(Arc::clone(&shared));
            by_type.insert(registered.id, Arc::clone(&kind));
            by_category.insert(registered.category, kind);
        }
        let system = ActorSystem::assemble(shared, by_type, by_category, least_idle);
        let mut running = Vec::new();
        for reactor in self.reactors {
            running.push(reactor.start(&system, &self.coordination).await?);
        }
        system.keep(running);
        Ok(system)
    }

    fn check(&mut self) -> Result<(), StartError> {
        for kind in &mut self.kinds {
            let events = std::mem::replace(&mut kind.events, Ok(()));
            events.map_err(|source| StartError::Events { actor: kind.name, source })?;
        }
        for (index, kind) in self.kinds.iter().enumerate() {
            let (category, actor) = (kind.category, kind.name);
            if category.is_empty() || category.contains('-') {
                return Err(StartError::Category { actor, category });
            }
            if let Some(other) = self.kinds[..index].iter().find(|other| other.category == category) {
                return Err(StartError::SameCategory { category, actors: [other.name, actor] });
            }
            if let Some(name) = duplicate(kind.commands).or_else(|| duplicate(kind.queries)) {
                return Err(StartError::SameName { actor, name });
            }
        }
        for reactor in &self.reactors {
            for category in reactor.needs() {
                if !self.kinds.iter().any(|kind| kind.category == category) {
                    return Err(StartError::Missing { needed_by: reactor.name().to_owned(), category });
                }
            }
        }
        Ok(())
    }
}
