//! [`MemoryEventStoreBuilder`], and the limits that it sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aether_core::{Clock, Part, SaveError};

use crate::MemoryEventStore;

/// Says how a [`MemoryEventStore`] is to be.
#[derive(Debug, Clone)]
#[must_use = "a store is made by build()"]
pub struct MemoryEventStoreBuilder {
    clock: Option<Arc<dyn Clock>>,
    max_commit_bytes: usize,
    max_bytes: Option<u64>,
}

impl MemoryEventStoreBuilder {
    /// The default of [`max_commit_bytes`](Self::max_commit_bytes), in bytes: that of a NATS server.
    pub const MAX_COMMIT_BYTES: usize = 1024 * 1024;

    pub(crate) fn new() -> Self {
        Self { clock: None, max_commit_bytes: Self::MAX_COMMIT_BYTES, max_bytes: None }
    }

    /// Sets the clock for `recorded_at` (default: the machine's clock).
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// The largest commit, in bytes: what its events take by [`Event::size`](aether_core::Event::size), and its notes.
    /// Also the largest state of a snapshot. [`MAX_COMMIT_BYTES`](Self::MAX_COMMIT_BYTES), if this is not called.
    pub fn max_commit_bytes(mut self, bytes: usize) -> Self {
        self.max_commit_bytes = bytes;
        self
    }

    /// Limits the size of all commits together, in bytes, counted like
    /// [`max_commit_bytes`](Self::max_commit_bytes). A full store refuses commits with
    /// [`SaveError::StoreFull`](aether_core::SaveError::StoreFull) and keeps what it has. There is no limit, if this is
    /// not called.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Makes the store, empty.
    #[must_use]
    pub fn build(self) -> MemoryEventStore {
        MemoryEventStore::from_parts(self.clock, Limits::new(self.max_commit_bytes, self.max_bytes))
    }
}

/// The limits of a store, and how much of the room is used.
#[derive(Debug)]
pub(crate) struct Limits {
    max_commit_bytes: usize,
    max_bytes: Option<u64>,
    used: AtomicU64,
}

impl Limits {
    pub(crate) fn new(max_commit_bytes: usize, max_bytes: Option<u64>) -> Self {
        Self { max_commit_bytes, max_bytes, used: AtomicU64::new(0) }
    }

    pub(crate) fn max_commit_bytes(&self) -> usize {
        self.max_commit_bytes
    }

    /// The size of a commit, if the store takes one of that size.
    pub(crate) fn check(&self, parts: &[Part<'_>]) -> Result<usize, SaveError> {
        let size = parts.iter().map(size).sum();
        if size > self.max_commit_bytes {
            return Err(SaveError::TooLarge { size, limit: self.max_commit_bytes });
        }
        Ok(size)
    }

    /// Takes the room for a commit; nothing can fail after it.
    pub(crate) fn take(&self, size: usize) -> Result<(), SaveError> {
        let Some(max) = self.max_bytes else { return Ok(()) };
        let more = |used: u64| used.checked_add(size as u64).filter(|used| *used <= max);
        match self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => Ok(()),
            Err(used) => Err(SaveError::StoreFull { reason: format!("{used} of {max} bytes are used") }),
        }
    }
}

fn size(part: &Part<'_>) -> usize {
    part.events().iter().map(|event| event.size()).sum::<usize>() + part.note().map_or(0, <[u8]>::len)
}
