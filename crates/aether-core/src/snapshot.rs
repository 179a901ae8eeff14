//! [`ActorSnapshot`] and [`SnapshotStore`]: a shortcut to an actor's state.

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;

use crate::error::SnapshotError;
use crate::payload::{Payload, PayloadError};
use crate::{ActorId, Head, Version};

/// An actor's state after all its events up to a version: state is snapshot plus the events after it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ActorSnapshot {
    /// The actor whose state it is.
    pub actor: ActorId,
    /// The version of the last event that is in the state.
    pub version: Version,
    /// The last commit that is in the state, if it is known: reading goes on from there.
    pub head: Option<Head>,
    /// The state, as its owner wrote it.
    pub state: Payload,
    /// The time at which the snapshot was taken, by the clock of its writer, in UTC.
    pub timestamp: OffsetDateTime,
}

impl ActorSnapshot {
    /// A snapshot of `state` at `version`, as JSON, taken now.
    ///
    /// # Errors
    /// [`PayloadError::NotSerializable`] if serde cannot write the state.
    pub fn new<T: Serialize + ?Sized>(
        actor: &ActorId,
        version: Version,
        state: &T,
    ) -> Result<Self, PayloadError> {
        Ok(Self::of_payload(actor, version, Payload::json(state)?))
    }

    /// A snapshot of a state that is encoded already, taken now.
    #[must_use]
    pub fn of_payload(actor: &ActorId, version: Version, state: Payload) -> Self {
        let timestamp = OffsetDateTime::now_utc();
        Self { actor: actor.clone(), version, head: None, state, timestamp }
    }

    /// The same snapshot, with the last commit that is in its state.
    #[must_use]
    pub fn with_head(mut self, head: Head) -> Self {
        self.head = Some(head);
        self
    }

    /// The same snapshot, taken at another time.
    #[must_use]
    pub fn with_timestamp(mut self, timestamp: OffsetDateTime) -> Self {
        self.timestamp = timestamp.to_offset(time::UtcOffset::UTC);
        self
    }

    /// The state as a value.
    ///
    /// # Errors
    /// As [`Payload::to`].
    pub fn state<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        self.state.to()
    }
}

/// The outcome of saving a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotSaved {
    /// The snapshot is now the actor's latest.
    Stored,
    /// A newer one was there already, and stays.
    Superseded {
        /// The version of the newer one.
        by: Version,
    },
}

/// Keeps the latest snapshot of each actor. Losing every snapshot loses nothing.
#[async_trait]
pub trait SnapshotStore: fmt::Debug + Send + Sync {
    /// Saves a snapshot, unless a newer one is there; one of the same version is replaced.
    ///
    /// # Errors
    /// [`SnapshotError`].
    ///
    /// # Cancel safety
    /// Dropping the future leaves the old snapshot or the new one.
    async fn save_snapshot(&self, snapshot: &ActorSnapshot) -> Result<SnapshotSaved, SnapshotError>;

    /// Loads the actor's latest snapshot. One that cannot be read, or that is ahead of the actor's events, counts as
    /// none.
    ///
    /// # Errors
    /// [`SnapshotError`].
    async fn load_snapshot(&self, actor: &ActorId) -> Result<Option<ActorSnapshot>, SnapshotError>;
}
