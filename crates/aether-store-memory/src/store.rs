//! [`MemoryEventStore`]: the handle that users hold, and the contract's traits on it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use aether_core::{
    ActorId, ActorSnapshot, Clock, Commit, CommitStream, EventStore, EventStream, Head, Position, ReadError,
    ReadFrom, SaveError, Saved, SnapshotError, SnapshotSaved, SnapshotStore, Subscribe, SubscribeOptions,
    Subscription, Version,
};
use aether_telemetry::{Destination, StoreTelemetry};
use async_trait::async_trait;
use futures_util::StreamExt;

use crate::MemoryEventStoreBuilder;
use crate::actors::Actors;
use crate::builder::Limits;
use crate::order::Order;
use crate::read;
use crate::read::stream;
use crate::save::Shared;
use crate::subscribe::Following;
use crate::waiting::Waiting;

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
        let (order, actors, waiting) = (Order::new(), Actors::new(), Waiting::default());
        let telemetry = StoreTelemetry::new(None, "memory", Destination::local("memory"));
        let shared = Shared { order, actors, limits, waiting, telemetry, clock };
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
        let saving = self.shared.telemetry.save(commit);
        let saved = saving.span().in_scope(|| match saving.stamp(commit.as_events()) {
            Cow::Borrowed(_) => self.shared.save(commit),
            Cow::Owned(events) => self.shared.save(&commit.with_events(&events)),
        });
        saving.end(&saved);
        saved
    }

    async fn confirm(&self, actor: &ActorId, head: Head) -> Result<bool, SaveError> {
        Ok(self.shared.actors.head(actor).sequence() == head.sequence())
    }

    async fn get_head(&self, actor: &ActorId) -> Result<Head, ReadError> {
        Ok(self.shared.actors.head(actor))
    }

    fn get_events(&self, actor: &ActorId, from: Version) -> EventStream {
        self.shared.telemetry.load(actor, stream(read::events(&self.shared, actor, from)))
    }

    fn get_events_backward(&self, actor: &ActorId, from: Version) -> EventStream {
        self.shared.telemetry.load(actor, stream(read::events_backward(&self.shared, actor, from)))
    }

    fn get_commits(&self, actor: &ActorId, after: Head) -> CommitStream {
        self.shared.telemetry.load(actor, stream(read::commits(&self.shared, actor, after)))
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
impl Subscribe for MemoryEventStore {
    async fn subscribe(&self, options: &SubscribeOptions) -> Result<Subscription, ReadError> {
        let following = Following::new(Arc::clone(&self.shared), options).boxed();
        let shared = Arc::clone(&self.shared);
        let lag = move |passed: Position| (shared.order.len() as u64).saturating_sub(passed.sequence());
        Ok(self.shared.telemetry.subscription(following, lag))
    }
}

#[async_trait]
impl SnapshotStore for MemoryEventStore {
    async fn save_snapshot(&self, snapshot: &ActorSnapshot) -> Result<SnapshotSaved, SnapshotError> {
        let (size, limit) = (snapshot.state.len(), self.shared.limits.max_commit_bytes());
        if size > limit {
            return Err(SnapshotError::TooLarge { size, limit });
        }
        let saved = self.shared.actors.with(&snapshot.actor, |slot| slot.lock().save_snapshot(snapshot));
        if saved == SnapshotSaved::Stored {
            self.shared.telemetry.metrics().snapshot_saved();
        }
        Ok(saved)
    }

    async fn load_snapshot(&self, actor: &ActorId) -> Result<Option<ActorSnapshot>, SnapshotError> {
        let snapshot = self.shared.actors.snapshot(actor);
        self.shared.telemetry.metrics().snapshot(snapshot.is_some());
        Ok(snapshot)
    }
}
