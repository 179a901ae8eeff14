//! [`ShardTable`]: who acts for an actor, looked up in a table.

use std::sync::Arc;

use aether_core::ActorId;
use arc_swap::ArcSwap;

use crate::{ShardId, shard_of};

/// For each shard whatever one wants to know of its owner; `None` where there is none. Read by many, on the path of every
/// command, and replaced as a whole now and then: readers never wait, not even for a replacement, and see all of the old
/// table or all of the new one.
///
/// ```
/// use aether_cluster::{ShardTable, shard_of};
/// use aether_core::ActorId;
///
/// let table = ShardTable::new(1024);
/// let order = ActorId::new("order-123")?;
/// assert_eq!(table.of(&order), None);
///
/// let mut owners = vec![None; 1024];
/// owners[shard_of(&order, 1024).index()] = Some("node-a");
/// table.replace(owners);
/// assert_eq!(table.of(&order), Some("node-a"));
/// # Ok::<(), aether_core::InvalidActorId>(())
/// ```
#[derive(Debug)]
pub struct ShardTable<T> {
    shards: u16,
    owners: ArcSwap<Vec<Option<T>>>,
}

impl<T: Clone> ShardTable<T> {
    /// A table of so many shards, of which none has an owner.
    #[must_use]
    pub fn new(shards: u16) -> Self {
        Self { shards, owners: ArcSwap::from_pointee(vec![None; usize::from(shards)]) }
    }

    /// How many shards there are.
    #[must_use]
    pub fn shards(&self) -> u16 {
        self.shards
    }

    /// The owner of the actor's shard.
    #[must_use]
    pub fn of(&self, actor: &ActorId) -> Option<T> {
        self.get(shard_of(actor, self.shards))
    }

    /// The owner of a shard.
    #[must_use]
    pub fn get(&self, shard: ShardId) -> Option<T> {
        self.owners.load().get(shard.index()).cloned().flatten()
    }

    /// The whole table as it is now.
    #[must_use]
    pub fn all(&self) -> Arc<Vec<Option<T>>> {
        self.owners.load_full()
    }

    /// Replaces the table. Shards that are not listed have no owner then; what is beyond the shards is of no meaning.
    pub fn replace(&self, owners: Vec<Option<T>>) {
        self.owners.store(Arc::new(owners));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn an_actor_is_where_its_shard_is() {
        let table = ShardTable::new(3);
        table.replace(vec![Some('a'), None, Some('c'), Some('d')]);
        for n in 0..20 {
            let actor = ActorId::new(format!("order-{n}")).unwrap();
            let expected = [Some('a'), None, Some('c')][shard_of(&actor, 3).index()];
            assert_eq!(table.of(&actor), expected);
        }
        table.replace(vec![Some('e')]);
        assert_eq!([0, 1, 2].map(|shard| table.get(ShardId::new(shard))), [Some('e'), None, None]);
        assert_eq!(*table.all(), [Some('e')]);
    }

    #[test]
    fn readers_see_one_table_or_the_other() {
        let table = ShardTable::new(64);
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut seen = 0;
                while !done.load(Ordering::Relaxed) {
                    let all = table.all();
                    assert!(all.iter().all(|owner| *owner == all[0]));
                    let now = table.get(ShardId::new(7)).unwrap_or(0);
                    assert!(now >= all[0].unwrap_or(0) && now >= seen, "it went back");
                    seen = now;
                }
            });
            for version in 1..2_000_u32 {
                table.replace(vec![Some(version); 64]);
            }
            done.store(true, Ordering::Relaxed);
            assert!(reader.join().is_ok());
        });
        assert_eq!(table.get(ShardId::new(7)), Some(1_999));
    }
}
