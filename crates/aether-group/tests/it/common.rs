//! A group to look at: what was handled, by whom, and in which order.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aether_coordination::Coordination;
use aether_core::{ActorId, Event, EventStore, EventStoreExt, Position, Subscribe, Version};
use aether_group::{Batch, Claim, ConsumerGroup, Epoch, GroupBuilder, HandleError, Handler, Partition};

/// How long anything here may take.
pub(crate) const WITHIN: Duration = Duration::from_secs(30);

/// What was handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) member: String,
    pub(crate) actor: ActorId,
    pub(crate) version: u64,
    pub(crate) partition: Partition,
    pub(crate) epoch: Epoch,
    pub(crate) resumed: bool,
}

/// Notes what is handled. Events of type `Poison` fail as long as they are not cured.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) seen: Mutex<Vec<Seen>>,
    pub(crate) cured: Mutex<bool>,
    pub(crate) attempts: Mutex<HashMap<(ActorId, u64), u32>>,
    pub(crate) gained: Mutex<Vec<(String, Partition, Epoch)>>,
    pub(crate) lost: Mutex<Vec<(String, Partition, Epoch)>>,
}

impl Log {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A handler that notes here what a member of this name handles, and takes so long for each event.
    pub(crate) fn handler(self: &Arc<Self>, member: &str, pause: Duration) -> Noting {
        Noting { log: self.clone(), member: member.to_owned(), pause }
    }

    pub(crate) fn cure(&self) {
        *self.cured.lock().unwrap() = true;
    }

    pub(crate) fn len(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// The versions that were handled of each actor, in the order in which that happened.
    pub(crate) fn by_actor(&self) -> BTreeMap<ActorId, Vec<u64>> {
        let mut actors = BTreeMap::<_, Vec<u64>>::new();
        for seen in self.seen.lock().unwrap().iter() {
            actors.entry(seen.actor.clone()).or_default().push(seen.version);
        }
        actors
    }

    pub(crate) fn versions(&self, actor: &str) -> Vec<u64> {
        self.by_actor().remove(&id(actor)).unwrap_or_default()
    }

    pub(crate) fn attempts(&self, actor: &str, version: u64) -> u32 {
        self.attempts.lock().unwrap().get(&(id(actor), version)).copied().unwrap_or(0)
    }

    /// Each actor's events came in order, all of them: after a repetition it goes on from where it was repeated.
    pub(crate) fn assert_in_order(&self, actors: usize, events: u64) {
        let handled = self.by_actor();
        assert_eq!(handled.len(), actors);
        for (actor, versions) in handled {
            let mut next = 1;
            for version in &versions {
                assert!(*version <= next, "{actor}: {version} came before {next}: {versions:?}");
                next = version + 1;
            }
            assert_eq!(next, events + 1, "{actor}: {versions:?}");
        }
    }

    /// Each event came once, in its actor's order.
    pub(crate) fn assert_exactly_once(&self, actors: usize, events: u64) {
        let handled = self.by_actor();
        assert_eq!(handled.len(), actors);
        for (actor, versions) in handled {
            assert_eq!(versions, (1..=events).collect::<Vec<_>>(), "{actor}");
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Noting {
    log: Arc<Log>,
    member: String,
    pause: Duration,
}

#[async_trait::async_trait]
impl Handler for Noting {
    async fn handle(&self, batch: &Batch) -> Result<(), HandleError> {
        if !self.pause.is_zero() {
            tokio::time::sleep(self.pause).await;
        }
        for (index, event) in batch.events.iter().enumerate() {
            let (actor, version) = (event.actor().clone(), event.version().get());
            *self.log.attempts.lock().unwrap().entry((actor.clone(), version)).or_default() += 1;
            let cured = *self.log.cured.lock().unwrap();
            if !cured {
                match event.event_type() {
                    "Poison" => return Err(HandleError::retry("it is poison").at(index)),
                    "Panic" => panic!("it makes one panic"),
                    _ => {}
                }
            }
            self.log.seen.lock().unwrap().push(Seen {
                member: self.member.clone(),
                actor,
                version,
                partition: batch.partition,
                epoch: batch.epoch,
                resumed: batch.resumed,
            });
        }
        Ok(())
    }

    async fn gained(&self, claim: &Claim) -> Result<Option<Position>, HandleError> {
        let mut gained = self.log.gained.lock().unwrap();
        gained.push((self.member.clone(), claim.partition, claim.epoch));
        Ok(None)
    }

    async fn lost(&self, claim: &Claim) {
        self.log.lost.lock().unwrap().push((self.member.clone(), claim.partition, claim.epoch));
    }
}

/// Stands still, with everything else in its runtime, for so long at one event, once it is told to.
#[derive(Debug)]
pub(crate) struct Freezing {
    pub(crate) handler: Noting,
    pub(crate) freeze: Arc<AtomicBool>,
    pub(crate) span: Duration,
}

#[async_trait::async_trait]
impl Handler for Freezing {
    async fn handle(&self, batch: &Batch) -> Result<(), HandleError> {
        self.handler.handle(batch).await?;
        if self.freeze.swap(false, Ordering::Relaxed) {
            std::thread::sleep(self.span);
        }
        Ok(())
    }
}

/// The actor of this id.
pub(crate) fn id(actor: &str) -> ActorId {
    ActorId::new(actor).unwrap()
}

/// An event of this type as this version of the actor.
pub(crate) fn event(actor: &str, version: u64, kind: &'static str) -> Event {
    Event::new(&id(actor), Version::new(version), kind, &version).unwrap()
}

/// Saves an event of this type as this version of the actor.
pub(crate) async fn save<S: EventStore + ?Sized>(
    store: &S,
    actor: &str,
    version: u64,
    kind: &'static str,
) -> Position {
    store.save_event(&event(actor, version, kind)).await.unwrap().position
}

/// Saves events `1..=events` of so many actors, in turns; the last position.
pub(crate) async fn save_all<S: EventStore + ?Sized>(store: &S, actors: usize, events: u64) -> Position {
    save_versions(store, actors, 1..=events).await
}

/// Saves these versions of so many actors, in turns; the last position.
pub(crate) async fn save_versions<S: EventStore + ?Sized>(
    store: &S,
    actors: usize,
    versions: std::ops::RangeInclusive<u64>,
) -> Position {
    let mut last = Position::new(0, 0);
    for version in versions {
        for actor in 0..actors {
            last = save(store, &format!("order-{actor}"), version, "Happened").await;
        }
    }
    last
}

/// A member with short times.
pub(crate) fn builder(
    name: &str,
    store: &Arc<dyn Subscribe>,
    coordination: &Arc<dyn Coordination>,
) -> GroupBuilder {
    ConsumerGroup::builder(name, store.clone(), coordination.clone())
        .partitions(16)
        .pulse_every(Duration::from_millis(100))
        .suspect_after(Duration::from_millis(600))
        .checkpoint_every(Duration::from_millis(50))
        .retry(
            aether_group::Retry::default()
                .attempts(3)
                .delays(Duration::from_millis(5), Duration::from_millis(50)),
        )
}

/// Waits until the condition holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + WITHIN;
    while !holds() {
        assert!(tokio::time::Instant::now() < deadline, "not within {WITHIN:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
