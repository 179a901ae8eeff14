//! [`ShardId`]: a part of all actors; [`ShardTable`]: the node that acts for each shard.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use aether_core::ActorId;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use crate::Incarnation;

/// One of the parts into which a cluster divides its actors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShardId(u16);

impl ShardId {
    /// The shard of this number, from 0 on.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Returns the index of the shard in a list of all shards.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// All shards of a cluster of so many.
    pub fn all(shards: u16) -> impl Iterator<Item = Self> + Clone {
        (0..shards).map(Self)
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The shard of an actor in a cluster of so many: the xxh3 hash of its id, modulo the count. 0 if there are none.
#[must_use]
pub fn shard_of(actor: &ActorId, shards: u16) -> ShardId {
    let number = xxh3_64(actor.as_str().as_bytes()).checked_rem(u64::from(shards)).unwrap_or(0);
    ShardId(u16::try_from(number).unwrap_or(0))
}

/// The node that acts for each shard, as far as is known; `None` where there is none.
///
/// For many readers, on the path of every command: a look-up takes no lock and writes nothing, so readers are not in each
/// other's way. Only who looks up a shard at the very moment when it changes waits for that.
///
/// ```
/// use aether_cluster::{Incarnation, ShardTable, shard_of};
/// use aether_core::ActorId;
///
/// let table = ShardTable::new(1024);
/// let order = ActorId::new("order-123")?;
/// assert_eq!(table.of(&order), None);
///
/// let node = Incarnation::new();
/// table.set(shard_of(&order, 1024), Some(node));
/// assert_eq!(table.of(&order), Some(node));
/// # Ok::<(), aether_core::InvalidActorId>(())
/// ```
pub struct ShardTable {
    shards: u16,
    places: Box<[Place]>,
    /// Held while places are written.
    writing: Mutex<()>,
}

/// An owner that is written in two halves. Whoever reads the same even count before and after has read both of one time.
#[derive(Default)]
struct Place {
    /// How often a write has begun or ended.
    count: AtomicU64,
    /// The upper and the lower half of an incarnation; both are 0 if there is none.
    halves: [AtomicU64; 2],
}

impl ShardTable {
    /// A table of so many shards, of which none has an owner.
    #[must_use]
    pub fn new(shards: u16) -> Self {
        Self { shards, places: (0..shards).map(|_| Place::default()).collect(), writing: Mutex::new(()) }
    }

    /// Returns the number of shards.
    #[must_use]
    pub fn shards(&self) -> u16 {
        self.shards
    }

    /// Returns the node that acts for the actor.
    #[must_use]
    pub fn of(&self, actor: &ActorId) -> Option<Incarnation> {
        self.get(shard_of(actor, self.shards))
    }

    /// Returns the node that acts for the shard; `None` for a shard that the cluster does not have.
    #[must_use]
    pub fn get(&self, shard: ShardId) -> Option<Incarnation> {
        let place = self.places.get(shard.index())?;
        let owner = place.read().unwrap_or_else(|| {
            let _writing = self.writing.lock();
            place.halves()
        });
        (owner != (0, 0)).then(|| Uuid::from_u64_pair(owner.0, owner.1).into())
    }

    /// Says who acts for the shard. For one that there is not, this does nothing.
    pub fn set(&self, shard: ShardId, owner: Option<Incarnation>) {
        let _writing = self.writing.lock();
        if let Some(place) = self.places.get(shard.index()) {
            place.write(owner);
        }
    }

    /// Says who acts for each shard, from the first one on. Those beyond the end of `owners` have nobody then. Readers see
    /// one shard changed after the other.
    pub fn replace(&self, owners: impl IntoIterator<Item = Option<Incarnation>>) {
        let _writing = self.writing.lock();
        let mut owners = owners.into_iter();
        for place in &self.places {
            place.write(owners.next().flatten());
        }
    }
}

impl Place {
    /// Both halves; `None` if they are being written.
    fn read(&self) -> Option<(u64, u64)> {
        let before = self.count.load(Ordering::Acquire);
        let halves = self.halves();
        (before.is_multiple_of(2) && self.count.load(Ordering::Acquire) == before).then_some(halves)
    }

    fn halves(&self) -> (u64, u64) {
        // Who sees a half as it is written now sees from then on that a write has begun.
        (self.halves[0].load(Ordering::Acquire), self.halves[1].load(Ordering::Acquire))
    }

    /// One at a time.
    fn write(&self, owner: Option<Incarnation>) {
        let owner = owner.map_or((0, 0), |owner| owner.uuid().as_u64_pair());
        if owner == self.halves() {
            return;
        }
        let count = self.count.load(Ordering::Relaxed);
        self.count.store(count.wrapping_add(1), Ordering::Relaxed);
        self.halves[0].store(owner.0, Ordering::Release);
        self.halves[1].store(owner.1, Ordering::Release);
        self.count.store(count.wrapping_add(2), Ordering::Release);
    }
}

impl fmt::Debug for ShardTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShardTable").field("shards", &self.shards).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;

    fn node(n: u128) -> Option<Incarnation> {
        // Torn in the middle, it would be neither of two.
        Some(Uuid::from_u128(n << 64 | n).into())
    }

    #[test]
    fn an_actor_is_where_its_shard_is() {
        let table = ShardTable::new(3);
        let shards = [0, 1, 2, 3].map(ShardId::new);
        table.replace([node(1), None, node(3), node(4)]);
        for n in 0..20 {
            let actor = ActorId::new(format!("order-{n}")).unwrap();
            assert_eq!(table.of(&actor), [node(1), None, node(3)][shard_of(&actor, 3).index()]);
        }
        table.set(shards[1], node(2));
        table.set(shards[3], node(2));
        assert_eq!(shards.map(|shard| table.get(shard)), [node(1), node(2), node(3), None]);
        table.replace([node(5)]);
        assert_eq!(shards.map(|shard| table.get(shard)), [node(5), None, None, None]);
    }

    #[test]
    fn no_owner_is_seen_in_parts() {
        let table = ShardTable::new(2);
        let shard = ShardId::new(1);
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut seen = 0;
                while !done.load(Ordering::Relaxed) {
                    let (upper, lower) = table.get(shard).map_or((0, 0), |owner| owner.uuid().as_u64_pair());
                    assert!(upper == lower && upper >= seen, "{upper} and {lower} after {seen}");
                    seen = upper;
                }
            });
            for n in 1..200_000 {
                table.set(shard, node(n));
            }
            done.store(true, Ordering::Relaxed);
            assert!(reader.join().is_ok());
        });
        assert_eq!(table.get(shard), node(199_999));
    }
}
