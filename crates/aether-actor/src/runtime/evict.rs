//! Evicting: actors that this process does not act for any more leave memory at once.

use std::sync::Arc;

use aether_core::ActorId;
use futures_util::StreamExt;

use super::cell::Cell;
use super::host::ActorHost;
use super::loaded::Loaded;
use crate::Actor;

/// How many snapshots of actors that were evicted together are saved at the same time: a process that gives up many actors
/// is not to flood the store that others load them from.
const AT_ONCE: usize = 16;

/// What is saved of an actor that has left.
pub(crate) type Remains<A> = (ActorId, Loaded<A>);

impl<A: Actor> ActorHost<A> {
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
        let due = loaded.filter(|loaded| policy.is_due_at_passivation(&loaded.since_snapshot));
        due.map(|loaded| (cell.id.clone(), loaded))
    }

    /// Saves the snapshots of those who have left, in the background.
    pub(crate) fn save_snapshots(self: &Arc<Self>, remains: Vec<Remains<A>>) {
        if remains.is_empty() {
            return;
        }
        let kind = Arc::clone(self);
        self.spawn(async move {
            let kind = &kind;
            let save = |(actor, loaded): Remains<A>| async move {
                kind.write_snapshot(&actor, &loaded).await;
            };
            futures_util::stream::iter(remains).for_each_concurrent(AT_ONCE, save).await;
        });
    }
}
