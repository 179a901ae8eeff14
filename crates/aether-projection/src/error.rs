//! [`ProjectionError`]: why a projection does not run, or cannot be read.

use std::sync::Arc;
use std::time::Duration;

use aether_coordination::CoordinationError;
use aether_core::{Position, ReadError, Source};
use aether_group::GroupError;

/// The error of a projection that does not run, or cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectionError {
    /// The group that it runs as has failed, or could not be joined.
    #[error(transparent)]
    Group(Arc<GroupError>),
    /// The views have not come to a position in time. They may still do so.
    #[error("the views have not come to position {position} within {waited:?}")]
    TimedOut {
        /// The position.
        position: Position,
        /// How long was waited.
        waited: Duration,
    },
    /// Keys cannot be read or written.
    #[error(transparent)]
    Coordination(#[from] CoordinationError),
    /// Events cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A view cannot be read: it is of another type.
    #[error("view {key:?} cannot be read")]
    Corrupt {
        /// The key of the view.
        key: String,
        /// Why.
        #[source]
        source: Source,
    },
    /// Another version is being built, and only one can be at a time.
    #[error("version {building} of projection {name:?} is being built, version {refused} has to wait for it")]
    AlreadyRebuilding {
        /// The projection.
        name: String,
        /// The version that is being built.
        building: u32,
        /// The version that was refused.
        refused: u32,
    },
    /// The version is not newer than the one that is read, or the projection is another one.
    #[error("projection {name:?} cannot be rebuilt as this: {reason}")]
    NotARebuild {
        /// The projection.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ProjectionError {
    /// Returns whether it only took too long.
    #[must_use]
    pub fn is_timed_out(&self) -> bool {
        matches!(self, Self::TimedOut { .. })
    }

    /// Returns whether another version is being built.
    #[must_use]
    pub fn is_already_rebuilding(&self) -> bool {
        matches!(self, Self::AlreadyRebuilding { .. })
    }

    /// Returns whether the same call, later, may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Group(error) => error.is_retryable(),
            Self::Coordination(error) => error.is_retryable(),
            Self::Read(error) => error.is_retryable(),
            Self::TimedOut { .. } | Self::AlreadyRebuilding { .. } => true,
            Self::Corrupt { .. } | Self::NotARebuild { .. } => false,
        }
    }
}

impl From<GroupError> for ProjectionError {
    fn from(error: GroupError) -> Self {
        Self::Group(Arc::new(error))
    }
}

impl From<Arc<GroupError>> for ProjectionError {
    fn from(error: Arc<GroupError>) -> Self {
        Self::Group(error)
    }
}
