//! [`ActorHost`]: the actors of one type in this process.

use std::collections::HashMap;
use std::sync::Arc;

use aether_core::{ActorId, Version};
use aether_telemetry::metrics::ActorMetrics;
use parking_lot::Mutex;

use super::cell::Cell;
use super::load::{self, Until};
use super::shared::Shared;
use crate::actor::Actor;
use crate::command_id::CommandId;
use crate::error::{ActorError, LoadError, Poison};
use crate::options::ActorOptions;

/// The actors of one type in this process.
pub(crate) struct ActorHost<A: Actor> {
    pub(crate) options: ActorOptions,
    pub(crate) shared: Arc<Shared>,
    pub(crate) metrics: ActorMetrics,
    cells: papaya::HashMap<ActorId, Arc<Cell<A>>, ahash::RandomState>,
    /// Those whose history cannot be replayed.
    parked: Mutex<HashMap<ActorId, Arc<Poison>>>,
}

impl<A: Actor> ActorHost<A> {
    pub(crate) fn new(options: ActorOptions, shared: Arc<Shared>) -> Self {
        let metrics = ActorMetrics::new(shared.namespace.as_deref(), A::CATEGORY);
        let cells = papaya::HashMap::with_hasher(ahash::RandomState::new());
        Self { options, shared, metrics, cells, parked: Mutex::default() }
    }

    /// Looks at the cell of an actor, if it has one.
    pub(crate) fn find<T>(&self, id: &ActorId, look: impl FnOnce(&Arc<Cell<A>>) -> T) -> Option<T> {
        self.cells.pin().get(id).map(look)
    }

    /// Returns the cell of an actor, a new one if it has none.
    pub(super) fn cell(self: &Arc<Self>, id: &ActorId) -> Arc<Cell<A>> {
        let cells = self.cells.pin();
        if let Some(cell) = cells.get(id) {
            return Arc::clone(cell);
        }
        Arc::clone(cells.get_or_insert_with(id.clone(), || Arc::new(Cell::new(id.clone(), self))))
    }

    /// Counts a caller that waits no longer, and returns its error.
    pub(crate) fn timed_out(&self, id: CommandId) -> ActorError {
        self.metrics.timed_out();
        ActorError::TimedOut { id }
    }

    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.shared.tasks.spawn_on(task, &self.shared.runtime);
    }

    /// Takes a cell out of the map, unless another one has taken its place.
    pub(crate) fn remove(&self, cell: &Arc<Cell<A>>) {
        let same = |_: &ActorId, other: &Arc<Cell<A>>| Arc::ptr_eq(other, cell);
        // It is the same one or none: a place that was taken anew is another cell.
        let _ = self.cells.pin().remove_if(&cell.id, same);
        self.drop_loaded(cell, "failed");
    }

    /// Drops what is loaded of an actor.
    pub(crate) fn drop_loaded(&self, cell: &Cell<A>, reason: &'static str) {
        let loaded = cell.loaded.write().take();
        if let Some(loaded) = loaded {
            self.moved_out(loaded.state.memory(), reason);
        }
    }

    /// Returns why an actor is parked, if it is.
    pub(crate) fn parked(&self, id: &ActorId) -> Option<Arc<Poison>> {
        self.parked.lock().get(id).cloned()
    }

    /// All that are parked.
    pub(crate) fn all_parked(&self) -> Vec<(ActorId, Arc<Poison>)> {
        self.parked.lock().iter().map(|(id, poison)| (id.clone(), Arc::clone(poison))).collect()
    }

    pub(crate) fn park(&self, id: &ActorId, poison: &Arc<Poison>) {
        let mut parked = self.parked.lock();
        if parked.insert(id.clone(), Arc::clone(poison)).is_none() {
            tracing::error!(actor = %id, error = %poison, "the actor is parked: its history cannot be replayed");
        }
        self.metrics.unreadable(parked.len());
    }

    /// Lets a parked actor be tried again. Returns whether it was parked.
    pub(crate) fn unpark(&self, id: &ActorId) -> bool {
        let mut parked = self.parked.lock();
        let was_parked = parked.remove(id).is_some();
        self.metrics.unreadable(parked.len());
        was_parked
    }

    /// Forgets which of these actors are parked: the process that acts for them finds out.
    pub(super) fn unpark_all(&self, actors: &dyn Fn(&ActorId) -> bool) {
        let mut parked = self.parked.lock();
        parked.retain(|id, _| !actors(id));
        self.metrics.unreadable(parked.len());
    }

    /// The state as it was.
    pub(crate) async fn state_as_of(&self, id: &ActorId, until: Until) -> Result<(A, Version), LoadError> {
        load::state_as_of(&self.shared.store, id, &self.options, until).await
    }

    /// The cells of these actors, as they are now.
    pub(super) fn cells_of(&self, actors: &dyn Fn(&ActorId) -> bool) -> Vec<Arc<Cell<A>>> {
        let cells = self.cells.pin();
        cells.iter().filter(|(id, _)| actors(id)).map(|(_, cell)| Arc::clone(cell)).collect()
    }

    /// All cells, as they are now.
    pub(crate) fn cells(&self) -> Vec<Arc<Cell<A>>> {
        self.cells.pin().values().map(Arc::clone).collect()
    }
}

impl<A: Actor> std::fmt::Debug for ActorHost<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ActorHost").field("category", &A::CATEGORY).finish_non_exhaustive()
    }
}
