//! [`HeadCache`]: for each actor the turn to save, and its last known head.

use std::sync::Arc;

use aether_core::{ActorId, Head};
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, Lifecycle, UnitWeighter};
use smallvec::SmallVec;
use tokio::sync::Mutex;

/// The number of an actor's earlier commits that a commit links to. 32 would load faster still, but cost 12 % of the
/// throughput of saves; 16 cost nothing that could be measured.
pub(crate) const LINKS: usize = 16;

/// The head of an actor, as far as this store knows. It may be stale: that costs a retry, never a wrong save.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Known {
    pub(crate) head: Head,
    /// The sequences of the actor's last commits, newest first; the first is the head's.
    pub(crate) links: SmallVec<[u64; LINKS]>,
}

impl Known {
    /// The knowledge after one more commit.
    pub(crate) fn followed_by(&self, head: Head) -> Self {
        let older = self.links.iter().copied();
        Self { head, links: std::iter::once(head.sequence()).chain(older).take(LINKS).collect() }
    }
}

/// One actor's turn: the holder of the lock may save, one at a time. `None` if nothing is known.
pub(crate) type Slot = Mutex<Option<Known>>;

/// The slots of the actors in use, and of those used lately.
#[derive(Debug)]
pub(crate) struct HeadCache(Cache<ActorId, Arc<Slot>, UnitWeighter, DefaultHashBuilder, KeepUsed>);

/// Never evicts a slot that is in use: two slots of one actor would be two turns.
#[derive(Debug, Clone, Default)]
struct KeepUsed(DefaultLifecycle<ActorId, Arc<Slot>>);

impl Lifecycle<ActorId, Arc<Slot>> for KeepUsed {
    type RequestState = <DefaultLifecycle<ActorId, Arc<Slot>> as Lifecycle<ActorId, Arc<Slot>>>::RequestState;

    fn is_pinned(&self, _actor: &ActorId, slot: &Arc<Slot>) -> bool {
        Arc::strong_count(slot) > 1
    }

    fn begin_request(&self) -> Self::RequestState {
        self.0.begin_request()
    }

    fn on_evict(&self, state: &mut Self::RequestState, actor: ActorId, slot: Arc<Slot>) {
        self.0.on_evict(state, actor, slot);
    }
}

impl HeadCache {
    pub(crate) fn new(actors: usize) -> Self {
        let actors = actors.max(1);
        let hasher = DefaultHashBuilder::default();
        Self(Cache::with(actors, actors as u64, UnitWeighter, hasher, KeepUsed::default()))
    }

    /// The slot of an actor.
    pub(crate) fn get(&self, actor: &ActorId) -> Arc<Slot> {
        if let Some(slot) = self.0.get(actor) {
            return slot;
        }
        let made = self.0.get_or_insert_with(actor, || Ok::<_, std::convert::Infallible>(Arc::default()));
        match made {
            Ok(slot) => slot,
        }
    }

    /// The highest sequence of the actor that is known, unless a save is under way.
    pub(crate) fn known_sequence(&self, actor: &ActorId) -> u64 {
        let slot = self.0.get(actor);
        let known = slot.as_ref().and_then(|slot| slot.try_lock().ok());
        known.and_then(|known| known.as_ref().map(|known| known.head.sequence())).unwrap_or(0)
    }

    /// Remembers what a read found, unless a save is under way or more is known.
    pub(crate) fn learn(&self, actor: &ActorId, found: &Known) {
        let slot = self.get(actor);
        if let Ok(mut known) = slot.try_lock()
            && known.as_ref().is_none_or(|known| known.head.sequence() < found.head.sequence())
        {
            *known = Some(found.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aether_core::Version;

    fn actor(number: usize) -> ActorId {
        ActorId::new(format!("a-{number}")).unwrap()
    }

    #[test]
    fn the_last_links_are_kept_newest_first() {
        let known = (1..=40).fold(Known::default(), |known, sequence| {
            known.followed_by(Head::new(sequence * 10, Version::new(sequence)))
        });
        assert_eq!(known.links.len(), LINKS);
        assert_eq!((known.links[0], known.links[LINKS - 1]), (400, 250));
    }

    #[test]
    fn a_slot_in_use_is_never_replaced() {
        let slots = HeadCache::new(8);
        let used = slots.get(&actor(0));
        for number in 1..1000 {
            slots.get(&actor(number));
        }
        assert!(Arc::ptr_eq(&used, &slots.get(&actor(0))));
        assert!(slots.0.len() <= 16, "{}", slots.0.len());
    }
}
