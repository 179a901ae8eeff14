//! What can go wrong on a bus.

use aether_core::{InvalidEvent, Source};

/// Why an event was not published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The event is larger than the network takes.
    #[error("the event takes {size} bytes, the limit is {limit}; publish a reference to large data instead")]
    TooLarge {
        /// What it takes, in bytes.
        size: usize,
        /// What the network takes, in bytes.
        limit: usize,
    },
    /// The event breaks a rule of events.
    #[error(transparent)]
    Invalid(#[from] InvalidEvent),
    /// The network did not take the event in time.
    #[error("the network did not take the event in time; publish it again")]
    Unavailable(#[source] Source),
    /// The connection is closed for good.
    #[error("the connection is closed; open the bus anew on another")]
    Closed,
}

impl PublishError {
    /// Whether the event is too large.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::TooLarge { .. })
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Whether no call on this bus can succeed any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }
}

/// Why nobody was subscribed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The network did not confirm the subscription in time.
    #[error("the subscription to {pattern} was not confirmed in time; subscribe again")]
    Unavailable {
        /// What was to be subscribed to.
        pattern: String,
        /// What was in the way.
        #[source]
        source: Source,
    },
    /// The bus, or its connection, is closed for good.
    #[error("the bus is closed; open it anew")]
    Closed,
}

impl SubscribeError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// Whether no call on this bus can succeed any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }
}
