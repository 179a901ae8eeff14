//! [`Parked`] and [`Letter`]: an actor whose event could not be handled, and what became of it.

use aether_core::{ActorId, Position, Version};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Epoch, Partition};

/// The reason why an actor is parked: the event that could not be handled. What comes later for the actor waits behind
/// it, in the actor's own log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Parked {
    /// The position of the failed event in the store.
    pub position: Position,
    /// The version of the failed event.
    pub version: Version,
    /// The id of the failed event.
    pub event_id: Uuid,
    /// The type of the failed event.
    pub event_type: String,
    /// The cause of the last failure, cut to 500 characters.
    pub error: String,
    /// The number of attempts.
    pub attempts: u32,
    /// The time of parking, by the clock of the member that parked the actor.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// The epoch of the claim by which that member had the partition.
    pub epoch: Epoch,
}

/// The record of an event for which an actor was parked; it stays after the event has been dealt with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Letter {
    /// The actor.
    pub actor: ActorId,
    /// The failure.
    pub parked: Parked,
    /// The outcome so far.
    pub outcome: Outcome,
}

/// The outcome of a failed event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The actor is parked and waits to be resumed.
    Parked,
    /// The event was tried again and has been handled, or has failed once more, for which there is another letter or
    /// this one again as [`Parked`](Self::Parked).
    Resumed {
        /// When, by the clock of the member that did it.
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
    },
    /// The event was left out.
    Skipped {
        /// The reason.
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
    /// The partition of the actor.
    pub partition: Partition,
    /// The reason.
    pub parked: Parked,
}

/// The outcome of resuming an actor.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Resumed {
    /// The waiting events have been handled, and the actor is not parked any more.
    Done,
    /// An event failed again, this one or a later one, and the actor is parked for it. What came before it has been
    /// handled.
    ParkedAgain(Parked),
}

impl Resumed {
    /// Returns whether the actor is not parked any more.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}
