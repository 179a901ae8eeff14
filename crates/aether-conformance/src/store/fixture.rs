//! [`Fixture`]: how the kit reaches the store that it holds against the contract, and each [`Capability`] that a store may lack.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aether_core::{EventStore, Namespace, SnapshotStore, Source, Subscribe, Timers, Unsupported};
use async_trait::async_trait;

use crate::Subject;

/// Opens storages for the rules. Each rule makes a fixture of its own, in a runtime of its own.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// Why the store has no such capability; `None` if it has.
    ///
    /// Rules that need a declined capability do not run, and say so with this reason.
    fn declines(&self, capability: Capability) -> Option<String>;

    /// A storage with nothing in it, apart from all others there are.
    ///
    /// # Errors
    /// Whatever the store says; the rule fails.
    async fn storage(&self, options: StorageOptions) -> Result<Box<dyn Storage>, Source>;

    /// Called when the rule is over, also when it was broken: the place to remove what it has left.
    async fn clean_up(&self) {}

    /// The size of an event's data, in bytes, that is certainly over the limit of a commit.
    fn too_large(&self) -> usize {
        2 * 1024 * 1024
    }

    /// How many sequences of random operations the model rule runs.
    fn model_cases(&self) -> u32 {
        32
    }

    /// How long a subscription may say nothing while it owes something, also while the store finds its way back from an
    /// outage.
    fn patience(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// After how long a timer that was handed out, and neither acknowledged nor given back, comes again.
    fn comes_again_after(&self) -> Duration {
        Duration::ZERO
    }

    /// How long one rule may take before it counts as stuck.
    fn deadline(&self) -> Duration {
        Duration::from_secs(120)
    }
}

#[async_trait]
impl Subject for dyn Fixture {
    fn lacks(&self, capability: Capability) -> Option<String> {
        self.declines(capability)
    }

    fn time_limit(&self) -> Duration {
        self.deadline()
    }

    async fn tidy_up(&self) {
        self.clean_up().await;
    }
}

/// Something that not every store can do. A fixture has all of them unless it
/// [declines](Fixture::declines) one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// Its handles are event stores.
    Events,
    /// Its handles are snapshot stores.
    Snapshots,
    /// It has timers. A store without them is [`Unsupported`](aether_core::Unsupported) where they are opened.
    Timers,
    /// Commits over several actors. A store without them answers such a commit with
    /// [`Unsupported`](aether_core::SaveError::Unsupported).
    SeveralActors,
    /// A storage can be opened more than once at the same time.
    SecondHandles,
    /// Stores in namespaces, beside each other.
    Namespaces,
    /// Events expire by age.
    Retention,
    /// A storage can be given a limit of bytes.
    BoundedCapacity,
    /// A commit can be too large.
    CommitLimit,
    /// A save can be dropped half way.
    Cancellation,
    /// A storage can be cut off from those who have opened it, and what it runs on can be restarted.
    Outages,
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Events => "events",
            Self::Snapshots => "snapshots",
            Self::Timers => "timers",
            Self::SeveralActors => "commits over several actors",
            Self::SecondHandles => "second handles",
            Self::Namespaces => "namespaces",
            Self::Retention => "retention by age",
            Self::BoundedCapacity => "a bounded capacity",
            Self::CommitLimit => "a limit of a commit's size",
            Self::Cancellation => "cancellation of a save",
            Self::Outages => "outages",
        })
    }
}

/// One place where events and snapshots are kept. What it holds may be gone when it is dropped.
#[async_trait]
pub trait Storage: Send + Sync {
    /// Opens the storage. Each call gives a handle that shares no cache and no connection with the others, if that is
    /// possible.
    ///
    /// # Errors
    /// Whatever the store says; the rule fails.
    async fn open(&self) -> Result<Handle, Source>;

    /// Opens the stream `stream` of a namespace: the same one for the same names. What belongs to another storage of
    /// the fixture must not be found there.
    ///
    /// # Errors
    /// A store that cannot tell two namespaces apart refuses the second, in words that name both.
    async fn open_namespaced(&self, namespace: &Namespace, stream: &str) -> Result<Handle, Source> {
        let _ = (namespace, stream);
        Err(Unsupported::new("a namespace", "a fixture that opens namespaces").into())
    }

    /// Opens the timers of the storage, as [`open`](Self::open) does with what it stores.
    ///
    /// # Errors
    /// Whatever the store says; the rule fails. A store without timers says [`Unsupported`] ([`Capability::Timers`]).
    async fn open_timers(&self) -> Result<Arc<dyn Timers>, Source> {
        Err(Unsupported::new("timers", "a fixture that opens timers").into())
    }

    /// Opens the timers of the stream `stream` of a namespace, as [`open_namespaced`](Self::open_namespaced) does with
    /// what it stores.
    ///
    /// # Errors
    /// As [`open_timers`](Self::open_timers).
    async fn open_namespaced_timers(
        &self,
        namespace: &Namespace,
        stream: &str,
    ) -> Result<Arc<dyn Timers>, Source> {
        let _ = (namespace, stream);
        Err(Unsupported::new("a namespace", "a fixture that opens the timers of namespaces").into())
    }

    /// Cuts off all handles that have been opened so far: nothing reaches them, and nothing that they send arrives, until
    /// they [reconnect](Self::reconnect). Handles that are opened meanwhile are not cut off ([`Capability::Outages`]).
    ///
    /// # Errors
    /// Whatever the fixture says; the rule fails.
    async fn cut_off(&self) -> Result<(), Source> {
        Err(no_outages())
    }

    /// Lets the handles that were cut off reach the storage again. They need not have done so when this returns.
    ///
    /// # Errors
    /// As [`cut_off`](Self::cut_off).
    async fn reconnect(&self) -> Result<(), Source> {
        Err(no_outages())
    }

    /// Ends what the storage runs on, as roughly as it survives, and starts it again with all that it has acknowledged;
    /// of a replicated storage, the replica that leads. When this returns, the storage can be used again
    /// ([`Capability::Outages`]).
    ///
    /// # Errors
    /// As [`cut_off`](Self::cut_off).
    async fn restart(&self) -> Result<(), Source> {
        Err(no_outages())
    }
}

fn no_outages() -> Source {
    Unsupported::new("an outage", "a fixture that makes outages").into()
}

/// What a rule asks of a storage beyond the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct StorageOptions {
    /// Events expire at this age ([`Capability::Retention`]).
    pub max_age: Option<Duration>,
    /// The storage takes this many bytes and is then full ([`Capability::BoundedCapacity`]).
    pub max_bytes: Option<u64>,
    /// The storage can be cut off and restarted, and shares what it runs on with no other ([`Capability::Outages`]).
    pub outages: bool,
}

/// An open store, as its traits.
#[derive(Clone)]
pub struct Handle {
    events: Option<Arc<dyn EventStore>>,
    subscriptions: Option<Arc<dyn Subscribe>>,
    snapshots: Option<Arc<dyn SnapshotStore>>,
}

impl Handle {
    /// A store of events, which can be followed, and of snapshots.
    #[must_use]
    pub fn new<S: Subscribe + SnapshotStore + 'static>(store: S) -> Self {
        let store = Arc::new(store);
        Self { events: Some(store.clone()), subscriptions: Some(store.clone()), snapshots: Some(store) }
    }

    /// An event store that can be followed, and keeps no snapshots.
    #[must_use]
    pub fn of_subscriptions(store: impl Subscribe + 'static) -> Self {
        let store = Arc::new(store);
        Self { events: Some(store.clone()), subscriptions: Some(store), snapshots: None }
    }

    /// An event store that can neither be followed nor keeps snapshots.
    #[must_use]
    pub fn of_events(store: impl EventStore + 'static) -> Self {
        Self { events: Some(Arc::new(store)), subscriptions: None, snapshots: None }
    }

    /// A snapshot store that keeps no events.
    #[must_use]
    pub fn of_snapshots(store: impl SnapshotStore + 'static) -> Self {
        Self { events: None, subscriptions: None, snapshots: Some(Arc::new(store)) }
    }

    /// The event store, if it is one.
    #[must_use]
    pub fn events(&self) -> Option<Arc<dyn EventStore>> {
        self.events.clone()
    }

    /// The event store to subscribe to, if its events can be followed.
    #[must_use]
    pub fn subscriptions(&self) -> Option<Arc<dyn Subscribe>> {
        self.subscriptions.clone()
    }

    /// The snapshot store, if it is one.
    #[must_use]
    pub fn snapshots(&self) -> Option<Arc<dyn SnapshotStore>> {
        self.snapshots.clone()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("events", &self.events)
            .field("subscribes", &self.subscriptions.is_some())
            .field("snapshots", &self.snapshots)
            .finish()
    }
}
