//! [`Version`], [`Position`] and [`Head`]: places in the sequence of an actor, and in that of a store.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

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

/// The place of an event among all events of its store. Opaque: positions have gaps, and only order and
/// equality mean something.
///
/// There is no total order on purpose (`PartialOrd`, not `Ord`): positions order the events of one
/// partition of a store, and a store may come to have several.
///
/// Its text form ([`Display`](fmt::Display), [`FromStr`], serde) is stable, so it can be kept as a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    sequence: u64,
    index: u32,
}

impl Position {
    /// Returns, for stores, the position of the event at `index` of the commit with this sequence number.
    #[must_use]
    pub const fn new(sequence: u64, index: u32) -> Self {
        Self { sequence, index }
    }

    /// Returns, for stores, the sequence number of the commit.
    #[must_use]
    pub const fn sequence(self) -> u64 {
        self.sequence
    }

    /// Returns, for stores, the index of the event in its commit.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.index
    }
}

impl PartialOrd for Position {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some((self.sequence, self.index).cmp(&(other.sequence, other.index)))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.sequence, self.index)
    }
}

/// A text that is not a [`Position`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a position: expected the text that a position was printed as, such as \"17.0\"")]
pub struct InvalidPosition {
    text: String,
}

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let invalid = || InvalidPosition { text: text.to_owned() };
        let (sequence, index) = text.split_once('.').ok_or_else(invalid)?;
        Ok(Self {
            sequence: sequence.parse().map_err(|_| invalid())?,
            index: index.parse().map_err(|_| invalid())?,
        })
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// From where all events are read.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum ReadFrom {
    /// From the first event that is still there.
    #[default]
    Start,
    /// From the event that follows this position.
    After(Position),
}

/// The last commit of one actor, as a load or a save reported it. Opaque.
///
/// Saving with [`Expected::At`](crate::Expected::At) a head means that nothing at all has been committed for
/// the actor since, not even a commit without events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Head {
    sequence: u64,
    version: Version,
}

impl Head {
    /// The head of an actor without commits.
    pub const NONE: Self = Self { sequence: 0, version: Version::ZERO };

    /// Returns, for stores, the head at the commit with this sequence number, after which the actor is at `version`.
    #[must_use]
    pub const fn new(sequence: u64, version: Version) -> Self {
        Self { sequence, version }
    }

    /// Returns, for stores, the sequence number of the commit; 0 if there is none.
    #[must_use]
    pub const fn sequence(self) -> u64 {
        self.sequence
    }

    /// The actor's version after that commit.
    #[must_use]
    pub const fn version(self) -> Version {
        self.version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_its_text_form() {
        let position = Position::new(17, 3);
        assert_eq!(position.to_string().parse(), Ok(position));
        assert!("17".parse::<Position>().is_err());
        assert!(Position::new(17, 3) < Position::new(18, 0));
        assert!(Position::new(17, 3) < Position::new(17, 4));
    }
}
