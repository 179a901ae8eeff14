//! [`MemoryEventStore`]: the handle that users hold, and the contract's traits on it.

use std::fmt;
use std::sync::Arc;

use aether_core::{
    ActorId, ActorSnapshot, Clock, Commit, CommitStream, EventStore, EventStream, Head, ReadError, ReadFrom,
    SaveError, Saved, SnapshotError, SnapshotSaved, SnapshotStore, Version,
};
use async_trait::async_trait;

use crate::MemoryEventStoreBuilder;
use crate::actors::Actors;
use crate::limits::Limits;
use crate::order::Order;
use crate::read;
use crate::save::Shared;
use crate::stream::stream;

/// An event store in memory. Clones are handles on the same store; the last one drops it.
///
/// No call ever waits for anything but, for some instructions, another save of the same actor. So no operation fails
/// with an unknown outcome or as unavailable, and a save that is cancelled has not begun or is done.
#[derive(Clone)]
pub struct MemoryEventStore {
    shared: Arc<Shared>,
}

impl MemoryEventStore {
    /// An empty store with the default options.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Starts a store of which more is said.
    pub fn builder() -> MemoryEventStoreBuilder {
        MemoryEventStoreBuilder::new()
    }

    pub(crate) fn from_parts(clock: Option<Arc<dyn Clock>>, limits: Limits) -> Self {
        let shared = Shared { order: Order::new(), actors: Actors::new(), limits, clock };
        Self { shared: Arc::new(shared) }
    }
}

impl Default for MemoryEventStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryEventStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (actors, commits) = (self.shared.actors.len(), self.shared.order.len());
        f.debug_struct("MemoryEventStore")
            .field("actors", &actors)
            .field("commits", &commits)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl EventStore for MemoryEventStore {
    async fn save(&self, commit: &Commit<'_>) -> Result<Saved, SaveError> {
        self.shared.save(commit)
    }

    async fn confirm(&self, actor: &ActorId, head: Head) -> Result<bool, SaveError> {
        Ok(self.shared.actors.head(actor).sequence() == head.sequence())
    }

    async fn get_head(&self, actor: &ActorId) -> Result<Head, ReadError> {
        Ok(self.shared.actors.head(actor))
    }

    fn get_events(&self, actor: &ActorId, from: Version) -> EventStream {
        stream(read::events(&self.shared, actor, from))
    }

    fn get_events_backward(&self, actor: &ActorId, from: Version) -> EventStream {
        stream(read::events_backward(&self.shared, actor, from))
    }

    fn get_commits(&self, actor: &ActorId, after: Head) -> CommitStream {
        stream(read::commits(&self.shared, actor, after))
    }

    fn get_all(&self, from: ReadFrom, limit: usize) -> EventStream {
        stream(read::all(Arc::clone(&self.shared), from, limit))
    }

    async fn get_actors(
        &self,
        category: &str,
        after: Option<&ActorId>,
        limit: usize,
    ) -> Result<Vec<ActorId>, ReadError> {
        Ok(self.shared.actors.page(category, after, limit))
    }
}

#[async_trait]
impl SnapshotStore for MemoryEventStore {
    async fn save_snapshot(&self, snapshot: &ActorSnapshot) -> Result<SnapshotSaved, SnapshotError> {
        let (size, limit) = (snapshot.state.len(), self.shared.limits.max_commit_bytes());
        if size > limit {
            return Err(SnapshotError::TooLarge { size, limit });
        }
        Ok(self.shared.actors.with(&snapshot.actor, |slot| slot.lock().save_snapshot(snapshot)))
    }

    async fn load_snapshot(&self, actor: &ActorId) -> Result<Option<ActorSnapshot>, SnapshotError> {
        Ok(self.shared.actors.snapshot(actor))
    }
}
