//! A store behind an [`Arc`] is a store.

use std::sync::Arc;

use async_trait::async_trait;

use crate::error::{ReadError, SaveError, SnapshotError};
use crate::{
    ActorId, ActorSnapshot, Commit, CommitStream, EventStore, EventStream, Head, ReadFrom, Saved,
    SnapshotSaved, SnapshotStore, Subscribe, SubscribeOptions, Subscription, Version,
};

#[async_trait]
impl<S: EventStore + ?Sized> EventStore for Arc<S> {
    async fn save(&self, commit: &Commit<'_>) -> Result<Saved, SaveError> {
        (**self).save(commit).await
    }

    async fn confirm(&self, actor: &ActorId, head: Head) -> Result<bool, SaveError> {
        (**self).confirm(actor, head).await
    }

    async fn get_head(&self, actor: &ActorId) -> Result<Head, ReadError> {
        (**self).get_head(actor).await
    }

    fn get_events(&self, actor: &ActorId, from: Version) -> EventStream {
        (**self).get_events(actor, from)
    }

    fn get_events_backward(&self, actor: &ActorId, from: Version) -> EventStream {
        (**self).get_events_backward(actor, from)
    }

    fn get_commits(&self, actor: &ActorId, after: Head) -> CommitStream {
        (**self).get_commits(actor, after)
    }

    fn get_all(&self, from: ReadFrom, limit: usize) -> EventStream {
        (**self).get_all(from, limit)
    }

    async fn get_actors(
        &self,
        category: &str,
        after: Option<&ActorId>,
        limit: usize,
    ) -> Result<Vec<ActorId>, ReadError> {
        (**self).get_actors(category, after, limit).await
    }
}

#[async_trait]
impl<S: SnapshotStore + ?Sized> SnapshotStore for Arc<S> {
    async fn save_snapshot(&self, snapshot: &ActorSnapshot) -> Result<SnapshotSaved, SnapshotError> {
        (**self).save_snapshot(snapshot).await
    }

    async fn load_snapshot(&self, actor: &ActorId) -> Result<Option<ActorSnapshot>, SnapshotError> {
        (**self).load_snapshot(actor).await
    }
}

#[async_trait]
impl<S: Subscribe + ?Sized> Subscribe for Arc<S> {
    async fn subscribe(&self, options: &SubscribeOptions) -> Result<Subscription, ReadError> {
        (**self).subscribe(options).await
    }
}
