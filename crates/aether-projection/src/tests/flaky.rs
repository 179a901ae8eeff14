//! [`Flaky`]: keys whose writes fail, before they stand or after.

use std::collections::VecDeque;
use std::sync::Mutex;

use aether_coordination::{
    Changes, Condition, CoordinationError, Entry, Heard, Key, KeyValue, MemoryCoordination, Revision, Signals,
};
use async_trait::async_trait;
use bytes::Bytes;

/// What becomes of a write.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fate {
    Done,
    /// It stands, and nobody is told.
    Unknown,
    NotDone,
}

/// Keys in memory; each write has the next fate, and when there are none left it is done.
#[derive(Debug)]
pub(crate) struct Flaky {
    keys: MemoryCoordination,
    fates: Mutex<VecDeque<Fate>>,
}

impl Flaky {
    pub(crate) fn new(fates: impl IntoIterator<Item = Fate>) -> Self {
        Self { keys: MemoryCoordination::new(), fates: Mutex::new(fates.into_iter().collect()) }
    }
}

#[async_trait]
impl KeyValue for Flaky {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, CoordinationError> {
        self.keys.get(key).await
    }

    async fn put(
        &self,
        key: &Key,
        value: Bytes,
        condition: Condition,
    ) -> Result<Revision, CoordinationError> {
        let fate = self.fates.lock().unwrap().pop_front().unwrap_or(Fate::Done);
        if fate == Fate::NotDone {
            return Err(CoordinationError::Unavailable("cut off".into()));
        }
        let written = self.keys.put(key, value, condition).await?;
        if fate == Fate::Unknown {
            return Err(CoordinationError::UnknownOutcome { key: key.clone(), source: "no answer".into() });
        }
        Ok(written)
    }

    async fn delete(&self, key: &Key, revision: Revision) -> Result<(), CoordinationError> {
        self.keys.delete(key, revision).await
    }

    async fn entries(&self, prefix: &Key) -> Result<Vec<Entry>, CoordinationError> {
        self.keys.entries(prefix).await
    }

    async fn watch(&self, prefix: &Key) -> Result<Changes, CoordinationError> {
        self.keys.watch(prefix).await
    }
}

#[async_trait]
impl Signals for Flaky {
    async fn send(&self, topic: &Key, message: Bytes) -> Result<(), CoordinationError> {
        self.keys.send(topic, message).await
    }

    async fn listen(&self, topic: &Key) -> Result<Heard, CoordinationError> {
        self.keys.listen(topic).await
    }
}
