//! [`Order`]: which commit comes after which, over all actors.

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::{hint, thread};

use crate::chunks::Chunks;

/// How often a reader looks again before it lets other threads run.
const SPINS: usize = 64;

/// Where a commit is kept. Both numbers are of 32 bits: no memory holds more actors, or more commits of one actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    /// The number of its first actor.
    pub(crate) actor: u32,
    /// The index in that actor's log.
    pub(crate) index: u32,
}

/// The places of all commits, in order. A place is a single word, so that publishing it is a single store.
pub(crate) struct Order {
    places: Chunks<AtomicU64>,
    begun: Apart<AtomicUsize>,
}

/// A value on cache lines of its own: every save writes it, and what is beside it is only read.
#[repr(align(128))]
struct Apart<T>(T);

impl Order {
    pub(crate) fn new() -> Self {
        Self { places: Chunks::new(), begun: Apart(AtomicUsize::new(0)) }
    }

    /// Begins the next commit; returns its index. From now on readers wait for its place.
    pub(crate) fn begin(&self) -> usize {
        // Relaxed: the counter only hands out indices. Whoever has heard of a commit counts it already.
        self.begun.0.fetch_add(1, Ordering::Relaxed)
    }

    /// Says where the commit that was begun is kept.
    pub(crate) fn publish(&self, index: usize, place: Place) {
        let word = u64::from(place.actor) << 32 | u64::from(place.index);
        // 0 says that there is no place yet; the last word there is can be no place, since no memory holds it.
        self.places.slot(index).store(word + 1, Ordering::Release);
    }

    /// How many commits were begun: all that were acknowledged before this call, and maybe some whose writers are still at
    /// it.
    pub(crate) fn len(&self) -> usize {
        self.begun.0.load(Ordering::Relaxed)
    }

    /// The place of a commit below [`len`](Self::len). If its writer is still at it, waits for the few instructions that
    /// this takes: whoever reads in order must not pass over it.
    pub(crate) fn get(&self, index: usize) -> Place {
        let slot = self.places.slot(index);
        let mut looked = 0;
        loop {
            if let Some(word) = slot.load(Ordering::Acquire).checked_sub(1) {
                return Place { actor: (word >> 32) as u32, index: word as u32 };
            }
            looked += 1;
            if looked % SPINS == 0 { thread::yield_now() } else { hint::spin_loop() }
        }
    }
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_as_it_was() {
        let order = Order::new();
        let places = [(0, 0), (0, 1), (1, 0), (7, u32::MAX), (u32::MAX, 0)];
        for (actor, index) in places {
            order.publish(order.begin(), Place { actor, index });
        }
        let read: Vec<_> = (0..order.len()).map(|n| order.get(n)).map(|p| (p.actor, p.index)).collect();
        assert_eq!(read, places);
    }

    #[test]
    fn a_reader_waits_for_a_writer_that_has_begun() {
        let order = Order::new();
        let (slow, fast) = (order.begin(), order.begin());
        let place = |actor| Place { actor, index: 0 };
        order.publish(fast, place(2));
        thread::scope(|scope| {
            let reader = scope.spawn(|| (0..order.len()).map(|n| order.get(n)).collect::<Vec<_>>());
            assert!(!reader.is_finished());
            order.publish(slow, place(1));
            assert_eq!(reader.join().unwrap(), [place(1), place(2)]);
        });
    }
}
