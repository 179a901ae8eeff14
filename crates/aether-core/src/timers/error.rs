//! What can be wrong with a timer, and what can go wrong with timers.

use time::OffsetDateTime;

use super::{Timer, TimerId};
use crate::error::{Source, Unsupported};

/// The reason why a value is not a [`Timer`] or a [`TimerId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTimer {
    /// The name has no characters.
    #[error("a timer needs a name")]
    EmptyName,
    /// The name would make too long a subject.
    #[error(
        "the name of a timer may take {} bytes when encoded (every byte outside [A-Za-z0-9_-] takes three), this one takes {encoded}",
        TimerId::MAX_ENCODED_NAME
    )]
    NameTooLong {
        /// The length of the encoded name, in bytes.
        encoded: usize,
    },
    /// The time is later than any server can count.
    #[error("a timer may be set to {} at the latest, not to {at}", Timer::LATEST)]
    TooFarAhead {
        /// The time.
        at: OffsetDateTime,
    },
}

/// The reason why a timer was not set, cancelled, handed out or acknowledged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TimerError {
    /// The payload is larger than the store takes. Nothing was sent.
    #[error(
        "the timer takes {size} bytes, the limit is {limit}; keep large data elsewhere and set a reference"
    )]
    TooLarge {
        /// The size of the timer, in bytes.
        size: usize,
        /// The limit of the store, in bytes.
        limit: usize,
    },
    /// The store is full.
    #[error(
        "the store is full ({reason}); the timer was not set and no other was dropped; give it more room"
    )]
    StoreFull {
        /// The limit that is reached, in the store's words.
        reason: String,
    },
    /// The store cannot be reached. What was to be done may or may not have been; doing it again is safe.
    #[error("the timers are unavailable; it is not known whether this was done, and doing it again is safe")]
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
}

impl TimerError {
    /// Returns whether the same call, later, is safe and may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::StoreFull { .. })
    }

    /// Returns whether the store cannot have timers until its server is changed.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        matches!(self, Self::Unsupported(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_whether_to_try_again() {
        assert!(TimerError::Unavailable("gone".into()).is_retryable());
        assert!(TimerError::StoreFull { reason: "maximum bytes exceeded".into() }.is_retryable());
        let unsupported = TimerError::from(Unsupported::new("timers", "another server"));
        assert!(unsupported.is_unsupported() && !unsupported.is_retryable());
        assert!(!TimerError::TooLarge { size: 2, limit: 1 }.is_retryable());
    }
}
