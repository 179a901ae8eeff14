//! [`ActorHost`]: the actors of one type in this process.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use aether_core::ActorId;
use aether_telemetry::metrics::{ActorMetrics, Timer};
use aether_telemetry::span;
use parking_lot::Mutex;
use time::OffsetDateTime;
use tokio::time::timeout_at;

use super::cell::{Cell, Pushed};
use super::load::{self, Until};
use super::loaded::{Loaded, SinceSnapshot};
use super::memory_limit::Resident;
use super::snapshot;
use super::turn;
use super::mailbox_item::BoxedItem;
use crate::command::CommandList;
use crate::dispatch::{CommandTable, QueryTable};
use crate::error::{ActorError, LoadError, Poison};
use crate::query::QueryList;
use crate::system::Shared;
use crate::{Actor, ActorOptions, CommandId};

/// The actors of one type in this process.
pub(crate) struct ActorHost<A: Actor> {
    pub(crate) options: ActorOptions,
    pub(crate) shared: Arc<Shared>,
    pub(crate) metrics: ActorMetrics,
    pub(crate) commands: CommandTable<A>,
    pub(crate) queries: QueryTable<A>,
    cells: papaya::HashMap<ActorId, Arc<Cell<A>>, ahash::RandomState>,
    /// Those whose history cannot be replayed.
    parked: Mutex<HashMap<ActorId, Arc<Poison>>>,
}

impl<A: Actor> ActorHost<A> {
    pub(crate) fn new(options: ActorOptions, shared: Arc<Shared>) -> Self {
        let mut commands = CommandTable::default();
        <A::Commands as CommandList<A>>::register(&mut commands);
        let mut queries = QueryTable::default();
        <A::Queries as QueryList<A>>::register(&mut queries);
        let metrics = ActorMetrics::new(shared.namespace.as_deref(), A::CATEGORY);
        let cells = papaya::HashMap::with_hasher(ahash::RandomState::new());
        Self { options, shared, metrics, commands, queries, cells, parked: Mutex::default() }
    }

    /// The cell of an actor, if it has one.
    pub(crate) fn find<T>(&self, id: &ActorId, look: impl FnOnce(&Arc<Cell<A>>) -> T) -> Option<T> {
        self.cells.pin().get(id).map(look)
    }

    /// The cell of an actor.
    fn cell(self: &Arc<Self>, id: &ActorId) -> Arc<Cell<A>> {
        let cells = self.cells.pin();
        if let Some(cell) = cells.get(id) {
            return Arc::clone(cell);
        }
        Arc::clone(cells.get_or_insert_with(id.clone(), || Arc::new(Cell::new(id.clone(), self))))
    }

    /// Puts a command into the mailbox of its actor, waiting for room there until its deadline.
    pub(crate) async fn submit(
        self: &Arc<Self>,
        id: &ActorId,
        mut work: BoxedItem<A>,
    ) -> Result<(), ActorError> {
        span::ask_of(&work.observed().span, id);
        loop {
            if self.shared.is_stopping() {
                return Err(self.refuse(&work, ActorError::Stopped));
            }
            let cell = self.cell(id);
            match cell.space.try_acquire() {
                Ok(place) => place.forget(),
                Err(tokio::sync::TryAcquireError::Closed) => {
                    self.remove(&cell);
                    continue;
                }
                Err(tokio::sync::TryAcquireError::NoPermits) => {
                    match timeout_at(work.delivery().deadline, cell.space.acquire()).await {
                        Ok(Ok(place)) => place.forget(),
                        Ok(Err(_)) => continue,
                        Err(_) => {
                            let capacity = self.options.mailbox;
                            return Err(self.refuse(&work, ActorError::Overloaded { capacity }));
                        }
                    }
                }
            }
            cell.touch(self.shared.residents.tick());
            match cell.push(work) {
                Pushed::Queued => return Ok(()),
                Pushed::Start => {
                    self.start(cell);
                    return Ok(());
                }
                Pushed::Retired(back) => {
                    self.remove(&cell);
                    work = back;
                }
            }
        }
    }

    fn refuse(&self, work: &BoxedItem<A>, error: ActorError) -> ActorError {
        work.observed().failed(&self.metrics, &error);
        error
    }

    /// An asker waits no longer.
    pub(crate) fn timed_out(&self, id: CommandId) -> ActorError {
        self.metrics.timed_out();
        ActorError::TimedOut { id }
    }

    /// Runs the turns of a cell whose turn it is. The first begins at once, on the thread of whoever asks: with a store that
    /// answers without waiting it ends there, and costs no task. What has to wait goes on as one.
    fn start(self: &Arc<Self>, cell: Arc<Cell<A>>) {
        let mut first = Box::pin(turn::first(Arc::clone(self), Arc::clone(&cell)));
        // Polled again by its task, so nobody has to be woken for now.
        match first.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(false) => {}
            Poll::Ready(true) => self.spawn(turn::run(Arc::clone(self), cell)),
            Poll::Pending => {
                let kind = Arc::clone(self);
                self.spawn(async move {
                    if first.await {
                        turn::run(kind, cell).await;
                    }
                });
            }
        }
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

    /// The turns of a cell are over: one that could not be loaded is of no use, and one that was told to leave does so.
    pub(crate) fn settle(self: &Arc<Self>, cell: &Arc<Cell<A>>) {
        if (cell.is_leaving() || cell.loaded.read().is_none()) && cell.retire() {
            self.save_snapshots(self.take_out(cell).into_iter().collect());
        }
    }

    /// Lets an actor leave memory if it is idle; whether it does.
    pub(crate) fn passivate(self: &Arc<Self>, id: &ActorId, reason: &'static str) -> bool {
        let Some(cell) = self.find(id, Arc::clone) else { return true };
        let due = self.options.snapshots;
        let memory_to_save = {
            let loaded = cell.loaded.read();
            let due = loaded.as_ref().filter(|loaded| due.is_due_at_passivation(&loaded.since_snapshot));
            due.map(|loaded| loaded.state.memory())
        };
        if let Some(memory) = memory_to_save.filter(|_| !self.shared.is_stopping()) {
            if !cell.occupy() {
                return false;
            }
            self.shared.residents.begins_to_leave(memory);
            let kind = Arc::clone(self);
            let leave = async move {
                kind.save_snapshot(&cell).await;
                // Commands may have come meanwhile, and may come again before the cell is retired.
                turn::run(Arc::clone(&kind), Arc::clone(&cell)).await;
                let residents = &kind.shared.residents;
                if !kind.retire(&cell, reason) {
                    let resident: Arc<dyn Resident> = Arc::clone(&cell) as _;
                    residents.stays(Arc::downgrade(&resident), cell.used());
                }
                residents.ends_leaving(memory);
            };
            self.spawn(leave);
            return true;
        }
        self.retire(&cell, reason)
    }

    fn retire(&self, cell: &Arc<Cell<A>>, reason: &'static str) -> bool {
        if !cell.retire() {
            return false;
        }
        self.drop_loaded(cell, reason);
        self.remove(cell);
        true
    }

    /// An actor was loaded, which began with the timer.
    pub(crate) fn moved_in(&self, cell: &Arc<Cell<A>>, memory: usize, timer: Timer) {
        self.metrics.activated(timer);
        let resident: Arc<dyn Resident> = Arc::clone(cell) as _;
        self.shared.residents.moved_in(Arc::downgrade(&resident), cell.used(), memory);
    }

    pub(crate) fn moved_out(&self, memory: usize, reason: &'static str) {
        self.metrics.passivated(reason);
        self.shared.residents.moved_out(memory);
    }

    /// Why an actor is parked, if it is.
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

    /// Lets a parked actor be tried again; whether it was parked.
    pub(crate) fn unpark(&self, id: &ActorId) -> bool {
        let mut parked = self.parked.lock();
        let was_parked = parked.remove(id).is_some();
        self.metrics.unreadable(parked.len());
        was_parked
    }

    /// Forgets which of these actors are parked: whoever acts for them finds out.
    pub(super) fn unpark_all(&self, actors: &dyn Fn(&ActorId) -> bool) {
        let mut parked = self.parked.lock();
        parked.retain(|id, _| !actors(id));
        self.metrics.unreadable(parked.len());
    }

    /// Takes a snapshot, beside the actor's work, if one is due.
    pub(crate) fn snapshot_if_due(self: &Arc<Self>, cell: &Arc<Cell<A>>, now: OffsetDateTime) {
        let policy = self.options.snapshots;
        let is_due = {
            let loaded = cell.loaded.read();
            loaded.as_ref().is_some_and(|loaded| policy.is_due(&loaded.since_snapshot, now))
        };
        if is_due && let Some(loaded) = for_snapshot(cell) {
            let (kind, cell) = (Arc::clone(self), Arc::clone(cell));
            self.spawn(async move { kind.write_snapshot(&cell.id, &loaded).await });
        }
    }

    /// Saves a snapshot of what is loaded.
    pub(crate) async fn save_snapshot(&self, cell: &Cell<A>) {
        if let Some(loaded) = for_snapshot(cell) {
            self.write_snapshot(&cell.id, &loaded).await;
        }
    }

    /// One that cannot be saved is tried again when the next one is due.
    pub(super) async fn write_snapshot(&self, actor: &ActorId, loaded: &Loaded<A>) {
        let saved = match snapshot::take(actor, loaded, self.options.remember, self.shared.clock.now()) {
            Ok(snapshot) => self
                .shared
                .store
                .save_snapshot(&snapshot)
                .await
                .map(|_| ())
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        self.metrics.snapshot(saved.is_ok());
        if let Err(error) = saved {
            tracing::warn!(%actor, error, "a snapshot could not be saved");
        }
    }

    /// The state as it was.
    pub(crate) async fn state_as_of(
        &self,
        id: &ActorId,
        until: Until,
    ) -> Result<(A, aether_core::Version), LoadError> {
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

/// What is loaded of an actor, for a snapshot; the next one is counted from here.
fn for_snapshot<A: Actor>(cell: &Cell<A>) -> Option<Loaded<A>> {
    let mut loaded = cell.loaded.write();
    let loaded = loaded.as_mut().filter(|loaded| !loaded.head.version().is_zero())?;
    loaded.since_snapshot = SinceSnapshot::default();
    Some(loaded.clone())
}
