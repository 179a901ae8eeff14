//! [`Log`]: a list that many threads append to and read without locks.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Entries in a chunk: the unit in which the log grows, so that no append ever pays for moving what is there.
const CHUNK: usize = 1024;
/// Level `n` of the directory holds `2^n` chunks: room for more entries than any memory has.
const LEVELS: usize = 40;

type Slot<T> = OnceLock<T>;
type Chunk<T> = OnceLock<Box<[Slot<T>]>>;
type Level<T> = OnceLock<Box<[Chunk<T>]>>;

/// An append-only list. What is appended stays where it is.
pub(crate) struct Log<T> {
    directory: [Level<T>; LEVELS],
    reserved: Apart<AtomicUsize>,
}

/// A value on cache lines of its own: every append writes it, and everything else here is only read.
#[repr(align(128))]
struct Apart<T>(T);

impl<T> Log<T> {
    pub(crate) fn new() -> Self {
        Self { directory: [const { OnceLock::new() }; LEVELS], reserved: Apart(AtomicUsize::new(0)) }
    }

    /// Appends; returns the index.
    pub(crate) fn push(&self, value: T) -> usize {
        // Relaxed: the counter only hands out places; the slot itself publishes the value.
        let index = self.reserved.0.fetch_add(1, Ordering::Relaxed);
        let stored = self.slot(index).set(value);
        debug_assert!(stored.is_ok(), "an index is handed out once");
        index
    }

    /// How many entries were begun: all that were appended before this call, and maybe some whose writers are still
    /// at it.
    pub(crate) fn len(&self) -> usize {
        self.reserved.0.load(Ordering::Relaxed)
    }

    /// The entry at an index below [`len`](Self::len). If its writer is still at it, waits for the few instructions
    /// that this takes: whoever reads in order must not pass over it.
    pub(crate) fn get(&self, index: usize) -> &T {
        self.slot(index).wait()
    }

    fn slot(&self, index: usize) -> &Slot<T> {
        let chunk = index / CHUNK + 1;
        let level = chunk.ilog2();
        let first = 1 << level;
        let chunks = self.directory[level as usize].get_or_init(|| empty(first));
        &chunks[chunk - first].get_or_init(|| empty(CHUNK))[index % CHUNK]
    }
}

fn empty<T>(count: usize) -> Box<[OnceLock<T>]> {
    std::iter::repeat_with(OnceLock::new).take(count).collect()
}

impl<T> fmt::Debug for Log<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn every_index_is_handed_out_once_and_keeps_its_value() {
        const THREADS: usize = 4;
        const EACH: usize = 5 * CHUNK;
        let log = Log::new();
        let places: Vec<(usize, usize)> = thread::scope(|scope| {
            let write = |thread| {
                let log = &log;
                move || (0..EACH).map(|i| thread * EACH + i).map(|v| (log.push(v), v)).collect::<Vec<_>>()
            };
            let writers: Vec<_> = (0..THREADS).map(|thread| scope.spawn(write(thread))).collect();
            writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
        });
        assert_eq!(log.len(), THREADS * EACH);
        assert!(places.iter().all(|&(index, value)| *log.get(index) == value));
        let mut values: Vec<_> = (0..log.len()).map(|index| *log.get(index)).collect();
        values.sort_unstable();
        assert_eq!(values, (0..THREADS * EACH).collect::<Vec<_>>());
    }

    #[test]
    fn a_reader_waits_for_a_writer_that_has_begun() {
        let log = Log::new();
        log.reserved.0.store(1, Ordering::Relaxed);
        thread::scope(|scope| {
            let reader = scope.spawn(|| *log.get(0));
            assert!(!reader.is_finished());
            log.slot(0).set(7).unwrap();
            assert_eq!(reader.join().unwrap(), 7);
        });
    }
}
