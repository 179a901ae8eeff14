//! [`MemoryEventStoreBuilder`]: the options of a store.

use std::sync::Arc;

use aether_core::Clock;

use crate::MemoryEventStore;
use crate::limits::Limits;

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
