//! What can go wrong, by operation. Every error says what to do next by its kind, and keeps its source.

mod invalid;

use std::error::Error;

use crate::{ActorId, Position, Version};

pub use invalid::{InvalidEvent, Rule};

/// The cause of an error, of whatever kind.
pub type Source = Box<dyn Error + Send + Sync>;

/// A save that came too late: what it expected is not, or is no longer, so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("version conflict: {actor} is at version {current}, version {attempted} was attempted")]
#[non_exhaustive]
pub struct VersionConflict {
    /// The actor.
    pub actor: ActorId,
    /// The version that the actor is at.
    pub current: Version,
    /// The first version that was to be saved; of a commit without events, the version it was decided at.
    pub attempted: Version,
}

impl VersionConflict {
    /// Returns, for stores, a conflict of `attempted` with `current`.
    #[must_use]
    pub fn new(actor: ActorId, current: Version, attempted: Version) -> Self {
        Self { actor, current, attempted }
    }
}

/// A part of an actor's history is not there any more: expired by age, or lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the history of {actor} is incomplete: {}", match first_available {
    Some(version) => format!("it can be read from version {version} on"),
    None => "none of it can be read".to_owned(),
})]
#[non_exhaustive]
pub struct HistoryIncomplete {
    /// The actor.
    pub actor: ActorId,
    /// The version from which reading works, when asked for; `None` if nothing can be read.
    pub first_available: Option<Version>,
}

impl HistoryIncomplete {
    /// Returns, for stores, the error for an actor of which only some events can still be read.
    #[must_use]
    pub fn new(actor: ActorId, first_available: Option<Version>) -> Self {
        Self { actor, first_available }
    }
}

/// A store cannot do something at all, until its server is changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{feature} needs {needs}")]
#[non_exhaustive]
pub struct Unsupported {
    /// The missing feature.
    pub feature: &'static str,
    /// The server or the setting that provides the feature.
    pub needs: &'static str,
}

impl Unsupported {
    /// Returns, for stores, the error for a `feature` that requires `needs`.
    #[must_use]
    pub fn new(feature: &'static str, needs: &'static str) -> Self {
        Self { feature, needs }
    }
}

/// The reason why a commit was not saved, or may not have been saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SaveError {
    /// Somebody else was faster. Load the actor again, decide again, save again.
    #[error(transparent)]
    VersionConflict(#[from] VersionConflict),
    /// The commit breaks a rule that holds whatever is stored. Nothing was sent.
    #[error(transparent)]
    Invalid(#[from] InvalidEvent),
    /// The commit is larger than the store takes. Nothing was sent.
    #[error(
        "the commit takes {size} bytes, the limit is {limit}; split it, or keep large data elsewhere and save a reference"
    )]
    TooLarge {
        /// The size of the commit, in bytes.
        size: usize,
        /// The limit of the store, in bytes.
        limit: usize,
    },
    /// The store is full and refuses new commits; nothing that it holds is lost.
    #[error("the store is full ({reason}); nothing was saved and nothing was dropped; give it more room")]
    StoreFull {
        /// The limit that is reached, in the store's words.
        reason: String,
    },
    /// The actor's history, which has to be known for this save, is incomplete.
    #[error(transparent)]
    HistoryIncomplete(#[from] HistoryIncomplete),
    /// It is unknown whether the commit was saved. Save the same events again: a commit that stands already is
    /// recognised and not stored twice.
    #[error(
        "the outcome of the save is unknown: the store could not be asked until the deadline; saving the same events again is safe"
    )]
    UnknownOutcome(#[source] Source),
    /// The store cannot be reached. Nothing was saved.
    #[error("the store is unavailable; nothing was saved")]
    Unavailable(#[source] Source),
    /// The credentials do not allow it.
    #[error("permission denied: {operation}")]
    PermissionDenied {
        /// The operation that was not allowed, in the store's words.
        operation: String,
    },
    /// The store cannot do this.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// Something in the store is not what a store of Aether's holds.
    #[error("the store holds something that cannot be read: {what}")]
    Corrupt {
        /// The damaged item and its place.
        what: String,
        /// The reason why it cannot be read.
        #[source]
        source: Option<Source>,
    },
}

impl SaveError {
    /// Returns whether the commit conflicts with one of another writer.
    #[must_use]
    pub fn is_version_conflict(&self) -> bool {
        matches!(self, Self::VersionConflict(_))
    }

    /// Returns whether saving the same commit again, later, is safe and may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::UnknownOutcome(_))
    }

    /// The conflict, if it is one.
    #[must_use]
    pub fn version_conflict(&self) -> Option<&VersionConflict> {
        match self {
            Self::VersionConflict(conflict) => Some(conflict),
            _ => None,
        }
    }
}

impl From<ReadError> for SaveError {
    /// A read that a save needed has failed; nothing was saved.
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::HistoryIncomplete(incomplete) => Self::HistoryIncomplete(incomplete),
            ReadError::Unavailable(source) => Self::Unavailable(source),
            ReadError::PermissionDenied { operation } => Self::PermissionDenied { operation },
            ReadError::Unsupported(unsupported) => Self::Unsupported(unsupported),
            ReadError::Corrupt { what, source } => Self::Corrupt { what, source },
            expired @ ReadError::PositionExpired { .. } => Self::Unavailable(expired.into()),
        }
    }
}

/// The reason why events could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A part of the actor's history is not there any more.
    #[error(transparent)]
    HistoryIncomplete(#[from] HistoryIncomplete),
    /// Events after this position are not there any more, so reading on from it would skip them.
    #[error("events after position {position} have expired; the store now begins after {first_available}")]
    PositionExpired {
        /// The position after which reading was to continue.
        position: Position,
        /// The position to read after, to get what is left.
        first_available: Position,
    },
    /// The store cannot be reached.
    #[error("the store is unavailable")]
    Unavailable(#[source] Source),
    /// The credentials do not allow it.
    #[error("permission denied: {operation}")]
    PermissionDenied {
        /// The operation that was not allowed, in the store's words.
        operation: String,
    },
    /// The store cannot do this.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// Something in the store is not what a store of Aether's holds.
    #[error("the store holds something that cannot be read: {what}")]
    Corrupt {
        /// The damaged item and its place.
        what: String,
        /// The reason why it cannot be read.
        #[source]
        source: Option<Source>,
    },
}

impl ReadError {
    /// Returns whether reading again, later, may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// The reason why a snapshot was not saved or loaded. No data is lost: the events are still there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The snapshot is larger than the store takes. Nothing was sent.
    #[error("the snapshot takes {size} bytes, the limit is {limit}")]
    TooLarge {
        /// The size of the snapshot, in bytes.
        size: usize,
        /// The limit of the store, in bytes.
        limit: usize,
    },
    /// The store is full.
    #[error("the store is full ({reason}); the snapshot was not saved")]
    StoreFull {
        /// The limit that is reached, in the store's words.
        reason: String,
    },
    /// The store cannot be reached. A snapshot that was to be saved may or may not stand; saving again is safe.
    #[error("the snapshot store is unavailable")]
    Unavailable(#[source] Source),
    /// The credentials do not allow it.
    #[error("permission denied: {operation}")]
    PermissionDenied {
        /// The operation that was not allowed, in the store's words.
        operation: String,
    },
}

impl SnapshotError {
    /// Returns whether the same call, later, may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_names_actor_and_versions() {
        let actor = ActorId::new("order-1").unwrap();
        let error: SaveError = VersionConflict::new(actor, Version::new(7), Version::new(5)).into();
        assert!(error.is_version_conflict() && !error.is_retryable());
        assert_eq!(error.to_string(), "version conflict: order-1 is at version 7, version 5 was attempted");
    }

    #[test]
    fn an_incomplete_history_says_from_where_it_can_be_read() {
        let actor = ActorId::new("order-1").unwrap();
        let some = HistoryIncomplete::new(actor.clone(), Some(Version::new(4)));
        assert_eq!(
            some.to_string(),
            "the history of order-1 is incomplete: it can be read from version 4 on"
        );
        assert!(HistoryIncomplete::new(actor, None).to_string().ends_with("none of it can be read"));
    }
}
