//! [`World`]: a storage with nothing in it, and systems of actors on it.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aether_actor::{Actor, ActorOptions, ActorSystem, ActorSystemBuilder, SnapshotPolicy, Store};
use aether_core::{
    ActorId, ActorSnapshot, Clock, Head, ReadError, RecordedCommit, RecordedEvent, SnapshotError, Source,
    Version,
};
use futures_util::TryStreamExt;
use time::OffsetDateTime;
use tokio::time::Instant;

use super::{Counter, OrFail, Probe};
use crate::actors::{Fixture, Storage};

/// A storage with nothing in it, and a handle on it.
pub(crate) struct World {
    storage: Box<dyn Storage>,
    /// Past the probe.
    store: Arc<dyn Store>,
    probe: Probe,
    /// What was started here runs until the rule is over.
    systems: Mutex<Vec<ActorSystem>>,
}

/// How counters are run, unless a rule is about that: without snapshots.
pub(crate) fn options() -> ActorOptions {
    ActorOptions::default().snapshots(SnapshotPolicy::NEVER)
}

/// The id of a counter.
pub(crate) fn actor(key: &str) -> ActorId {
    ActorId::new(format!("counter-{key}")).or_fail("making the id of a counter")
}

fn builder(probe: &Probe) -> ActorSystemBuilder {
    ActorSystem::builder(probe.clone())
}

impl World {
    pub(crate) async fn open(fixture: &dyn Fixture) -> Self {
        let storage = fixture.storage().await.or_fail("opening a fresh storage");
        let store = storage.open().await.or_fail("opening the store");
        let probe = Probe::new(store.clone());
        Self { storage, store, probe, systems: Mutex::default() }
    }

    /// The handle of the first system.
    pub(crate) fn probe(&self) -> &Probe {
        &self.probe
    }

    /// Another handle on the same storage.
    pub(crate) async fn another(&self) -> Probe {
        Probe::new(self.storage.open().await.or_fail("opening the store once more"))
    }

    /// The store, past the probe.
    pub(crate) fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// A system of counters on the first handle.
    pub(crate) async fn system(&self) -> ActorSystem {
        self.system_with(options()).await
    }

    /// The same, run so.
    pub(crate) async fn system_with(&self, options: ActorOptions) -> ActorSystem {
        self.start(builder(&self.probe).actor_with::<Counter>(options)).await
    }

    /// A system of counters on this handle.
    pub(crate) async fn system_on(&self, probe: &Probe, options: ActorOptions) -> ActorSystem {
        self.start(builder(probe).actor_with::<Counter>(options)).await
    }

    /// Starts a system, which runs until the rule is over.
    pub(crate) async fn start(&self, builder: ActorSystemBuilder) -> ActorSystem {
        let system = builder.start().await.or_fail("starting a system");
        self.systems.lock().unwrap_or_else(PoisonError::into_inner).push(system.clone());
        system
    }

    /// A system on the first handle of which more is to be said.
    pub(crate) fn builder(&self) -> ActorSystemBuilder {
        builder(&self.probe)
    }

    /// A system of counters on a handle of its own: another process.
    pub(crate) async fn other_system(&self) -> ActorSystem {
        self.other_system_with(options()).await
    }

    /// The same, run so.
    pub(crate) async fn other_system_with(&self, options: ActorOptions) -> ActorSystem {
        self.system_on(&self.another().await, options).await
    }

    /// A system of other actors on this handle.
    pub(crate) async fn system_of<A: Actor>(&self, probe: &Probe, options: ActorOptions) -> ActorSystem {
        self.start(builder(probe).actor_with::<A>(options)).await
    }

    /// What a counter's log holds.
    pub(crate) async fn events(&self, key: &str) -> Vec<RecordedEvent> {
        let read = async || self.store.get_events(&actor(key), Version::ZERO).try_collect().await;
        patiently("reading the events", read, ReadError::is_retryable).await
    }

    /// The commits of a counter.
    pub(crate) async fn commits(&self, key: &str) -> Vec<RecordedCommit> {
        let read = async || self.store.get_commits(&actor(key), Head::NONE).try_collect().await;
        patiently("reading the commits", read, ReadError::is_retryable).await
    }

    /// The snapshot of a counter.
    pub(crate) async fn snapshot(&self, key: &str) -> Option<ActorSnapshot> {
        let load = async || self.store.load_snapshot(&actor(key)).await;
        patiently("loading the snapshot", load, SnapshotError::is_retryable).await
    }
}

/// Tries until the store is there: it may be choosing a leader, which is not what the rules are about.
async fn patiently<T, E: Into<Source>>(
    doing: &str,
    mut attempt: impl AsyncFnMut() -> Result<T, E>,
    is_retryable: impl Fn(&E) -> bool,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt().await {
            Err(error) if is_retryable(&error) && Instant::now() < deadline => {
                tokio::time::sleep(STEP).await;
            }
            done => return done.or_fail(doing),
        }
    }
}

/// How long a condition may take to come about.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked at.
const STEP: Duration = Duration::from_millis(2);

/// Waits until the condition holds; the rule fails if it never does.
pub(crate) async fn until(what: impl Display, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(STEP).await;
    }
}

/// A clock that begins now, and stands until it is told to go on.
#[derive(Debug)]
pub(crate) struct ManualClock(Mutex<OffsetDateTime>);

impl ManualClock {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(OffsetDateTime::now_utc()))
    }

    pub(crate) fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
