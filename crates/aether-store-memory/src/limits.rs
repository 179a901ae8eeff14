//! [`Limits`]: how much the store takes, in one commit and in all.

use std::sync::atomic::{AtomicU64, Ordering};

use aether_core::{Part, SaveError};

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
