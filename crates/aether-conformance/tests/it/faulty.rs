//! [`Faulty`]: a plain store whose answers a fault gets in between. Without a fault it keeps the contract.

use std::fmt;

use aether_core::{
    ActorId, ActorSnapshot, Commit, CommitStream, EventStore, EventStream, Head, ReadError, ReadFrom,
    RecordedCommit, RecordedEvent, SaveError, Saved, SnapshotError, SnapshotSaved, SnapshotStore, Subscribe,
    SubscribeOptions, Subscription, Version,
};
use async_trait::async_trait;
use futures_util::future::BoxFuture;

use crate::plain::Plain;
use crate::read::Read;

type Hook<T> = Option<Box<T>>;
type SaveHook =
    dyn for<'a> Fn(&'a Plain, &'a Commit<'_>) -> BoxFuture<'a, Result<Saved, SaveError>> + Send + Sync;
type ConfirmHook = dyn Fn(&Plain, &ActorId, Head) -> bool + Send + Sync;
type HeadHook = dyn Fn(&Plain, &ActorId) -> Head + Send + Sync;
type EventsHook = dyn Fn(&Plain, &ActorId, Version) -> Read<RecordedEvent> + Send + Sync;
type CommitsHook = dyn Fn(&Plain, &ActorId, Head) -> Read<RecordedCommit> + Send + Sync;
type AllHook = dyn Fn(&Plain, ReadFrom, usize) -> Read<RecordedEvent> + Send + Sync;
type ActorsHook = dyn Fn(&Plain, &str, Option<&ActorId>, usize) -> Vec<ActorId> + Send + Sync;
type EventHook = dyn Fn(RecordedEvent) -> RecordedEvent + Send + Sync;
type SaveSnapshotHook =
    dyn for<'a> Fn(&'a Plain, &'a ActorSnapshot) -> BoxFuture<'a, SnapshotSaved> + Send + Sync;
type SubscribeHook = dyn Fn(&Plain, &SubscribeOptions) -> Result<Subscription, ReadError> + Send + Sync;
type LoadSnapshotHook = dyn Fn(&Plain, &ActorId) -> Option<ActorSnapshot> + Send + Sync;

/// A handle on a plain store, with the hooks that faults are made of.
#[derive(Default)]
pub(crate) struct Faulty {
    plain: Plain,
    save: Hook<SaveHook>,
    confirm: Hook<ConfirmHook>,
    head: Hook<HeadHook>,
    events: Hook<EventsHook>,
    backward: Hook<EventsHook>,
    commits: Hook<CommitsHook>,
    all: Hook<AllHook>,
    actors: Hook<ActorsHook>,
    each_event: Hook<EventHook>,
    subscribe: Hook<SubscribeHook>,
    save_snapshot: Hook<SaveSnapshotHook>,
    load_snapshot: Hook<LoadSnapshotHook>,
}

impl Faulty {
    pub(crate) fn new(plain: Plain) -> Self {
        Self { plain, ..Self::default() }
    }

    pub(crate) fn on_save(
        mut self,
        hook: impl Fn(&Plain, &Commit<'_>) -> Result<Saved, SaveError> + Send + Sync + 'static,
    ) -> Self {
        let hook = std::sync::Arc::new(hook);
        self.save = Some(Box::new(move |plain, commit| {
            let hook = hook.clone();
            Box::pin(async move { hook(plain, commit) })
        }));
        self
    }

    /// A save that takes its time.
    pub(crate) fn on_slow_save<F>(mut self, hook: F) -> Self
    where
        F: for<'a> Fn(&'a Plain, &'a Commit<'_>) -> BoxFuture<'a, Result<Saved, SaveError>>
            + Send
            + Sync
            + 'static,
    {
        self.save = Some(Box::new(hook));
        self
    }

    pub(crate) fn on_confirm(
        mut self,
        hook: impl Fn(&Plain, &ActorId, Head) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.confirm = Some(Box::new(hook));
        self
    }

    pub(crate) fn on_head(mut self, hook: impl Fn(&Plain, &ActorId) -> Head + Send + Sync + 'static) -> Self {
        self.head = Some(Box::new(hook));
        self
    }

    pub(crate) fn on_events(
        mut self,
        hook: impl Fn(&Plain, &ActorId, Version) -> Read<RecordedEvent> + Send + Sync + 'static,
    ) -> Self {
        self.events = Some(Box::new(hook));
        self
    }

    pub(crate) fn on_backward(
        mut self,
        hook: impl Fn(&Plain, &ActorId, Version) -> Read<RecordedEvent> + Send + Sync + 'static,
    ) -> Self {
        self.backward = Some(Box::new(hook));
        self
    }

    pub(crate) fn on_commits(
        mut self,
        hook: impl Fn(&Plain, &ActorId, Head) -> Read<RecordedCommit> + Send + Sync + 'static,
    ) -> Self {
        self.commits = Some(Box::new(hook));
        self
    }

    pub(crate) fn on_all(
        mut self,
        hook: impl Fn(&Plain, ReadFrom, usize) -> Read<RecordedEvent> + Send + Sync + 'static,
    ) -> Self {
        self.all = Some(Box::new(hook));
        self
    }

    pub(crate) fn on_actors(
        mut self,
        hook: impl Fn(&Plain, &str, Option<&ActorId>, usize) -> Vec<ActorId> + Send + Sync + 'static,
    ) -> Self {
        self.actors = Some(Box::new(hook));
        self
    }

    /// Changes each event on its way out, whichever way it is read.
    pub(crate) fn on_each_event(
        mut self,
        hook: impl Fn(RecordedEvent) -> RecordedEvent + Send + Sync + 'static,
    ) -> Self {
        self.each_event = Some(Box::new(hook));
        self
    }

    pub(crate) fn on_subscribe(
        mut self,
        hook: impl Fn(&Plain, &SubscribeOptions) -> Result<Subscription, ReadError> + Send + Sync + 'static,
    ) -> Self {
        self.subscribe = Some(Box::new(hook));
        self
    }

    pub(crate) fn on_save_snapshot<F>(mut self, hook: F) -> Self
    where
        F: for<'a> Fn(&'a Plain, &'a ActorSnapshot) -> BoxFuture<'a, SnapshotSaved> + Send + Sync + 'static,
    {
        self.save_snapshot = Some(Box::new(hook));
        self
    }

    pub(crate) fn on_load_snapshot(
        mut self,
        hook: impl Fn(&Plain, &ActorId) -> Option<ActorSnapshot> + Send + Sync + 'static,
    ) -> Self {
        self.load_snapshot = Some(Box::new(hook));
        self
    }

    fn each(&self, read: Read<RecordedEvent>) -> EventStream {
        let read = match &self.each_event {
            Some(hook) => read.map(|events| events.into_iter().map(hook).collect()),
            None => read,
        };
        read.into_stream()
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").field("plain", &self.plain).finish_non_exhaustive()
    }
}

#[async_trait]
impl EventStore for Faulty {
    async fn save(&self, commit: &Commit<'_>) -> Result<Saved, SaveError> {
        match &self.save {
            Some(hook) => hook(&self.plain, commit).await,
            None => self.plain.save(commit),
        }
    }

    async fn confirm(&self, actor: &ActorId, head: Head) -> Result<bool, SaveError> {
        Ok(match &self.confirm {
            Some(hook) => hook(&self.plain, actor, head),
            None => self.plain.confirm(actor, head),
        })
    }

    async fn get_head(&self, actor: &ActorId) -> Result<Head, ReadError> {
        Ok(match &self.head {
            Some(hook) => hook(&self.plain, actor),
            None => self.plain.head(actor),
        })
    }

    fn get_events(&self, actor: &ActorId, from: Version) -> EventStream {
        self.each(match &self.events {
            Some(hook) => hook(&self.plain, actor, from),
            None => self.plain.events(actor, from),
        })
    }

    fn get_events_backward(&self, actor: &ActorId, from: Version) -> EventStream {
        self.each(match &self.backward {
            Some(hook) => hook(&self.plain, actor, from),
            None => self.plain.events_backward(actor, from),
        })
    }

    fn get_commits(&self, actor: &ActorId, after: Head) -> CommitStream {
        let read = match &self.commits {
            Some(hook) => hook(&self.plain, actor, after),
            None => self.plain.commits(actor, after),
        };
        let each = |mut commit: RecordedCommit| {
            if let Some(hook) = &self.each_event {
                commit.events = commit.events.into_iter().map(hook).collect();
            }
            commit
        };
        read.map(|commits| commits.into_iter().map(each).collect()).into_stream()
    }

    fn get_all(&self, from: ReadFrom, limit: usize) -> EventStream {
        self.each(match &self.all {
            Some(hook) => hook(&self.plain, from, limit),
            None => self.plain.all(from, limit),
        })
    }

    async fn get_actors(
        &self,
        category: &str,
        after: Option<&ActorId>,
        limit: usize,
    ) -> Result<Vec<ActorId>, ReadError> {
        Ok(match &self.actors {
            Some(hook) => hook(&self.plain, category, after, limit),
            None => self.plain.actors(category, after, limit),
        })
    }
}

#[async_trait]
impl Subscribe for Faulty {
    async fn subscribe(&self, options: &SubscribeOptions) -> Result<Subscription, ReadError> {
        match &self.subscribe {
            Some(hook) => hook(&self.plain, options),
            None => self.plain.subscribe(options),
        }
    }
}

#[async_trait]
impl SnapshotStore for Faulty {
    async fn save_snapshot(&self, snapshot: &ActorSnapshot) -> Result<SnapshotSaved, SnapshotError> {
        Ok(match &self.save_snapshot {
            Some(hook) => hook(&self.plain, snapshot).await,
            None => self.plain.save_snapshot(snapshot),
        })
    }

    async fn load_snapshot(&self, actor: &ActorId) -> Result<Option<ActorSnapshot>, SnapshotError> {
        Ok(match &self.load_snapshot {
            Some(hook) => hook(&self.plain, actor),
            None => self.plain.load_snapshot(actor),
        })
    }
}
