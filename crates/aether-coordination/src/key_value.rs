//! [`KeyValue`]: keys that are written by compare-and-set.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::stream::BoxStream;

use crate::{CoordinationError, Key};

/// Where a key was in the history of its bucket when it was written; it only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Revision(u64);

impl Revision {
    /// For implementations: the revision of this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number: no two writes of a bucket have the same, and later ones have higher ones. It serves as an epoch.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a write expects of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// That it is not there: never written, or deleted.
    Absent,
    /// That its last write is this one.
    At(Revision),
}

impl From<Option<Revision>> for Condition {
    fn from(revision: Option<Revision>) -> Self {
        revision.map_or(Self::Absent, Self::At)
    }
}

/// A key that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// What was written last.
    pub value: Bytes,
    /// That write.
    pub revision: Revision,
}

impl Entry {
    /// For implementations.
    #[must_use]
    pub fn new(key: Key, value: Bytes, revision: Revision) -> Self {
        Self { key, value, revision }
    }
}

/// That a key was written or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// It was written.
    Put(Entry),
    /// It was deleted.
    Deleted(Key),
}

impl Change {
    /// The key that has changed.
    #[must_use]
    pub fn key(&self) -> &Key {
        match self {
            Self::Put(entry) => &entry.key,
            Self::Deleted(key) => key,
        }
    }
}

/// Changes, as they come.
pub type Changes = BoxStream<'static, Change>;

/// Keys that are written by compare-and-set only.
///
/// # The contract
/// - A write is acknowledged only if it stands and its condition held at that moment; no two writes over the same
///   revision both stand, whatever servers fail.
/// - A read that begins after a write was acknowledged may still miss it while servers fail: a read is where a
///   compare-and-set begins, and never a decision.
/// - A write that was sent and not answered is sent again, the same bytes with the same condition, until the deadline of
///   the implementation; only then it is [`UnknownOutcome`](CoordinationError::UnknownOutcome).
#[async_trait]
pub trait KeyValue: fmt::Debug + Send + Sync {
    /// The key's last write that is known, if it is there.
    ///
    /// # Errors
    /// [`CoordinationError`].
    async fn get(&self, key: &Key) -> Result<Option<Entry>, CoordinationError>;

    /// Writes the key if the condition holds.
    ///
    /// # Errors
    /// [`CoordinationError::Conflict`] if it does not.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it open whether the write stands.
    async fn put(&self, key: &Key, value: Bytes, condition: Condition)
    -> Result<Revision, CoordinationError>;

    /// Deletes the key if its last write is this one.
    ///
    /// # Errors
    /// [`CoordinationError::Conflict`] if it is not.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it open whether the key is deleted.
    async fn delete(&self, key: &Key, revision: Revision) -> Result<(), CoordinationError>;

    /// All keys below `prefix` that are there, in the order of their names.
    ///
    /// # Errors
    /// [`CoordinationError`].
    async fn entries(&self, prefix: &Key) -> Result<Vec<Entry>, CoordinationError>;

    /// The changes of keys below `prefix` from now on. A hint: while servers fail some may be missing, and the same may
    /// come twice, so whoever depends on them looks for himself from time to time. It ends with the connection.
    ///
    /// # Errors
    /// [`CoordinationError`].
    async fn watch(&self, prefix: &Key) -> Result<Changes, CoordinationError>;
}
