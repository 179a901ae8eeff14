//! A store that fails as it is told to.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aether_core::{
    ActorId, ActorSnapshot, Commit, CommitStream, EventStore, EventStream, Head, ReadError, ReadFrom,
    SaveError, Saved, SnapshotError, SnapshotSaved, SnapshotStore, Subscribe, SubscribeOptions, Subscription,
    Version,
};
use aether_store_memory::MemoryEventStore;
use async_trait::async_trait;

/// What becomes of a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing is wrong.
    None,
    /// It is not saved.
    Refused,
    /// It is saved, and nobody is told.
    Unknown,
}

type Rule = Arc<dyn Fn(&Commit<'_>) -> Fault + Send + Sync>;

/// A store that fails as it is told to.
#[derive(Clone)]
pub(crate) struct Faulty {
    store: MemoryEventStore,
    rule: Arc<Mutex<Rule>>,
    refused: Arc<AtomicUsize>,
    /// How many subscriptions are still to fail for good.
    failing: Arc<AtomicUsize>,
}

impl Faulty {
    pub(crate) fn over(store: &MemoryEventStore) -> Self {
        let rule: Rule = Arc::new(|_| Fault::None);
        Self {
            store: store.clone(),
            rule: Arc::new(Mutex::new(rule)),
            refused: Arc::default(),
            failing: Arc::default(),
        }
    }

    pub(crate) fn fail(&self, rule: impl Fn(&Commit<'_>) -> Fault + Send + Sync + 'static) {
        *self.rule.lock().unwrap() = Arc::new(rule);
    }

    /// Lets so many subscriptions fail for good, as soon as they are read.
    pub(crate) fn fail_subscriptions(&self, count: usize) {
        self.failing.store(count, Ordering::Relaxed);
    }

    /// Whether all that were to fail have failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.failing.load(Ordering::Relaxed) == 0
    }

    /// How many saves were refused.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

#[async_trait]
impl EventStore for Faulty {
    async fn save(&self, commit: &Commit<'_>) -> Result<Saved, SaveError> {
        let rule = self.rule.lock().unwrap().clone();
        match rule(commit) {
            Fault::None => self.store.save(commit).await,
            Fault::Refused => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Err(SaveError::Unavailable("a fault".into()))
            }
            Fault::Unknown => {
                self.store.save(commit).await?;
                Err(SaveError::UnknownOutcome("a fault".into()))
            }
        }
    }

    async fn confirm(&self, actor: &ActorId, head: Head) -> Result<bool, SaveError> {
        self.store.confirm(actor, head).await
    }

    async fn get_head(&self, actor: &ActorId) -> Result<Head, ReadError> {
        self.store.get_head(actor).await
    }

    fn get_events(&self, actor: &ActorId, from: Version) -> EventStream {
        self.store.get_events(actor, from)
    }

    fn get_events_backward(&self, actor: &ActorId, from: Version) -> EventStream {
        self.store.get_events_backward(actor, from)
    }

    fn get_commits(&self, actor: &ActorId, after: Head) -> CommitStream {
        self.store.get_commits(actor, after)
    }

    fn get_all(&self, from: ReadFrom, limit: usize) -> EventStream {
        self.store.get_all(from, limit)
    }

    async fn get_actors(
        &self,
        category: &str,
        after: Option<&ActorId>,
        limit: usize,
    ) -> Result<Vec<ActorId>, ReadError> {
        self.store.get_actors(category, after, limit).await
    }
}

#[async_trait]
impl SnapshotStore for Faulty {
    async fn save_snapshot(&self, snapshot: &ActorSnapshot) -> Result<SnapshotSaved, SnapshotError> {
        self.store.save_snapshot(snapshot).await
    }

    async fn load_snapshot(&self, actor: &ActorId) -> Result<Option<ActorSnapshot>, SnapshotError> {
        self.store.load_snapshot(actor).await
    }
}

#[async_trait]
impl Subscribe for Faulty {
    async fn subscribe(&self, options: &SubscribeOptions) -> Result<Subscription, ReadError> {
        let fails = |left: usize| left.checked_sub(1);
        if self.failing.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fails).is_ok() {
            let denied = ReadError::PermissionDenied { operation: "a fault".into() };
            return Ok(Box::pin(futures_util::stream::once(async { Err(denied) })));
        }
        self.store.subscribe(options).await
    }
}

/// Refuses a commit that has an event of this type.
pub(crate) fn refuse(commit: &Commit<'_>, event_type: &str) -> Fault {
    if commit.as_events().iter().any(|event| event.event_type() == event_type) {
        Fault::Refused
    } else {
        Fault::None
    }
}
