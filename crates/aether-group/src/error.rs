//! [`GroupError`] and [`LetterError`]: why a member is not at work, and why a parked actor was not dealt with.

use std::time::Duration;

use aether_coordination::CoordinationError;
use aether_core::{ActorId, ReadError, Source};

/// The error of a process that is not, or is no longer, a member of a group.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GroupError {
    /// An option has a value that no group can have.
    #[error("invalid option: {0}")]
    Invalid(&'static str),
    /// The group exists with other settings. All members must have the same, and they stay as they were.
    #[error("group {group:?} has {setting} {theirs}, this member asks for {ours}")]
    Mismatch {
        /// The group.
        group: String,
        /// Which setting.
        setting: &'static str,
        /// What the group has.
        theirs: String,
        /// What this member asks for.
        ours: String,
    },
    /// Something that was written about the group cannot be read.
    #[error("what is kept in key {key} is not a group's")]
    Corrupt {
        /// The key.
        key: String,
        /// Why it cannot be read.
        #[source]
        source: Source,
    },
    /// Keys cannot be read or written.
    #[error(transparent)]
    Coordination(#[from] CoordinationError),
    /// Events cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The member did not come to rest in time. It has been aborted: what it had not released the others take when
    /// they suspect it, and handle again what had no checkpoint.
    #[error("the member has not stopped within {0:?}")]
    StopTimedOut(Duration),
    /// The member's engine has panicked, which is a defect in this crate.
    #[error("the engine of the member has panicked: {0}")]
    Panicked(String),
    /// The member has stopped.
    #[error("the member has stopped")]
    Stopped,
}

impl GroupError {
    /// Returns whether joining again, later, may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Coordination(error) => error.is_retryable(),
            Self::Read(error) => error.is_retryable(),
            Self::StopTimedOut(_) | Self::Panicked(_) | Self::Stopped => true,
            Self::Invalid(_) | Self::Mismatch { .. } | Self::Corrupt { .. } => false,
        }
    }

    /// Returns whether the group exists with other settings.
    #[must_use]
    pub fn is_mismatch(&self) -> bool {
        matches!(self, Self::Mismatch { .. })
    }

    /// Returns whether events that the group has not handled yet are gone from the store.
    #[must_use]
    pub fn is_position_expired(&self) -> bool {
        matches!(self, Self::Read(ReadError::PositionExpired { .. }))
    }
}

/// The error of a request about a parked actor.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LetterError {
    /// No group of this name exists.
    #[error("there is no group {0:?}")]
    NoGroup(String),
    /// The actor is not parked.
    #[error("{0} is not parked")]
    NotParked(ActorId),
    /// Another request for the same actor is still open.
    #[error("another request for {0} is being worked on")]
    Busy(ActorId),
    /// The group has not done it in time: none of its members may be running. The request stands, and will be done.
    #[error("the group has not dealt with {actor} within {within:?}; the request stands")]
    TimedOut {
        /// The actor.
        actor: ActorId,
        /// How long was waited.
        within: Duration,
    },
    /// The actor's queue cannot be read, as part of its history is gone; it stays parked.
    #[error("the queue of {actor} cannot be read, it stays parked: {reason}")]
    QueueUnreadable {
        /// The actor.
        actor: ActorId,
        /// Why, in the words of the member that tried.
        reason: String,
    },
    /// Something that was written about the group cannot be read.
    #[error("what is kept in key {key} is not a group's")]
    Corrupt {
        /// The key.
        key: String,
        /// Why it cannot be read.
        #[source]
        source: Source,
    },
    /// Keys cannot be read or written.
    #[error(transparent)]
    Coordination(#[from] CoordinationError),
    /// Events cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl LetterError {
    /// Returns whether the actor is not parked.
    #[must_use]
    pub fn is_not_parked(&self) -> bool {
        matches!(self, Self::NotParked(_))
    }

    /// Returns whether the request stands although nobody has done it yet.
    #[must_use]
    pub fn is_timed_out(&self) -> bool {
        matches!(self, Self::TimedOut { .. })
    }

    /// Returns whether the same call, later, may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Coordination(error) => error.is_retryable(),
            Self::Read(error) => error.is_retryable(),
            Self::Busy(_) | Self::TimedOut { .. } => true,
            _ => false,
        }
    }
}
