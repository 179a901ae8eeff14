//! [`EventStoreExt`]: the common cases in one call.

use std::future::Future;

use crate::error::{ReadError, SaveError};
use crate::{ActorId, Commit, Event, EventStore, Expected, Saved, Version};

/// Sugar over [`EventStore`], for every store and every `dyn EventStore`.
pub trait EventStoreExt: EventStore {
    /// Saves one event by the plain version rule.
    ///
    /// # Errors
    /// As [`EventStore::save`].
    fn save_event(&self, event: &Event) -> impl Future<Output = Result<Saved, SaveError>> + Send {
        async move { self.save(&Commit::event(event)).await }
    }

    /// Saves several events, all or nothing, by the plain version rule.
    ///
    /// # Errors
    /// As [`EventStore::save`].
    fn save_events(&self, events: &[Event]) -> impl Future<Output = Result<Saved, SaveError>> + Send {
        async move { self.save(&Commit::events(events)).await }
    }

    /// Saves several events, all or nothing, if the first one's actor is as `expected`.
    ///
    /// # Errors
    /// As [`EventStore::save`].
    fn save_expecting(
        &self,
        events: &[Event],
        expected: Expected,
    ) -> impl Future<Output = Result<Saved, SaveError>> + Send {
        async move { self.save(&Commit::events(events).expecting(expected)).await }
    }

    /// The actor's latest version; [`Version::ZERO`] if it has no events.
    ///
    /// # Errors
    /// As [`EventStore::get_head`].
    fn get_latest_version(&self, actor: &ActorId) -> impl Future<Output = Result<Version, ReadError>> + Send {
        async move { Ok(self.get_head(actor).await?.version()) }
    }
}

impl<S: EventStore + ?Sized> EventStoreExt for S {}
