//! [`StoreStats`]: what a store has done so far.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a store has done since it was opened. All are counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct StoreStats {
    /// Commits that stand.
    pub saves: u64,
    /// Commits that were refused with a version conflict.
    pub conflicts: u64,
    /// Messages that were sent again.
    pub retries: u64,
    /// Saves of which at least one attempt was left without an answer.
    pub unknown: u64,
    /// Of those, the saves whose outcome was found out.
    pub resolved: u64,
    /// Saves that knew where their actor stands.
    pub cache_hits: u64,
    /// Saves that had to ask where their actor stands.
    pub cache_misses: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) saves: Counter,
    pub(crate) conflicts: Counter,
    pub(crate) retries: Counter,
    pub(crate) unknown: Counter,
    pub(crate) resolved: Counter,
    pub(crate) cache_hits: Counter,
    pub(crate) cache_misses: Counter,
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(crate) fn stats(&self) -> StoreStats {
        StoreStats {
            saves: self.saves.get(),
            conflicts: self.conflicts.get(),
            retries: self.retries.get(),
            unknown: self.unknown.get(),
            resolved: self.resolved.get(),
            cache_hits: self.cache_hits.get(),
            cache_misses: self.cache_misses.get(),
        }
    }
}
