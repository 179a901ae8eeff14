//! [`GroupAdmin`]: a look at a group, and at its parked actors, from any process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aether_coordination::{Change, Condition, Coordination, Entry, Key, Revision};
use aether_core::{ActorId, EventStream, Position, Source, Subscribe};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout, timeout_at};

use crate::record::{Keys, Message, Record, Request, Settings, Skip, decode, encode};
use crate::window::after;
use crate::{Epoch, Letter, LetterError, MemberId, ParkedActor, Partition, Resumed};

/// How often somebody who waits looks for himself, since a change may not have been heard of.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A group seen from outside: where its partitions are, and which actors are parked. Needs no member in the process; but
/// what is asked for is done by the member that has the actor's partition.
#[derive(Debug, Clone)]
pub struct GroupAdmin {
    group: Arc<str>,
    store: Arc<dyn Subscribe>,
    coordination: Arc<dyn Coordination>,
    within: Duration,
}

/// The stored state of a partition.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PartitionStatus {
    /// The number of its last claim.
    pub epoch: Epoch,
    /// The owner, if there is one.
    pub owner: Option<MemberId>,
    /// The checkpoint.
    pub position: Option<Position>,
    /// The parked actors.
    pub parked: Vec<ParkedActor>,
}

impl GroupAdmin {
    /// A look at the group of this name, which handles the events of `store`.
    #[must_use]
    pub fn new(
        group: impl Into<Arc<str>>,
        store: Arc<dyn Subscribe>,
        coordination: Arc<dyn Coordination>,
    ) -> Self {
        Self { group: group.into(), store, coordination, within: Duration::from_secs(30) }
    }

    /// Sets the longest wait for the group to carry out a request; 30 s by default.
    #[must_use]
    pub fn within(mut self, deadline: Duration) -> Self {
        self.within = deadline;
        self
    }

    /// Returns the stored state of the partitions, without those that were never claimed.
    ///
    /// # Errors
    /// [`LetterError`].
    pub async fn partitions(&self) -> Result<BTreeMap<Partition, PartitionStatus>, LetterError> {
        self.settings().await?;
        Ok(self
            .records()
            .await?
            .into_iter()
            .map(|(partition, record)| (partition, status(partition, record)))
            .collect())
    }

    /// Waits until the group has handled everything up to a position; the events of parked actors count as handled.
    /// Without a deadline of its own.
    ///
    /// # Errors
    /// [`LetterError`] if the group's keys cannot be read.
    ///
    /// # Cancel safety
    /// Can be given up at any time.
    pub async fn wait_for(&self, position: Position) -> Result<(), LetterError> {
        let partitions = self.settings().await?.partitions;
        let keys = self.keys();
        let mut changes = self.coordination.watch(&keys.partitions).await?;
        // Members write their checkpoints when they feel like it, unless somebody waits for them.
        let flush = encode(&Message::Flush { position });
        self.coordination.send(&keys.pulse, flush.clone()).await?;
        let mut records = self.records().await?;
        loop {
            let reached = |partition| {
                records.get(&partition).is_some_and(|record| !after(Some(position), record.position))
            };
            if Partition::all(partitions).all(reached) {
                return Ok(());
            }
            match timeout(LOOK_EVERY, changes.next()).await {
                Ok(Some(Change::Put(entry))) => {
                    if let Some(partition) = keys.partition_of(&entry.key) {
                        records.insert(partition, read(&entry)?);
                    }
                }
                Ok(Some(_)) => {}
                Ok(None) => {
                    tokio::time::sleep(LOOK_EVERY).await;
                    changes = self.coordination.watch(&keys.partitions).await?;
                }
                Err(_) => {
                    self.coordination.send(&keys.pulse, flush.clone()).await?;
                    records = self.records().await?;
                }
            }
        }
    }

    /// All parked actors, by partition and id.
    ///
    /// # Errors
    /// [`LetterError`].
    pub async fn parked(&self) -> Result<Vec<ParkedActor>, LetterError> {
        Ok(self.partitions().await?.into_values().flat_map(|partition| partition.parked).collect())
    }

    /// Returns the reason why an actor is parked.
    ///
    /// # Errors
    /// [`LetterError::NotParked`] if it is not.
    pub async fn inspect(&self, actor: &ActorId) -> Result<ParkedActor, LetterError> {
        let partition = Partition::of(actor, self.settings().await?.partitions);
        let entry = self.coordination.get(&self.keys().partition(partition)).await?;
        let record: Option<Record> = entry.as_ref().map(read).transpose()?;
        let parked = record.and_then(|mut record| record.parked.remove(actor));
        match parked {
            Some(parked) => Ok(ParkedActor { actor: actor.clone(), partition, parked }),
            None => Err(LetterError::NotParked(actor.clone())),
        }
    }

    /// The failed event of a parked actor and, behind it, those that wait, in order, straight from the store: up to the
    /// actor's last one, whether or not the group has come to it.
    ///
    /// # Errors
    /// [`LetterError::NotParked`] if it is not parked; in the stream, what a store reports, also that events have expired.
    pub async fn queue(&self, actor: &ActorId) -> Result<EventStream, LetterError> {
        Ok(self.store.get_events(actor, self.inspect(actor).await?.parked.version))
    }

    /// Returns the letters of the events for which an actor was ever parked, by version.
    ///
    /// # Errors
    /// [`LetterError`].
    pub async fn letters(&self, actor: &ActorId) -> Result<Vec<Letter>, LetterError> {
        let entries = self.coordination.entries(&self.keys().letters_of(actor)).await?;
        let mut letters: Vec<Letter> = entries.iter().map(read).collect::<Result<_, _>>()?;
        letters.sort_by_key(|letter| letter.parked.version);
        Ok(letters)
    }

    /// Has a parked actor's failed event, and then those that wait behind it, handled again, and waits for the outcome.
    ///
    /// # Errors
    /// [`LetterError`]; [`LetterError::TimedOut`] leaves the request standing.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the request standing, if it was written.
    pub async fn resume(&self, actor: &ActorId) -> Result<Resumed, LetterError> {
        self.request(actor, None).await
    }

    /// Leaves a parked actor's failed event out, has those that wait behind it handled, and waits for the outcome. Reason
    /// and author are kept in the event's letter.
    ///
    /// # Errors
    /// As [`resume`](Self::resume).
    ///
    /// # Cancel safety
    /// As [`resume`](Self::resume).
    pub async fn skip(&self, actor: &ActorId, reason: &str, by: &str) -> Result<Resumed, LetterError> {
        self.request(actor, Some(Skip { reason: reason.to_owned(), by: by.to_owned() })).await
    }

    async fn request(&self, actor: &ActorId, skip: Option<Skip>) -> Result<Resumed, LetterError> {
        let deadline = Instant::now() + self.within;
        let key = self.keys().request(actor);
        let mut changes = self.coordination.watch(&self.keys().requests).await?;
        let version = self.inspect(actor).await?.parked.version;
        let revision = self.ask(actor, &key, &Request { version, skip, refused: None }).await?;
        loop {
            let request = match self.coordination.get(&key).await? {
                // A read may be behind what was written, or the request may be somebody else's by now.
                Some(entry) if entry.revision >= revision => {
                    Some(read::<Request>(&entry)?).zip(Some(entry.revision))
                }
                Some(_) => None,
                None => return self.outcome(actor).await,
            };
            match request {
                Some((Request { version: other, .. }, _)) if other != version => {
                    return self.outcome(actor).await;
                }
                Some((Request { refused: Some(reason), .. }, revision)) => {
                    // Whoever comes first removes it.
                    let _ = self.coordination.delete(&key, revision).await;
                    return Err(LetterError::QueueUnreadable { actor: actor.clone(), reason });
                }
                _ if Instant::now() >= deadline => {
                    return Err(LetterError::TimedOut { actor: actor.clone(), within: self.within });
                }
                _ => {}
            }
            let look_at = deadline.min(Instant::now() + LOOK_EVERY);
            let of_key = async {
                while let Some(change) = changes.next().await {
                    if *change.key() == key {
                        return;
                    }
                }
                // There will be no more changes: what is left is to look.
                std::future::pending().await
            };
            let _ = timeout_at(look_at, of_key).await;
        }
    }

    /// Writes a request, or joins one that asks for the same.
    async fn ask(&self, actor: &ActorId, key: &Key, request: &Request) -> Result<Revision, LetterError> {
        let condition = match self.coordination.get(key).await? {
            None => Condition::Absent,
            Some(entry) => {
                let other: Request = read(&entry)?;
                if other == *request {
                    return Ok(entry.revision);
                }
                if other.refused.is_none() && other.version == request.version {
                    return Err(LetterError::Busy(actor.clone()));
                }
                Condition::At(entry.revision)
            }
        };
        match self.coordination.put(key, encode(request), condition).await {
            Err(error) if error.is_conflict() => Err(LetterError::Busy(actor.clone())),
            result => Ok(result?),
        }
    }

    async fn outcome(&self, actor: &ActorId) -> Result<Resumed, LetterError> {
        match self.inspect(actor).await {
            Ok(again) => Ok(Resumed::ParkedAgain(again.parked)),
            Err(error) if error.is_not_parked() => Ok(Resumed::Done),
            Err(error) => Err(error),
        }
    }

    fn keys(&self) -> Keys {
        Keys::new(&self.group)
    }

    async fn settings(&self) -> Result<Settings, LetterError> {
        match self.coordination.get(&self.keys().settings).await? {
            Some(entry) => read(&entry),
            None => Err(LetterError::NoGroup(self.group.to_string())),
        }
    }

    async fn records(&self) -> Result<BTreeMap<Partition, Record>, LetterError> {
        let keys = self.keys();
        let mut records = BTreeMap::new();
        for entry in self.coordination.entries(&keys.partitions).await? {
            if let Some(partition) = keys.partition_of(&entry.key) {
                records.insert(partition, read(&entry)?);
            }
        }
        Ok(records)
    }
}

fn status(partition: Partition, record: Record) -> PartitionStatus {
    let parked = record.parked.into_iter().map(|(actor, parked)| ParkedActor { actor, partition, parked });
    PartitionStatus {
        epoch: record.epoch,
        owner: record.owner,
        position: record.position,
        parked: parked.collect(),
    }
}

fn read<T: DeserializeOwned>(entry: &Entry) -> Result<T, LetterError> {
    decode(&entry.value).map_err(|source: Source| LetterError::Corrupt { key: entry.key.to_string(), source })
}
