//! [`MemoryCoordination`]: keys and signals within one process.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, Stream};
use tokio::sync::broadcast::{self, Receiver, Sender, error::RecvError};
use tokio::time::Instant;

use crate::key_value::whole_seconds;
use crate::{
    Change, Changes, Condition, CoordinationError, Entry, Heard, Key, KeyValue, Leases, Revision, Signals,
};

/// How many changes, or messages of a topic, a slow reader may be behind before it loses the oldest.
const BEHIND: usize = 1024;

/// Keys and signals within one process. Clones share them; what is written is gone with the last clone.
///
/// A watcher or listener that is more than 1,024 behind loses the oldest of what it has not read.
/// Leases live by tokio's clock, so a test can make them expire without waiting.
///
/// ```
/// # futures_executor::block_on(async {
/// use aether_coordination::{Condition, Key, KeyValue, MemoryCoordination};
///
/// let coordination = MemoryCoordination::new();
/// let key = Key::root("leader");
/// let first = coordination.put(&key, "a".into(), Condition::Absent).await?;
/// assert!(coordination.put(&key, "b".into(), Condition::Absent).await.unwrap_err().is_conflict());
/// coordination.put(&key, "b".into(), Condition::At(first)).await?;
/// # Ok::<(), aether_coordination::CoordinationError>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct MemoryCoordination(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    keys: Mutex<Keys>,
    changes: Sender<Change>,
    topics: Mutex<HashMap<Key, Sender<Bytes>>>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Keys {
    last: u64,
    there: BTreeMap<Key, Kept>,
    expiring: BTreeSet<(Instant, Key)>,
}

/// A key that is there.
#[derive(Debug)]
struct Kept {
    value: Bytes,
    revision: Revision,
    until: Option<Instant>,
}

impl Kept {
    fn entry(&self, key: &Key) -> Entry {
        Entry::new(key.clone(), self.value.clone(), self.revision)
    }
}

impl Keys {
    fn check(&self, key: &Key, condition: Condition) -> Result<(), CoordinationError> {
        let current = self.there.get(key).map(|kept| kept.revision);
        if condition == Condition::from(current) {
            return Ok(());
        }
        Err(CoordinationError::Conflict { key: key.clone(), current })
    }

    fn next(&mut self) -> Revision {
        self.last += 1;
        Revision::new(self.last)
    }

    /// Removes what has expired. Nobody looks before somebody asks, and whoever asks finds it gone.
    fn expire(&mut self) {
        while self.expiring.first().is_some_and(|(until, _)| *until <= Instant::now()) {
            let Some((until, key)) = self.expiring.pop_first() else { return };
            // It may have been written again since, or deleted.
            if self.there.get(&key).is_some_and(|kept| kept.until == Some(until)) {
                self.there.remove(&key);
            }
        }
    }
}

impl Default for MemoryCoordination {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryCoordination {
    /// No keys, and nobody who listens. Values and messages may have a mebibyte, as NATS takes them by default.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(1 << 20)
    }

    /// As [`new`](Self::new), with another limit for values and messages, in bytes.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        let (changes, _) = broadcast::channel(BEHIND);
        Self(Arc::new(Inner { keys: Mutex::default(), changes, topics: Mutex::default(), limit }))
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        let mut keys = lock(&self.0.keys);
        keys.expire();
        keys
    }

    fn write(
        &self,
        key: &Key,
        value: Bytes,
        condition: Condition,
        ttl: Option<Duration>,
    ) -> Result<Revision, CoordinationError> {
        self.check_size(&value)?;
        let mut keys = self.keys();
        keys.check(key, condition)?;
        let until = ttl.map(|ttl| Instant::now() + ttl);
        let kept = Kept { value, revision: keys.next(), until };
        let (entry, revision) = (kept.entry(key), kept.revision);
        keys.there.insert(key.clone(), kept);
        keys.expiring.extend(until.map(|until| (until, key.clone())));
        // Under the lock, so that changes come in the order of their revisions; nobody has to watch.
        let _ = self.0.changes.send(Change::Put(entry));
        Ok(revision)
    }

    fn check_size(&self, bytes: &Bytes) -> Result<(), CoordinationError> {
        let (size, limit) = (bytes.len(), self.0.limit);
        if size > limit { Err(CoordinationError::TooLarge { size, limit }) } else { Ok(()) }
    }
}

/// Nothing is left half done under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl KeyValue for MemoryCoordination {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, CoordinationError> {
        Ok(self.keys().there.get(key).map(|kept| kept.entry(key)))
    }

    async fn put(
        &self,
        key: &Key,
        value: Bytes,
        condition: Condition,
    ) -> Result<Revision, CoordinationError> {
        self.write(key, value, condition, None)
    }

    async fn delete(&self, key: &Key, revision: Revision) -> Result<(), CoordinationError> {
        let mut keys = self.keys();
        keys.check(key, Condition::At(revision))?;
        keys.next();
        keys.there.remove(key);
        let _ = self.0.changes.send(Change::Deleted(key.clone()));
        Ok(())
    }

    async fn entries(&self, prefix: &Key) -> Result<Vec<Entry>, CoordinationError> {
        let keys = self.keys();
        let near =
            keys.there.range(prefix..).take_while(|(key, _)| key.as_str().starts_with(prefix.as_str()));
        let below = near.filter(|(key, _)| key.is_below(prefix));
        Ok(below.map(|(key, kept)| kept.entry(key)).collect())
    }

    async fn watch(&self, prefix: &Key) -> Result<Changes, CoordinationError> {
        let prefix = prefix.clone();
        let changes = received(self.0.changes.subscribe());
        Ok(changes.filter(move |change| std::future::ready(change.key().is_below(&prefix))).boxed())
    }
}

#[async_trait]
impl Leases for MemoryCoordination {
    async fn lease(
        &self,
        key: &Key,
        value: Bytes,
        condition: Condition,
        ttl: Duration,
    ) -> Result<Revision, CoordinationError> {
        whole_seconds(ttl)?;
        self.write(key, value, condition, Some(ttl))
    }

    async fn check_leases(&self) -> Result<(), CoordinationError> {
        Ok(())
    }
}

#[async_trait]
impl Signals for MemoryCoordination {
    async fn send(&self, topic: &Key, message: Bytes) -> Result<(), CoordinationError> {
        self.check_size(&message)?;
        let mut topics = lock(&self.0.topics);
        // A topic without listeners is not kept.
        if topics.get(topic).is_some_and(|listeners| listeners.send(message).is_err()) {
            topics.remove(topic);
        }
        Ok(())
    }

    async fn listen(&self, topic: &Key) -> Result<Heard, CoordinationError> {
        let mut topics = lock(&self.0.topics);
        let listeners = topics.entry(topic.clone()).or_insert_with(|| broadcast::channel(BEHIND).0);
        Ok(received(listeners.subscribe()).boxed())
    }
}

/// What is received, until nobody can send any more; what a slow reader has lost is passed over.
fn received<T: Clone + Send + 'static>(receiver: Receiver<T>) -> impl Stream<Item = T> + Send {
    stream::unfold(receiver, async |mut receiver| {
        loop {
            match receiver.recv().await {
                Ok(received) => return Some((received, receiver)),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    })
}
