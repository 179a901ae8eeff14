//! [`Fixture`]: how the kit gets at the store that it holds against the contract.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aether_core::{EventStore, Namespace, SnapshotStore, Source, Unsupported};
use async_trait::async_trait;

use super::Capability;

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

    /// How long one rule may take before it counts as stuck.
    fn deadline(&self) -> Duration {
        Duration::from_secs(120)
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
}

/// What a rule asks of a storage beyond the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct StorageOptions {
    /// Events expire at this age ([`Capability::Retention`]).
    pub max_age: Option<Duration>,
    /// The storage takes this many bytes and is then full ([`Capability::BoundedCapacity`]).
    pub max_bytes: Option<u64>,
}

/// An open store, as its traits.
#[derive(Clone)]
pub struct Handle {
    events: Option<Arc<dyn EventStore>>,
    snapshots: Option<Arc<dyn SnapshotStore>>,
}

impl Handle {
    /// A store of both events and snapshots.
    #[must_use]
    pub fn new<S: EventStore + SnapshotStore + 'static>(store: S) -> Self {
        let store = Arc::new(store);
        Self { events: Some(store.clone()), snapshots: Some(store) }
    }

    /// An event store that keeps no snapshots.
    #[must_use]
    pub fn of_events(store: impl EventStore + 'static) -> Self {
        Self { events: Some(Arc::new(store)), snapshots: None }
    }

    /// A snapshot store that keeps no events.
    #[must_use]
    pub fn of_snapshots(store: impl SnapshotStore + 'static) -> Self {
        Self { events: None, snapshots: Some(Arc::new(store)) }
    }

    /// The event store, if it is one.
    #[must_use]
    pub fn events(&self) -> Option<Arc<dyn EventStore>> {
        self.events.clone()
    }

    /// The snapshot store, if it is one.
    #[must_use]
    pub fn snapshots(&self) -> Option<Arc<dyn SnapshotStore>> {
        self.snapshots.clone()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("events", &self.events).field("snapshots", &self.snapshots).finish()
    }
}
