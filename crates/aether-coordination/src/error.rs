//! [`CoordinationError`]: why a key was not read or written, or a signal not sent.

use aether_core::Source;

use crate::{Key, Revision};

/// Why a key was not read or written, or a signal not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoordinationError {
    /// The key is not as the write expected it. Nothing was written.
    #[error("key {key} has changed: {}", current.map_or("it is not there".to_owned(), |current| format!("it is at revision {current}")))]
    Conflict {
        /// The key.
        key: Key,
        /// Where it is now, as far as it is known; `None` if it is not there.
        current: Option<Revision>,
    },
    /// The write may or may not stand. The same write again, with the same condition, is safe and tells.
    #[error("it is unknown whether the write of key {key} stands")]
    UnknownOutcome {
        /// The key.
        key: Key,
        /// Why it is unknown.
        #[source]
        source: Source,
    },
    /// The value or the message is larger than may be sent.
    #[error("{size} bytes are too large, the limit is {limit}")]
    TooLarge {
        /// What it takes, in bytes.
        size: usize,
        /// What may be sent, in bytes.
        limit: usize,
    },
    /// The servers cannot be reached. Nothing was written.
    #[error("the servers are unavailable")]
    Unavailable(#[source] Source),
    /// The credentials do not allow it.
    #[error("permission denied: {operation}")]
    PermissionDenied {
        /// What was not allowed, in the server's words.
        operation: String,
    },
    /// What is there is not what was asked for: another owner's bucket, one that was made anew, one of other settings.
    #[error("{0}")]
    Refused(String),
}

impl CoordinationError {
    /// Whether somebody else has written the key.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }

    /// Whether the same call, later, is safe and may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::UnknownOutcome { .. })
    }
}
