//! [`Published`]: a store whose saved events go to a bus.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aether_core::{
    Commit, EventStore, Namespace, SaveError, Saved, SnapshotStore, Subscribe, delegate_store,
};
use aether_telemetry::{Destination, span, trace};
use async_trait::async_trait;
use tracing::Instrument;

use crate::{Broadcaster, observe};

/// A store that publishes every event after it has saved it. In everything else it is the store that it is made of.
///
/// - A save never waits for a subscriber, and never fails because of the bus. An event that does not go out to other nodes
///   is logged and [counted](Self::unpublished).
/// - A commit that is saved again, since its outcome was unknown, is published again, as far as it stands: subscribers may
///   see an event twice, under the same id.
/// - When the future of a save is dropped, or its process ends, what it has saved may not be published. Two saves of
///   different tasks may be published in another order than saved. Who minds, follows the store itself
///   ([`Subscribe`](aether_core::Subscribe)).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
///
/// use aether_bus::{BusOptions, MemoryEventBus, Published};
/// use aether_core::{ActorId, Event, EventStoreExt, Namespace, Version};
/// use aether_store_memory::MemoryEventStore;
///
/// let bus = MemoryEventBus::new();
/// let tenant = Namespace::new("tenant-7")?;
/// let store = Published::new(Arc::new(MemoryEventStore::new()), Arc::new(bus.clone()), tenant.clone());
///
/// let mut events = bus.subscribe(&tenant.into(), BusOptions::new())?;
/// let placed = Event::new(&ActorId::new("order-123")?, Version::new(1), "OrderPlaced", &100)?;
/// store.save_event(&placed).await?;
/// assert_eq!(events.recv().await.and_then(|delivery| delivery.into_event()).map(|event| event.id()), Some(placed.id()));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Published<S: ?Sized> {
    bus: Arc<dyn Broadcaster>,
    namespace: Namespace,
    unpublished: AtomicU64,
    destination: Destination,
    store: Arc<S>,
}

impl<S: ?Sized> Published<S> {
    /// Publishes what `store` saves on `bus`, in `namespace`.
    #[must_use]
    pub fn new(store: Arc<S>, bus: Arc<dyn Broadcaster>, namespace: Namespace) -> Self {
        let destination = Destination::local(namespace.as_str());
        Self { bus, namespace, unpublished: AtomicU64::new(0), destination, store }
    }

    /// The store that it is made of.
    #[must_use]
    pub fn store(&self) -> &Arc<S> {
        &self.store
    }

    /// Returns the number of saved events that did not go out to other nodes.
    #[must_use]
    pub fn unpublished(&self) -> u64 {
        self.unpublished.load(Ordering::Relaxed)
    }

    fn publish(&self, commit: &Commit<'_>) {
        // The store has saved it, so it has parts.
        let Ok(parts) = commit.parts() else { return };
        for event in parts.iter().flat_map(|part| part.events()) {
            if let Err(error) = self.bus.broadcast(&self.namespace, event) {
                self.unpublished.fetch_add(1, Ordering::Relaxed);
                observe::unpublished(&self.namespace, event, &error);
            }
        }
    }
}

#[async_trait]
impl<S: EventStore + ?Sized> EventStore for Published<S> {
    async fn save(&self, commit: &Commit<'_>) -> Result<Saved, SaveError> {
        // What is published carries the same trace as what is saved.
        let span = span::publish(&self.destination, commit.as_events());
        let events = trace::stamp(&span, commit.as_events());
        let commit = commit.with_events(&events);
        let saved = self.store.save(&commit).instrument(span.clone()).await;
        match &saved {
            Ok(_) => span.in_scope(|| self.publish(&commit)),
            Err(_) => span::fail(&span, "not_saved"),
        }
        saved
    }

    delegate_store!(self => self.store; confirm, get_head, get_events, get_events_backward, get_commits, get_all,
        get_actors);
}

impl<S: SnapshotStore + ?Sized> SnapshotStore for Published<S> {
    delegate_store!(self => self.store; save_snapshot, load_snapshot);
}

impl<S: Subscribe + ?Sized> Subscribe for Published<S> {
    delegate_store!(self => self.store; subscribe);
}
