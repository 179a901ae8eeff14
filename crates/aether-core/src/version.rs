//! [`Version`]: where an actor stands in its own sequence of events.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A place in one actor's sequence of events. 0 means that there are no events; the first event has at
/// least 1, and gaps are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(u64);

impl Version {
    /// The version of an actor without events.
    pub const ZERO: Self = Self(0);
    /// The highest version there can be.
    pub const MAX: Self = Self(u64::MAX);

    /// Returns the version with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number of this version.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the version that follows without a gap; [`Version::MAX`] returns itself.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Returns whether this is the version of an actor without events.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<u64> for Version {
    fn from(number: u64) -> Self {
        Self(number)
    }
}
