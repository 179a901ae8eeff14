//! Models without a group: what comes again changes nothing, whatever comes again.

mod group;
mod redelivery;
mod unapplied;

use std::collections::VecDeque;
use std::sync::Mutex;

use aether_coordination::{
    Changes, Condition, CoordinationError, Entry, Heard, Key, KeyValue, MemoryCoordination, Revision, Signals,
};
use aether_core::{ActorId, Event, Position, RecordedEvent, Version};
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{ApplyError, Keys, Projection};

/// What an event of these tests says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Added {
    pub(crate) keys: Vec<String>,
    pub(crate) amount: u64,
    /// `true` if it cannot be applied, and how.
    #[serde(default)]
    pub(crate) fault: Option<Fault>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Fault {
    Error,
    Panic,
}

/// Adds up, and remembers the order of each actor's events.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sum {
    pub(crate) sum: u64,
    pub(crate) last: std::collections::BTreeMap<ActorId, Version>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Sums;

impl Projection for Sums {
    type View = Sum;

    fn name(&self) -> &str {
        "sums"
    }

    fn keys<'a>(&self, event: &'a RecordedEvent) -> Keys<'a> {
        event.data::<Added>().map_or(Keys::none(), |added| Keys::several(added.keys))
    }

    fn apply(&self, key: &str, view: &mut Sum, event: &RecordedEvent) -> Result<(), ApplyError> {
        let added: Added = event.data()?;
        view.sum += added.amount;
        let is_last = added.keys.last().is_some_and(|last| last == key);
        match added.fault.filter(|_| is_last) {
            Some(Fault::Error) => return Err(ApplyError::new("cannot be applied")),
            Some(Fault::Panic) => panic!("cannot be applied at all"),
            None => {}
        }
        let before = view.last.insert(event.actor().clone(), event.version());
        if before.is_some_and(|before| before >= event.version()) {
            return Err(ApplyError::new(format!("{} after {before:?}", event.version())));
        }
        Ok(())
    }
}

pub(crate) fn event(position: u64, actor: &str, version: u64, added: &Added) -> RecordedEvent {
    let event = Event::new(&ActorId::new(actor).unwrap(), Version::new(version), "Added", added).unwrap();
    RecordedEvent::new(event, Position::new(position, 0), OffsetDateTime::UNIX_EPOCH, None)
}

pub(crate) fn added(keys: &[&str], amount: u64) -> Added {
    Added { keys: keys.iter().map(|key| (*key).to_owned()).collect(), amount, fault: None }
}

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
