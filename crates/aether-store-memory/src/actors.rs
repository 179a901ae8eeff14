//! [`Actors`]: what the store knows of each actor, each behind its own lock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aether_core::{ActorId, ActorSnapshot, Head, SnapshotSaved};
use papaya::HashMap;

/// Keyed at random, since actor ids may come from anybody, and several times as fast as the standard hasher.
type Hasher = ahash::RandomState;

/// One actor's commits and its snapshot.
#[derive(Debug, Default)]
pub(crate) struct ActorLog {
    /// The last commit.
    pub(crate) head: Head,
    /// Where the commits are in the log, in order.
    pub(crate) commits: Vec<usize>,
    snapshot: Option<Box<ActorSnapshot>>,
}

impl ActorLog {
    /// Keeps `snapshot`, unless there is a newer one that counts.
    pub(crate) fn save_snapshot(&mut self, snapshot: &ActorSnapshot) -> SnapshotSaved {
        match self.snapshot() {
            Some(there) if there.version > snapshot.version => {
                return SnapshotSaved::Superseded { by: there.version };
            }
            _ => self.snapshot = Some(Box::new(snapshot.clone())),
        }
        SnapshotSaved::Stored
    }

    /// The snapshot, unless it is ahead of the log: then it was taken of another store.
    pub(crate) fn snapshot(&self) -> Option<&ActorSnapshot> {
        let is_ahead = |head: Head| head.sequence() > self.head.sequence();
        self.snapshot.as_deref().filter(|snapshot| !snapshot.head.is_some_and(is_ahead))
    }
}

/// An actor's log and its lock, which is held for a save or for copying a page of indices, and never over an await.
#[derive(Debug, Default)]
pub(crate) struct Slot(Mutex<ActorLog>);

impl Slot {
    pub(crate) fn lock(&self) -> MutexGuard<'_, ActorLog> {
        // Nothing can panic between the changes that belong together, so a poisoned log is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All actors, in a map whose look-ups write nothing that is shared: neither a lock nor a count.
#[derive(Debug, Default)]
pub(crate) struct Actors(HashMap<ActorId, Arc<Slot>, Hasher>);

impl Actors {
    /// The actor's slot, if it was ever written to.
    pub(crate) fn get(&self, actor: &ActorId) -> Option<Arc<Slot>> {
        self.0.pin().get(actor).cloned()
    }

    /// The actor's slot.
    pub(crate) fn get_or_insert(&self, actor: &ActorId) -> Arc<Slot> {
        self.with(actor, Arc::clone)
    }

    /// Does something with the actor's slot.
    pub(crate) fn with<T>(&self, actor: &ActorId, work: impl FnOnce(&Arc<Slot>) -> T) -> T {
        let actors = self.0.pin();
        match actors.get(actor) {
            Some(slot) => work(slot),
            None => work(actors.get_or_insert_with(actor.clone(), Arc::default)),
        }
    }

    /// The actor's last commit.
    pub(crate) fn head(&self, actor: &ActorId) -> Head {
        self.0.pin().get(actor).map_or(Head::NONE, |slot| slot.lock().head)
    }

    /// The actor's snapshot.
    pub(crate) fn snapshot(&self, actor: &ActorId) -> Option<ActorSnapshot> {
        self.0.pin().get(actor).and_then(|slot| slot.lock().snapshot().cloned())
    }

    /// The actors of a category that have commits and whose subjects come after `after`, in the order of their
    /// subjects. Looks at every actor: a sorted index would make all new actors wait for each other.
    pub(crate) fn page(&self, category: &str, after: Option<&ActorId>, limit: usize) -> Vec<ActorId> {
        let after = after.map(ActorId::subject);
        let actors = self.0.pin();
        let mut page: Vec<(String, &ActorId)> = actors
            .iter()
            .filter(|(actor, slot)| actor.category() == category && slot.lock().head != Head::NONE)
            .map(|(actor, _)| (actor.subject(), actor))
            .filter(|(subject, _)| after.as_ref().is_none_or(|after| subject > after))
            .collect();
        page.sort_unstable();
        page.into_iter().take(limit).map(|(_, actor)| actor.clone()).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
