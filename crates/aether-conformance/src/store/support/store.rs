//! [`Store`]: an event store whose unexpected answers break the rule.

use std::sync::Arc;
use std::time::Duration;

use aether_core::{
    ActorId, Commit, Event, EventStore, Head, InvalidEvent, ReadError, ReadFrom, RecordedCommit,
    RecordedEvent, SaveError, Saved, Subscribe, SubscribeOptions, Version, VersionConflict,
};
use futures_util::TryStreamExt;
use futures_util::future::join_all;
use tokio::sync::Barrier;

use super::{OrFail, Reader};
use crate::store::Handle;

/// A handle of the store under test.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    events: Arc<dyn EventStore>,
    subscriptions: Option<Arc<dyn Subscribe>>,
    patience: Duration,
}

impl Store {
    #[track_caller]
    pub(super) fn new(handle: &Handle, patience: Duration) -> Self {
        let events = handle.events().or_fail("using the handle as an event store");
        Self { events, subscriptions: handle.subscriptions(), patience }
    }

    /// The store itself.
    pub(crate) fn raw(&self) -> &dyn EventStore {
        &*self.events
    }

    pub(crate) async fn try_subscribe(
        &self,
        options: impl Into<SubscribeOptions>,
    ) -> Result<Reader, ReadError> {
        let options = options.into();
        let store = self.subscriptions.as_ref().or_fail("subscribing to the store");
        Ok(Reader::new(store.subscribe(&options).await?, &options, self.patience))
    }

    pub(crate) async fn subscribe(&self, options: impl Into<SubscribeOptions>) -> Reader {
        let options = options.into();
        let reader = self.try_subscribe(options.clone()).await;
        reader.or_fail(format_args!("subscribing with {options:?}"))
    }

    pub(crate) async fn try_save(&self, commit: &Commit<'_>) -> Result<Saved, SaveError> {
        self.events.save(commit).await
    }

    pub(crate) async fn save(&self, commit: &Commit<'_>) -> Saved {
        self.try_save(commit).await.or_fail(format_args!("saving {}", describe(commit)))
    }

    /// Saves one event by the plain rule.
    pub(crate) async fn save_event(&self, event: &Event) -> Saved {
        self.save(&Commit::event(event)).await
    }

    /// Saves a commit of several events by the plain rule.
    pub(crate) async fn save_events(&self, events: &[Event]) -> Saved {
        self.save(&Commit::events(events)).await
    }

    /// Saves events of these versions, each in a commit of its own.
    pub(crate) async fn save_each(
        &self,
        actor: &ActorId,
        versions: impl IntoIterator<Item = u64>,
    ) -> Vec<Saved> {
        let mut saved = Vec::new();
        for version in versions {
            saved.push(self.save_event(&super::event(actor, version)).await);
        }
        saved
    }

    /// The error of a save that must not succeed.
    pub(crate) async fn refused(&self, commit: &Commit<'_>) -> SaveError {
        match self.try_save(commit).await {
            Ok(saved) => panic!("{} was to be refused, but was saved: {saved:?}", describe(commit)),
            Err(error) => error,
        }
    }

    /// The conflict of a save that must conflict.
    pub(crate) async fn conflict(&self, commit: &Commit<'_>) -> VersionConflict {
        match self.refused(commit).await {
            SaveError::VersionConflict(conflict) => conflict,
            other => panic!("{} was to be a version conflict, not: {other}", describe(commit)),
        }
    }

    /// The rule that a commit breaks which must be invalid.
    pub(crate) async fn invalid(&self, commit: &Commit<'_>) -> InvalidEvent {
        match self.refused(commit).await {
            SaveError::Invalid(invalid) => invalid,
            other => panic!("{} was to be invalid, not: {other}", describe(commit)),
        }
    }

    pub(crate) async fn confirm(&self, actor: &ActorId, head: Head) -> bool {
        self.events.confirm(actor, head).await.or_fail(format_args!("confirming {head:?} of {actor}"))
    }

    pub(crate) async fn head(&self, actor: &ActorId) -> Head {
        self.events.get_head(actor).await.or_fail(format_args!("getting the head of {actor}"))
    }

    /// The number of the actor's version.
    pub(crate) async fn version(&self, actor: &ActorId) -> u64 {
        self.head(actor).await.version().get()
    }

    pub(crate) async fn try_events(
        &self,
        actor: &ActorId,
        from: Version,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.events.get_events(actor, from).try_collect().await
    }

    pub(crate) async fn events_from(&self, actor: &ActorId, from: Version) -> Vec<RecordedEvent> {
        self.try_events(actor, from).await.or_fail(format_args!("reading {actor} from version {from}"))
    }

    pub(crate) async fn events(&self, actor: &ActorId) -> Vec<RecordedEvent> {
        self.events_from(actor, Version::ZERO).await
    }

    /// The numbers of the versions that are there.
    pub(crate) async fn versions(&self, actor: &ActorId) -> Vec<u64> {
        numbers(&self.events(actor).await)
    }

    pub(crate) async fn backward(&self, actor: &ActorId, from: Version) -> Vec<RecordedEvent> {
        let events: Result<_, _> = self.events.get_events_backward(actor, from).try_collect().await;
        events.or_fail(format_args!("reading {actor} backward from version {from}"))
    }

    pub(crate) async fn commits_after(&self, actor: &ActorId, after: Head) -> Vec<RecordedCommit> {
        let commits: Result<_, _> = self.events.get_commits(actor, after).try_collect().await;
        commits.or_fail(format_args!("reading the commits of {actor} after {after:?}"))
    }

    pub(crate) async fn commits(&self, actor: &ActorId) -> Vec<RecordedCommit> {
        self.commits_after(actor, Head::NONE).await
    }

    pub(crate) async fn all_from(&self, from: ReadFrom, limit: usize) -> Vec<RecordedEvent> {
        let events: Result<_, _> = self.events.get_all(from, limit).try_collect().await;
        events.or_fail(format_args!("reading {limit} of all events from {from:?}"))
    }

    /// All events of all actors.
    pub(crate) async fn all(&self) -> Vec<RecordedEvent> {
        self.all_from(ReadFrom::Start, usize::MAX).await
    }

    pub(crate) async fn actors_after(
        &self,
        category: &str,
        after: Option<&ActorId>,
        limit: usize,
    ) -> Vec<ActorId> {
        let actors = self.events.get_actors(category, after, limit).await;
        actors.or_fail(format_args!("getting {limit} actors of {category:?} after {after:?}"))
    }

    /// All actors of a category.
    pub(crate) async fn actors(&self, category: &str) -> Vec<ActorId> {
        self.actors_after(category, None, usize::MAX).await
    }
}

/// The numbers of the versions of some events.
pub(crate) fn numbers(events: &[RecordedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.version().get()).collect()
}

/// A commit, in as few words as it takes to find it in the rule.
fn describe(commit: &Commit<'_>) -> String {
    let Ok(parts) = commit.parts() else { return "an invalid commit".to_owned() };
    let part = |part: &aether_core::Part<'_>| {
        let versions: Vec<u64> = part.events().iter().map(|event| event.version().get()).collect();
        let shown =
            if versions.len() > 8 { format!("{} events", versions.len()) } else { format!("{versions:?}") };
        format!("{shown} of {:?} expecting {:?}", part.actor(), part.expected())
    };
    let parts: Vec<String> = parts.iter().take(4).map(part).collect();
    format!("versions {}", parts.join(" and "))
}

/// Runs one task for each handle, all from the same moment on.
pub(crate) async fn race<T, F>(handles: &[Store], task: impl Fn(usize, Store) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(handles.len()));
    let racers = handles.iter().cloned().enumerate().map(|(writer, handle)| {
        let (start, task) = (start.clone(), task(writer, handle));
        tokio::spawn(async move {
            start.wait().await;
            task.await
        })
    });
    join_all(racers).await.into_iter().map(|racer| racer.or_fail("a racing task")).collect()
}
