//! How actors leave memory: idle ones, those that the limit on memory asks to leave, and those that live elsewhere now;
//! and the snapshots that are saved of them.

use std::sync::Arc;

use aether_core::ActorId;
use aether_telemetry::metrics::Timer;
use futures_util::StreamExt;
use time::OffsetDateTime;

use super::cell::Cell;
use super::host::ActorHost;
use super::loaded::{self, Loaded, SinceSnapshot};
use super::memory_limit::Resident;
use super::turn::Turn;
use crate::actor::Actor;

/// How many snapshots of actors that were evicted together are saved at the same time: a process that gives up many actors
/// is not to flood the store that others load them from.
const AT_ONCE: usize = 16;

/// What is saved of an actor that has left.
pub(crate) type Remains<A> = (ActorId, Loaded<A>);

impl<A: Actor> ActorHost<A> {
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
            let due = loaded.as_ref().filter(|loaded| loaded.since_snapshot.is_due_at_passivation(&due));
            due.map(|loaded| loaded.state.memory())
        };
        if let Some(memory) = memory_to_save.filter(|_| !self.shared.is_stopping()) {
            if !cell.occupy() {
                return false;
            }
            self.shared.residents.begins_to_leave(memory);
            let host = Arc::clone(self);
            let leave = async move {
                host.save_snapshot(&cell).await;
                // Commands may have come meanwhile, and may come again before the cell is retired.
                Turn::new(Arc::clone(&host), Arc::clone(&cell)).run().await;
                let residents = &host.shared.residents;
                if !host.retire(&cell, reason) {
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

    /// Lets the idle ones of these actors leave memory, and those at work when their turn ends. How many have left.
    pub(crate) fn evict(self: &Arc<Self>, actors: &dyn Fn(&ActorId) -> bool) -> usize {
        let idle = self.cells_of(actors).into_iter().filter(|cell| cell.dismiss());
        let mut left = 0;
        let due = idle.inspect(|_| left += 1).filter_map(|cell| self.take_out(&cell)).collect();
        self.save_snapshots(due);
        self.unpark_all(actors);
        left
    }

    /// Takes a retired cell out of memory; what is loaded if a snapshot of it is due. Unlike an actor that is not used, one
    /// that lives elsewhere now is gone before its snapshot is saved: it must not answer meanwhile.
    pub(crate) fn take_out(&self, cell: &Arc<Cell<A>>) -> Option<Remains<A>> {
        let loaded = cell.loaded.write().take();
        if let Some(loaded) = &loaded {
            self.moved_out(loaded.state.memory(), "evicted");
        }
        self.remove(cell);
        let policy = self.options.snapshots;
        let due = loaded.filter(|loaded| loaded.since_snapshot.is_due_at_passivation(&policy));
        due.map(|loaded| (cell.id.clone(), loaded))
    }

    /// Saves the snapshots of those who have left, in the background.
    pub(crate) fn save_snapshots(self: &Arc<Self>, remains: Vec<Remains<A>>) {
        if remains.is_empty() {
            return;
        }
        let host = Arc::clone(self);
        self.spawn(async move {
            let host = &host;
            let save = |(actor, loaded): Remains<A>| async move {
                host.write_snapshot(&actor, &loaded).await;
            };
            futures_util::stream::iter(remains).for_each_concurrent(AT_ONCE, save).await;
        });
    }

    /// Takes a snapshot, beside the actor's work, if one is due.
    pub(crate) fn snapshot_if_due(self: &Arc<Self>, cell: &Arc<Cell<A>>, now: OffsetDateTime) {
        let policy = self.options.snapshots;
        let is_due = {
            let loaded = cell.loaded.read();
            loaded.as_ref().is_some_and(|loaded| loaded.since_snapshot.is_due(&policy, now))
        };
        if is_due && let Some(loaded) = for_snapshot(cell) {
            let (host, cell) = (Arc::clone(self), Arc::clone(cell));
            self.spawn(async move { host.write_snapshot(&cell.id, &loaded).await });
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
        let saved = match loaded::to_snapshot(actor, loaded, self.options.remember, self.shared.clock.now()) {
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
}

/// What is loaded of an actor, for a snapshot; the next one is counted from here.
fn for_snapshot<A: Actor>(cell: &Cell<A>) -> Option<Loaded<A>> {
    let mut loaded = cell.loaded.write();
    let loaded = loaded.as_mut().filter(|loaded| !loaded.head.version().is_zero())?;
    loaded.since_snapshot = SinceSnapshot::default();
    Some(loaded.clone())
}
