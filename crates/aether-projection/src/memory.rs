//! [`MemoryModel`]: views in memory.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use aether_coordination::{Coordination, MemoryCoordination};
use aether_core::{EventFilter, Position, RecordedEvent, Subscribe};
use aether_group::{Batch, Claim, HandleError, Partition};
use async_trait::async_trait;

use crate::applied_positions::{AppliedPositions, Parkings, Waiting};
use crate::projector::ProjectorBuilder;
use crate::staged_batch::{Outcome, Stage, stage};
use crate::{ApplyError, Projection, Projector, Target};

type Views<V> = HashMap<String, Arc<V>, ahash::RandomState>;

/// Views in memory. Clones share them; they begin empty and are made from the first event on.
///
/// # What a reader sees
/// Batches, whole: all changes that the events of a batch made, in all views, or none of them. A batch holds what had been
/// read when it began, up to [`max_batch`](ProjectorBuilder::max_batch) events, so a commit is seen whole as well, also one
/// over several actors, unless it lies across the border of two batches: because it is larger than what was left of the
/// first one, because its end had not come in yet, or because one of its events had failed before.
///
/// A batch copies each view that it changes once. A projection with one large view is better divided by
/// [`keys`](Projection::keys).
///
/// ```
/// # use aether_core::{ActorId, Event, EventStoreExt, RecordedEvent, Version};
/// # use aether_projection::{ApplyError, MemoryModel, Projection};
/// # use aether_store_memory::MemoryEventStore;
/// # use std::sync::Arc;
/// # use std::time::Duration;
/// struct Count;
///
/// impl Projection for Count {
///     type View = u64;
///
///     fn name(&self) -> &str {
///         "count"
///     }
///
///     fn apply(&self, _key: &str, count: &mut u64, _event: &RecordedEvent) -> Result<(), ApplyError> {
///         *count += 1;
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Arc::new(MemoryEventStore::new());
/// let model = MemoryModel::new(Count);
/// let projector = model.projector(store.clone()).run().await?;
///
/// let saved = store.save_event(&Event::new(&ActorId::new("order-1")?, Version::new(1), "Placed", &())?).await?;
/// projector.wait_for(saved.position, Duration::from_secs(5)).await?;
/// assert_eq!(*model.view(""), 1);
/// projector.stop().await?;
/// # Ok(())
/// # }
/// ```
pub struct MemoryModel<P: Projection>(Arc<Inner<P>>);

struct Inner<P: Projection> {
    projection: P,
    /// Where the group keeps what it knows: exactly as long as the views are kept.
    coordination: Arc<MemoryCoordination>,
    /// Taken by whoever changes views.
    writing: Mutex<Writing>,
    parkings: Parkings,
    views: RwLock<Views<P::View>>,
}

/// What whoever changes views has to himself.
#[derive(Debug, Default)]
struct Writing {
    seen: AppliedPositions,
    /// `true` if nothing is changed any more.
    frozen: bool,
}

impl<P: Projection> Clone for MemoryModel<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: Projection> fmt::Debug for MemoryModel<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryModel").field("name", &self.0.projection.name()).finish_non_exhaustive()
    }
}

impl<P: Projection> MemoryModel<P> {
    /// No views yet.
    #[must_use]
    pub fn new(projection: P) -> Self {
        Self(Arc::new(Inner {
            projection,
            coordination: Arc::default(),
            writing: Mutex::default(),
            parkings: Parkings::default(),
            views: RwLock::default(),
        }))
    }

    /// Begins to follow the events of a store. Only one projector may run at a time.
    pub fn projector(&self, store: Arc<dyn Subscribe>) -> ProjectorBuilder {
        let coordination: Arc<dyn Coordination> = self.0.coordination.clone();
        Projector::builder(store, coordination, Following(self.clone()))
    }

    /// The projection.
    #[must_use]
    pub fn projection(&self) -> &P {
        &self.0.projection
    }

    /// The view of this key; the default if no event has changed it.
    #[must_use]
    pub fn view(&self, key: &str) -> Arc<P::View> {
        self.read(|views| views.get(key).cloned()).unwrap_or_default()
    }

    /// The view of this key, if any event has changed it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Arc<P::View>> {
        self.read(|views| views.get(key).cloned())
    }

    /// All views, as they are at one moment.
    #[must_use]
    pub fn views(&self) -> HashMap<String, Arc<P::View>> {
        self.read(|views| views.iter().map(|(key, view)| (key.clone(), Arc::clone(view))).collect())
    }

    /// Up to where events are in the views, as far as they come in their order.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.0.writing().seen.position(Partition::new(0))
    }

    #[cfg(test)]
    pub(crate) fn parkings(&self) -> &Parkings {
        &self.0.parkings
    }

    /// Applies a batch.
    pub(crate) fn apply(&self, batch: &Batch) -> Result<(), HandleError> {
        self.0.apply(batch)
    }

    /// Keeps the views as they are, until the guard is dropped or for ever.
    pub(crate) fn freeze(&self) -> Frozen<P> {
        self.0.writing().frozen = true;
        Frozen(Some(self.clone()))
    }

    fn read<T>(&self, look: impl FnOnce(&Views<P::View>) -> T) -> T {
        look(&self.0.views.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Views that stand still.
pub(crate) struct Frozen<P: Projection>(Option<MemoryModel<P>>);

impl<P: Projection> Frozen<P> {
    pub(crate) fn position(&self) -> Option<Position> {
        self.0.as_ref().and_then(MemoryModel::position)
    }

    /// They go on standing still.
    pub(crate) fn keep(mut self) {
        self.0.take();
    }
}

impl<P: Projection> Drop for Frozen<P> {
    fn drop(&mut self) {
        if let Some(model) = self.0.take() {
            model.0.writing().frozen = false;
        }
    }
}

impl<P: Projection> Inner<P> {
    fn writing(&self) -> MutexGuard<'_, Writing> {
        // What panics in between is caught before anything is changed.
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, batch: &Batch) -> Result<(), HandleError> {
        let mut writing = self.writing();
        if writing.frozen {
            return Err(HandleError::unavailable("another version is taking the place of this one"));
        }
        if writing.seen.is_fenced(batch) {
            return Err(HandleError::unavailable("the partition belongs to another member"));
        }
        let waiting = self.parkings.during(batch);
        let onto = Onto { projection: &self.projection, views: &self.views, batch, waiting: &waiting };
        let Outcome { staged, admitted, unapplied } =
            stage(&self.projection, &onto, &writing.seen, &batch.events);
        {
            let mut views = self.views.write().unwrap_or_else(PoisonError::into_inner);
            views.extend(staged.into_iter().map(|(key, view)| (key, Arc::new(view))));
        }
        writing.seen = admitted;
        match unapplied {
            None => Ok(()),
            Some(unapplied) => Err(unapplied.park(batch, &self.parkings)),
        }
    }
}

/// The views that a batch is applied to.
struct Onto<'a, P: Projection> {
    projection: &'a P,
    views: &'a RwLock<Views<P::View>>,
    batch: &'a Batch,
    waiting: &'a Waiting,
}

impl<P: Projection> Stage for Onto<'_, P> {
    type Slot = P::View;
    type Admitted = AppliedPositions;

    fn admit(&self, seen: &mut AppliedPositions, event: &RecordedEvent) -> bool {
        seen.take(self.batch, event, self.waiting)
    }

    fn base(&self, key: &str) -> P::View {
        let views = self.views.read().unwrap_or_else(PoisonError::into_inner);
        views.get(key).map(|view| P::View::clone(view)).unwrap_or_default()
    }

    fn change(&self, view: &mut P::View, key: &str, event: &RecordedEvent) -> Result<(), ApplyError> {
        self.projection.apply(key, view, event)
    }
}

/// The model as the target of its projector.
struct Following<P: Projection>(MemoryModel<P>);

#[async_trait]
impl<P: Projection> Target for Following<P> {
    fn name(&self) -> &str {
        self.0.projection().name()
    }

    fn filter(&self) -> EventFilter {
        self.0.projection().filter()
    }

    async fn checkpoint(&self, claim: &Claim) -> Result<Option<Position>, HandleError> {
        self.0.0.parkings.claimed(claim);
        Ok(self.0.0.writing().seen.position(claim.partition))
    }

    async fn apply(&self, batch: &Batch) -> Result<(), HandleError> {
        self.0.apply(batch)
    }
}
