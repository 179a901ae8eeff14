//! [`JetStreamEventStore`]: the event store on NATS JetStream, and its counters ([`StoreStats`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aether_core::codec::Codec;
use aether_core::{
    ActorId, ActorSnapshot, Commit, CommitStream, EventStore, EventStream, Head, ReadError, ReadFrom,
    SaveError, Saved, SnapshotError, SnapshotSaved, SnapshotStore, Subscribe, SubscribeOptions, Subscription,
    Version,
};
use aether_nats::{Missing, StreamApi};
use aether_telemetry::{Destination, StoreTelemetry};
use async_nats::Client;
use async_stream::try_stream;
use async_trait::async_trait;
use futures_util::{StreamExt, pin_mut};
use time::OffsetDateTime;
use tokio::time::Instant;
use tracing::Instrument;

use crate::config::{JetStreamConfig, Timeouts};
use crate::contract::{self, Contract};
use crate::head_cache::HeadCache;
use crate::history::ReadStart;
use crate::open::{self, OpenError};

/// The event store on NATS JetStream. Cloning is cheap and gives another handle on the same store.
///
/// Every save of one actor is one message on the actor's own subject, and the server decides conflicts. The store holds
/// one subscription on the client and one task that reads from it, which ends with the last handle.
#[derive(Debug, Clone)]
pub struct JetStreamEventStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) events: StreamApi,
    pub(crate) snapshots: StreamApi,
    pub(crate) namespace: Option<String>,
    pub(crate) encoding: Codec,
    pub(crate) timeouts: Timeouts,
    /// The time that the stream keeps events; `None` for ever.
    pub(crate) retention: Option<Duration>,
    /// True if a commit may be over several actors.
    pub(crate) atomic: bool,
    pub(crate) created: OffsetDateTime,
    pub(crate) heads: HeadCache,
    pub(crate) counters: Counters,
    pub(crate) telemetry: StoreTelemetry,
}

impl Inner {
    async fn save(&self, commit: &Commit<'_>) -> Result<Saved, SaveError> {
        let parts = commit.parts()?;
        match &parts[..] {
            [part] => self.save_one(part).await,
            _ => self.save_several(&parts).await,
        }
    }

    /// The actor's own subject.
    pub(crate) fn subject(&self, actor: &ActorId) -> String {
        let stream = self.events.stream();
        let mut subject = String::with_capacity(stream.len() + actor.as_str().len() + 8);
        subject.push_str(stream);
        subject.push('.');
        actor.write_subject(&mut subject);
        subject
    }

    /// The largest message that the server takes, in bytes.
    pub(crate) fn max_payload(&self) -> usize {
        self.events.client().max_payload()
    }
}

impl JetStreamEventStore {
    /// Opens the store on streams that exist. Settings of the configuration that only say what a stream is created with
    /// are compared with what is there: a difference in capacity is a warning, one that breaks the contract an error.
    ///
    /// # Errors
    /// [`OpenError`], which says exactly what differs.
    pub async fn open(client: Client, config: JetStreamConfig) -> Result<Self, OpenError> {
        Self::connect(client, &config, Missing::Refuse).await
    }

    /// Opens the store, and creates its streams where they are missing. Needs the right to create streams, which opening
    /// does not. What exists already is left as it is.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn create(client: Client, config: JetStreamConfig) -> Result<Self, OpenError> {
        Self::connect(client, &config, Missing::Create).await
    }

    /// Opens the store of a namespace, with all defaults.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_namespaced(
        client: Client,
        stream: impl Into<String>,
        namespace: impl Into<String>,
    ) -> Result<Self, OpenError> {
        Self::open(client, JetStreamConfig::new(stream).namespace(namespace)).await
    }

    async fn connect(client: Client, config: &JetStreamConfig, missing: Missing) -> Result<Self, OpenError> {
        let inbox = open::connect(client, config).await?;
        let events = open::open(Arc::clone(&inbox), config, &Contract::of_events(config), missing).await?;
        let snapshots = open::open(inbox, config, &Contract::of_snapshots(config), missing).await?;
        let destination = Destination::nats(events.api.stream());
        let inner = Inner {
            retention: contract::retention(&events.config),
            atomic: events.config.allow_atomic_publish && events.api.client().is_server_compatible(2, 12, 0),
            created: events.created,
            events: events.api,
            snapshots: snapshots.api,
            namespace: config.namespace.clone(),
            encoding: config.encoding,
            timeouts: config.timeouts,
            heads: HeadCache::new(config.cache_size),
            counters: Counters::default(),
            telemetry: StoreTelemetry::new(config.namespace.as_deref(), "jetstream", destination),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The namespace, as it was given.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.inner.namespace.as_deref()
    }

    /// The name of the stream that holds the events.
    #[must_use]
    pub fn stream_name(&self) -> &str {
        self.inner.events.stream()
    }

    /// Returns counts of what this store has done since it was opened.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        self.inner.counters.stats()
    }
}

#[async_trait]
impl EventStore for JetStreamEventStore {
    async fn save(&self, commit: &Commit<'_>) -> Result<Saved, SaveError> {
        let saving = self.inner.telemetry.save(commit);
        let events = saving.stamp(commit.as_events());
        let saved = self.inner.save(&commit.with_events(&events)).instrument(saving.span().clone()).await;
        saving.end(&saved);
        saved
    }

    async fn confirm(&self, actor: &ActorId, head: Head) -> Result<bool, SaveError> {
        self.inner.confirm(actor, head).await
    }

    async fn get_head(&self, actor: &ActorId) -> Result<Head, ReadError> {
        let inner = &self.inner;
        let deadline = Instant::now() + inner.timeouts.read;
        let floor = inner.heads.known_sequence(actor);
        let known = match inner.last_commit(actor, floor, deadline).await? {
            Some(last) => last.known(),
            None => inner.nothing_of(actor).await?,
        };
        inner.heads.learn(actor, &known);
        Ok(known.head)
    }

    fn get_events(&self, actor: &ActorId, from: Version) -> EventStream {
        let commits = self.inner.clone().commits(actor.clone(), ReadStart::Version(from));
        let stream = try_stream! {
            pin_mut!(commits);
            while let Some(commit) = commits.next().await {
                for event in commit?.events {
                    if event.version() >= from {
                        yield event;
                    }
                }
            }
        };
        self.inner.telemetry.load(actor, stream.boxed())
    }

    fn get_events_backward(&self, actor: &ActorId, from: Version) -> EventStream {
        let (inner, id) = (self.inner.clone(), actor.clone());
        let stream = try_stream! {
            let deadline = Instant::now() + inner.timeouts.read;
            let floor = inner.heads.known_sequence(&id);
            let Some(last) = inner.last_commit(&id, floor, deadline).await? else { return };
            let commits = inner.backwards(&id, last);
            pin_mut!(commits);
            while let Some(commit) = commits.next().await {
                for event in commit?.events.into_iter().rev() {
                    if event.version() <= from {
                        yield event;
                    }
                }
            }
        };
        self.inner.telemetry.load(actor, stream.boxed())
    }

    fn get_commits(&self, actor: &ActorId, after: Head) -> CommitStream {
        let commits = self.inner.clone().commits(actor.clone(), ReadStart::Commit(after));
        self.inner.telemetry.load(actor, commits)
    }

    fn get_all(&self, from: ReadFrom, limit: usize) -> EventStream {
        self.inner.clone().all(from, limit)
    }

    async fn get_actors(
        &self,
        category: &str,
        after: Option<&ActorId>,
        limit: usize,
    ) -> Result<Vec<ActorId>, ReadError> {
        let prefix = format!("{}.", self.stream_name());
        let filter = format!("{prefix}{}.*", ActorId::category_token(category));
        let found = open::subjects(&self.inner.events, &filter, self.inner.timeouts.read).await?;
        let after = after.map(ActorId::subject);
        let mut subjects: Vec<&str> = found
            .iter()
            .filter_map(|subject| subject.strip_prefix(&prefix))
            .filter(|subject| after.as_deref().is_none_or(|after| *subject > after))
            .collect();
        subjects.sort_unstable();
        subjects.truncate(limit);
        Ok(subjects.into_iter().filter_map(ActorId::from_subject).collect())
    }
}

#[async_trait]
impl Subscribe for JetStreamEventStore {
    async fn subscribe(&self, options: &SubscribeOptions) -> Result<Subscription, ReadError> {
        let lag = Arc::new(AtomicU64::new(0));
        let deliveries = self.inner.clone().subscribe(options, Arc::clone(&lag)).await?;
        Ok(self.inner.telemetry.subscription(deliveries, move |_| lag.load(Ordering::Relaxed)))
    }
}

#[async_trait]
impl SnapshotStore for JetStreamEventStore {
    async fn save_snapshot(&self, snapshot: &ActorSnapshot) -> Result<SnapshotSaved, SnapshotError> {
        let saved = self.inner.save_snapshot(snapshot).await;
        if matches!(saved, Ok(SnapshotSaved::Stored)) {
            self.inner.telemetry.metrics().snapshot_saved();
        }
        saved
    }

    async fn load_snapshot(&self, actor: &ActorId) -> Result<Option<ActorSnapshot>, SnapshotError> {
        let loaded = self.inner.load_snapshot(actor).await?;
        self.inner.telemetry.metrics().snapshot(loaded.is_some());
        Ok(loaded)
    }
}

/// Counts of what a store has done since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct StoreStats {
    /// Commits that stand.
    pub saves: u64,
    /// Commits that were refused with a version conflict.
    pub conflicts: u64,
    /// Messages that were sent again.
    pub retries: u64,
    /// Saves of which at least one attempt was left without an answer.
    pub unknown: u64,
    /// The saves among those whose outcome was found out.
    pub resolved: u64,
    /// Saves that had the head of their actor in the cache.
    pub cache_hits: u64,
    /// Saves that had to read the head of their actor.
    pub cache_misses: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) saves: Counter,
    pub(crate) conflicts: Counter,
    pub(crate) retries: Counter,
    pub(crate) unknown: Counter,
    pub(crate) resolved: Counter,
    pub(crate) cache_hits: Counter,
    pub(crate) cache_misses: Counter,
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(crate) fn stats(&self) -> StoreStats {
        StoreStats {
            saves: self.saves.get(),
            conflicts: self.conflicts.get(),
            retries: self.retries.get(),
            unknown: self.unknown.get(),
            resolved: self.resolved.get(),
            cache_hits: self.cache_hits.get(),
            cache_misses: self.cache_misses.get(),
        }
    }
}
