//! [`Parked`] and [`Letter`]: an actor whose event could not be handled, and what became of it.

use aether_core::{ActorId, Position, Version};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Epoch, Partition};

/// Why an actor is parked: the event that could not be handled. What comes later for the actor waits behind it, in the
/// actor's own log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Parked {
    /// Where the failed event stands in the store.
    pub position: Position,
    /// Where it stands among the actor's events.
    pub version: Version,
    /// Its id.
    pub event_id: Uuid,
    /// Its type.
    pub event_type: String,
    /// Why it failed the last time, cut to 500 characters.
    pub error: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When the actor was parked, by the clock of the member that parked it.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// As of which claim of its partition.
    pub epoch: Epoch,
}

/// What is kept about an event for which an actor was parked, also after it has been dealt with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Letter {
    /// The actor.
    pub actor: ActorId,
    /// The failure.
    pub parked: Parked,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a failed event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Its actor is parked and waits for somebody to resume it.
    Parked,
    /// It was tried again and has been handled, or has failed once more, for which there is another letter or this one
    /// again as [`Parked`](Self::Parked).
    Resumed {
        /// When, by the clock of the member that did it.
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
    },
    /// It was left out.
    Skipped {
        /// Why.
        reason: String,
        /// Who decided it.
        by: String,
        /// When, by the clock of the member that did it.
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
    },
}

/// An actor that is parked, and where.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ParkedActor {
    /// The actor.
    pub actor: ActorId,
    /// Its partition.
    pub partition: Partition,
    /// Why.
    pub parked: Parked,
}

/// What became of an actor that was to be resumed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Resumed {
    /// What had waited has been handled, and the actor is not parked any more.
    Done,
    /// An event failed again, this one or a later one, and the actor is parked for it. What came before it has been
    /// handled.
    ParkedAgain(Parked),
}

impl Resumed {
    /// Whether the actor is not parked any more.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}
