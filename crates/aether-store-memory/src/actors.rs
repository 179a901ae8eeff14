//! [`Actors`]: what the store knows of each actor, each behind its own lock.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use aether_core::{ActorId, ActorSnapshot, Head, SnapshotSaved};
use papaya::HashMap;

use crate::entry::Entry;
use crate::order::Chunks;
use crate::order::Place;

/// Keyed at random, since actor ids may come from anybody, and several times as fast as the standard hasher.
type Hasher = ahash::RandomState;

/// One actor's commits and its snapshot.
#[derive(Debug, Default)]
pub(crate) struct ActorLog {
    /// The last commit.
    pub(crate) head: Head,
    /// All commits, in order.
    pub(crate) commits: Vec<Entry>,
    /// What [`Place`] calls the actor; it has none before its first commit.
    number: Option<u32>,
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

/// An actor's log and its lock, which is held for a save or for copying a page, and never over an await.
#[derive(Debug, Default)]
pub(crate) struct Slot(Mutex<ActorLog>);

impl Slot {
    pub(crate) fn lock(&self) -> MutexGuard<'_, ActorLog> {
        // Nothing can panic between the changes that belong together, so a poisoned log is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All actors, in a map whose look-ups write nothing that is shared: neither a lock nor a count.
pub(crate) struct Actors {
    by_id: HashMap<ActorId, Arc<Slot>, Hasher>,
    by_number: Chunks<OnceLock<Arc<Slot>>>,
    numbers: AtomicU32,
}

impl Actors {
    pub(crate) fn new() -> Self {
        let by_id = HashMap::with_hasher(Hasher::default());
        Self { by_id, by_number: Chunks::new(), numbers: AtomicU32::new(0) }
    }

    /// The actor's slot, if it was ever written to.
    pub(crate) fn get(&self, actor: &ActorId) -> Option<Arc<Slot>> {
        self.by_id.pin().get(actor).cloned()
    }

    /// Does something with the actor's slot.
    pub(crate) fn with<T>(&self, actor: &ActorId, work: impl FnOnce(&Arc<Slot>) -> T) -> T {
        let actors = self.by_id.pin();
        match actors.get(actor) {
            Some(slot) => work(slot),
            None => work(actors.get_or_insert_with(actor.clone(), Arc::default)),
        }
    }

    /// Where the next commit of the actor will be. `log` is what is in `slot`, locked.
    pub(crate) fn next_place(&self, slot: &Arc<Slot>, log: &mut ActorLog) -> Place {
        let actor = *log.number.get_or_insert_with(|| {
            let number = self.numbers.fetch_add(1, Ordering::Relaxed);
            self.by_number.slot(number as usize).get_or_init(|| Arc::clone(slot));
            number
        });
        Place { actor, index: log.commits.len() as u32 }
    }

    /// The commit at a place that is in the order.
    pub(crate) fn at(&self, place: Place) -> Entry {
        let slot = self.by_number.slot(place.actor as usize).wait();
        slot.lock().commits[place.index as usize].clone()
    }

    /// The actor's last commit.
    pub(crate) fn head(&self, actor: &ActorId) -> Head {
        self.by_id.pin().get(actor).map_or(Head::NONE, |slot| slot.lock().head)
    }

    /// The actor's snapshot.
    pub(crate) fn snapshot(&self, actor: &ActorId) -> Option<ActorSnapshot> {
        self.by_id.pin().get(actor).and_then(|slot| slot.lock().snapshot().cloned())
    }

    /// The actors of a category that have commits and whose subjects come after `after`, in the order of their
    /// subjects. Looks at every actor: a sorted index would make all new actors wait for each other.
    pub(crate) fn page(&self, category: &str, after: Option<&ActorId>, limit: usize) -> Vec<ActorId> {
        let after = after.map(ActorId::subject);
        let actors = self.by_id.pin();
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
        self.by_id.len()
    }
}

impl fmt::Debug for Actors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actors").field("len", &self.len()).finish_non_exhaustive()
    }
}
