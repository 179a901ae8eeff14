//! [`Chunks`]: slots that many threads use without locks, as many as are asked for.

use std::sync::OnceLock;

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
