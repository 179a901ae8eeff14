//! [`Order`]: which commit comes after which, over all actors.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::{fmt, hint, thread};

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

/// A value on cache lines of its own: every save writes it, and what is beside it is only read. Fetching its line from
/// another core is what the saves of independent actors cost each other, and all that they do.
#[repr(align(128))]
struct Apart<T>(T);

impl Order {
    pub(crate) fn new() -> Self {
        Self { places: Chunks::new(), begun: Apart(AtomicUsize::new(0)) }
    }

    /// Takes the next place in the order for the commit that is kept, or is about to be kept, at `place`; returns its index.
    pub(crate) fn push(&self, place: Place) -> usize {
        // In one order with the subscriptions that wait: see `Waiting`. It costs no more than any other counting.
        let index = self.begun.0.fetch_add(1, Ordering::SeqCst);
        self.publish(index, place);
        index
    }

    fn publish(&self, index: usize, place: Place) {
        let word = u64::from(place.actor) << 32 | u64::from(place.index);
        // 0 says that there is no place yet; the last word there is can be no place, since no memory holds it.
        self.places.slot(index).store(word + 1, Ordering::Release);
    }

    /// How many commits have an index: all that were acknowledged before this call, and maybe some whose writers are still
    /// at it.
    pub(crate) fn len(&self) -> usize {
        self.begun.0.load(Ordering::SeqCst)
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

/// Slots in a chunk: the unit in which the list grows, so that nobody ever waits while what is there is moved.
const CHUNK: usize = 1024;
/// Level `n` of the directory holds `2^n` chunks: room for more slots than any memory has.
const LEVELS: usize = 40;

type Chunk<S> = OnceLock<Box<[S]>>;
type Level<S> = OnceLock<Box<[Chunk<S>]>>;

/// An endless list of slots, each made when its chunk is first asked for. A slot stays where it is.
pub(crate) struct Chunks<S> {
    directory: [Level<S>; LEVELS],
}

impl<S: Default> Chunks<S> {
    pub(crate) fn new() -> Self {
        Self { directory: [const { OnceLock::new() }; LEVELS] }
    }

    pub(crate) fn slot(&self, index: usize) -> &S {
        let chunk = index / CHUNK + 1;
        let level = chunk.ilog2();
        let first = 1 << level;
        let chunks = self.directory[level as usize].get_or_init(|| defaults(first));
        &chunks[chunk - first].get_or_init(|| defaults(CHUNK))[index % CHUNK]
    }
}

fn defaults<T: Default>(count: usize) -> Box<[T]> {
    std::iter::repeat_with(T::default).take(count).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    const fn place(actor: u32, index: u32) -> Place {
        Place { actor, index }
    }

    #[test]
    fn a_place_comes_back_as_it_was() {
        let order = Order::new();
        let places = [place(0, 0), place(0, 1), place(1, 0), place(7, u32::MAX), place(u32::MAX, 0)];
        for (index, place) in places.into_iter().enumerate() {
            assert_eq!(order.push(place), index);
        }
        let read: Vec<_> = (0..order.len()).map(|index| order.get(index)).collect();
        assert_eq!(read, places);
    }

    #[test]
    fn every_index_is_handed_out_once() {
        const THREADS: u32 = 4;
        const EACH: u32 = 10_000;
        let order = Order::new();
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let order = &order;
                scope.spawn(move || {
                    for n in 0..EACH {
                        let index = order.push(place(thread, n));
                        assert_eq!(order.get(index), place(thread, n));
                    }
                });
            }
        });
        let mut next = [0; THREADS as usize];
        for index in 0..order.len() {
            let Place { actor, index } = order.get(index);
            assert_eq!(index, next[actor as usize], "what comes later has a higher index");
            next[actor as usize] += 1;
        }
        assert_eq!(next, [EACH; THREADS as usize]);
    }

    #[test]
    fn a_reader_waits_for_a_writer_that_has_begun() {
        let order = Order::new();
        let slow = order.begun.0.fetch_add(1, Ordering::Relaxed);
        order.push(place(2, 0));
        thread::scope(|scope| {
            let reader = scope.spawn(|| (0..order.len()).map(|index| order.get(index)).collect::<Vec<_>>());
            assert!(!reader.is_finished());
            order.publish(slow, place(1, 0));
            assert_eq!(reader.join().unwrap(), [place(1, 0), place(2, 0)]);
        });
    }

    #[test]
    fn every_index_has_a_slot_of_its_own_for_all_threads() {
        const SLOTS: usize = 9 * CHUNK;
        let chunks: Chunks<AtomicUsize> = Chunks::new();
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for index in 0..SLOTS {
                        chunks.slot(index).fetch_add(index, Ordering::Relaxed);
                    }
                });
            }
        });
        assert!((0..SLOTS).all(|index| chunks.slot(index).load(Ordering::Relaxed) == 3 * index));
    }
}
