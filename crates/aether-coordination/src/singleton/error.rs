//! [`SingletonError`]: why a process is not a candidate.

use std::sync::Arc;

use crate::CoordinationError;

/// Why a process is not, or is no longer, a candidate for a singleton.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SingletonError {
    /// Options that do not go together.
    #[error("invalid `{option}`: {problem}")]
    Invalid {
        /// Which option is to be changed.
        option: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The key cannot be watched or leased.
    #[error("cannot be a candidate")]
    Coordination(#[source] Arc<CoordinationError>),
    /// The candidate has ended without a reason of its own: its runtime was shut down, or it has a defect.
    #[error("the candidate has ended; join again")]
    Ended,
}

impl SingletonError {
    /// Whether joining again, later, may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Invalid { .. } => false,
            Self::Coordination(error) => error.is_retryable(),
            Self::Ended => true,
        }
    }

    /// Whether options do not go together.
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        matches!(self, Self::Invalid { .. })
    }
}

impl From<CoordinationError> for SingletonError {
    fn from(error: CoordinationError) -> Self {
        Self::Coordination(Arc::new(error))
    }
}
