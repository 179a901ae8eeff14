//! [`EventStoreExt`]: the common cases in one call.

use async_trait::async_trait;

use crate::error::{ReadError, SaveError};
use crate::{ActorId, Commit, Event, EventStore, Expected, Saved, Version};

/// Sugar over [`EventStore`], for every store and every `dyn EventStore`.
#[async_trait]
pub trait EventStoreExt: EventStore {
    /// Saves one event by the plain version rule.
    ///
    /// # Errors
    /// As [`EventStore::save`].
    async fn save_event(&self, event: &Event) -> Result<Saved, SaveError> {
        self.save(&Commit::event(event)).await
    }

    /// Saves several events, all or nothing, by the plain version rule.
    ///
    /// # Errors
    /// As [`EventStore::save`].
    async fn save_events(&self, events: &[Event]) -> Result<Saved, SaveError> {
        self.save(&Commit::events(events)).await
    }

    /// Saves several events, all or nothing, if the first one's actor is as `expected`.
    ///
    /// # Errors
    /// As [`EventStore::save`].
    async fn save_expecting(&self, events: &[Event], expected: Expected) -> Result<Saved, SaveError> {
        self.save(&Commit::events(events).expecting(expected)).await
    }

    /// The actor's latest version; [`Version::ZERO`] if it has no events.
    ///
    /// # Errors
    /// As [`EventStore::get_head`].
    async fn get_latest_version(&self, actor: &ActorId) -> Result<Version, ReadError> {
        Ok(self.get_head(actor).await?.version())
    }
}

impl<S: EventStore + ?Sized> EventStoreExt for S {}
