//! [`KeyValue`]: keys that are written by compare-and-set, and [`Leases`]: keys that expire.

use std::fmt;
use std::time::Duration;

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

/// Keys with a time to live: whoever wrote one and has come to harm does not keep it.
///
/// # The contract
/// That of [`KeyValue`] holds for these writes too. Beyond it:
/// - A lease that was acknowledged is there for its time to live at least, counted from the beginning of the call, unless
///   it is written again or deleted; after that it goes by itself, within about a second more. Each write has a time of its
///   own: nothing is left of the one before it, and nothing of a key that was deleted or has expired.
/// - A [`put`](KeyValue::put) over a lease makes it a key that stays.
/// - Time is that of the servers' wall clocks. A clock that is set forward, or another server that takes over and whose
///   clock is ahead, ends leases earlier by that much.
/// - That a lease has expired is not told to those who [watch](KeyValue::watch).
#[async_trait]
pub trait Leases: KeyValue {
    /// Writes the key for a time, if the condition holds. To keep it for longer is to write it again.
    ///
    /// `ttl` is in whole seconds, one or more.
    ///
    /// # Errors
    /// [`CoordinationError::Conflict`] if the condition does not hold; [`CoordinationError::Refused`] as
    /// [`check_leases`](Self::check_leases), and if `ttl` is not in whole seconds.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it open whether the write stands.
    async fn lease(
        &self,
        key: &Key,
        value: Bytes,
        condition: Condition,
        ttl: Duration,
    ) -> Result<Revision, CoordinationError>;

    /// Whether leases can be kept here, for those who would rather know before they need one.
    ///
    /// # Errors
    /// [`CoordinationError::Refused`] if not, with what to do about it.
    async fn check_leases(&self) -> Result<(), CoordinationError>;
}

/// The time to live in the seconds that servers count in: they would cut off fractions in silence.
pub(crate) fn whole_seconds(ttl: Duration) -> Result<u64, CoordinationError> {
    if ttl.as_secs() == 0 || ttl.subsec_nanos() != 0 {
        return Err(CoordinationError::Refused(format!(
            "a lease lives for whole seconds, one or more: {ttl:?} will not do"
        )));
    }
    Ok(ttl.as_secs())
}
