//! What outlives a system: a store, the coordination, the timers and a clock; and what is looked at in the tests.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aether_actor::event::UnknownEvents;
use aether_actor::{
    ActorOptions, ActorSystem, ActorSystemBuilder, CommandId, ConsumerOptions, Process, ProcessOptions,
    Retry, Store,
};
use aether_coordination::{Coordination, MemoryCoordination};
use aether_core::{Clock, ReadFrom, RecordedEvent, SystemClock, Timers, Version};
use aether_store_memory::{MemoryEventStore, MemoryTimers};
use futures_util::TryStreamExt;
use time::OffsetDateTime;

use super::bank::{Account, AskTransfer, Balance, Open};
use super::transfer::{Ended, Transfer};

/// How long anything here may take.
pub(crate) const WITHIN: Duration = Duration::from_secs(30);

/// A clock that is moved by hand.
#[derive(Debug, Clone)]
pub(crate) struct ByHand(Arc<Mutex<OffsetDateTime>>);

impl ByHand {
    pub(crate) fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for ByHand {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }
}

/// What outlives a system.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) coordination: Arc<dyn Coordination>,
    pub(crate) timers: Arc<dyn Timers>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl World {
    /// In memory, with a clock that is moved by hand.
    pub(crate) fn by_hand() -> (Self, MemoryEventStore, ByHand) {
        let store = MemoryEventStore::new();
        let clock = ByHand(Arc::new(Mutex::new(OffsetDateTime::now_utc())));
        let timers = Arc::new(MemoryTimers::with_clock(clock.clone()));
        let world = Self {
            store: Arc::new(store.clone()),
            coordination: Arc::new(MemoryCoordination::new()),
            timers,
            clock: Arc::new(clock.clone()),
        };
        (world, store, clock)
    }

    /// On these, by the machine's clock.
    pub(crate) fn on(
        store: Arc<dyn Store>,
        coordination: Arc<dyn Coordination>,
        timers: Arc<dyn Timers>,
    ) -> Self {
        Self { store, coordination, timers, clock: Arc::new(SystemClock) }
    }

    /// The same over another store.
    pub(crate) fn over(&self, store: impl Store + 'static) -> Self {
        Self { store: Arc::new(store), ..self.clone() }
    }

    /// The same, after the groups have lost all memory of what they have handled.
    pub(crate) fn forgetful(&self) -> Self {
        Self { coordination: Arc::new(MemoryCoordination::new()), ..self.clone() }
    }

    /// A system with accounts, and nothing that follows the events.
    pub(crate) fn bare(&self) -> ActorSystemBuilder {
        self.empty().actor::<Account>()
    }

    fn empty(&self) -> ActorSystemBuilder {
        ActorSystem::builder(Arc::clone(&self.store))
            .clock(Arc::clone(&self.clock))
            .coordination(Arc::clone(&self.coordination))
    }

    /// A system with timers.
    pub(crate) fn builder(&self) -> ActorSystemBuilder {
        self.bare().timers_with(Arc::clone(&self.timers), quick())
    }

    /// A system with accounts and transfers.
    pub(crate) async fn bank(&self) -> ActorSystem {
        let options = ProcessOptions::default().consumer(quick());
        self.builder().process_with::<Transfer>(options).start().await.unwrap()
    }

    /// A system with accounts and transfers, which do this about events that they do not know.
    pub(crate) async fn bank_with(&self, transfers: UnknownEvents, accounts: UnknownEvents) -> ActorSystem {
        let options = ProcessOptions::default().consumer(quick()).unknown_events(transfers);
        let system = self.empty().actor_with::<Account>(ActorOptions::default().unknown_events(accounts));
        let system = system.timers_with(Arc::clone(&self.timers), quick());
        system.process_with::<Transfer>(options).start().await.unwrap()
    }

    /// All events, in order.
    pub(crate) async fn log(&self) -> Vec<RecordedEvent> {
        self.store.get_all(ReadFrom::Start, usize::MAX).try_collect().await.unwrap()
    }

    /// The types of an actor's events, in order.
    pub(crate) async fn types(&self, actor: &str) -> Vec<String> {
        let log = self.log().await;
        let of = log.iter().filter(|event| event.actor().as_str() == actor);
        of.map(|event| event.event_type().to_owned()).collect()
    }

    /// Waits until the log is like that.
    pub(crate) async fn until_log(&self, what: &str, holds: impl Fn(&[RecordedEvent]) -> bool) {
        let deadline = tokio::time::Instant::now() + WITHIN;
        loop {
            let log = self.log().await;
            if holds(&log) {
                return;
            }
            let types: Vec<_> = log.iter().rev().take(20).map(|e| (e.actor(), e.event_type())).collect();
            assert!(
                tokio::time::Instant::now() < deadline,
                "not within {WITHIN:?}: {what}; last: {types:#?}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Consumers that are quick to find out who is gone.
pub(crate) fn quick() -> ConsumerOptions {
    ConsumerOptions::default()
        .partitions(8)
        .suspect_after(Duration::from_millis(600))
        .retry(Retry::default().attempts(3).delays(Duration::from_millis(5), Duration::from_millis(50)))
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + WITHIN;
    while !holds() {
        assert!(tokio::time::Instant::now() < deadline, "not within {WITHIN:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) async fn open(system: &ActorSystem, account: &str, cents: u64) {
    let account = system.actor::<Account>(account);
    account.ask(Open { cents }).await.unwrap();
}

pub(crate) async fn ask(system: &ActorSystem, transfer: &str, from: &str, to: &str, cents: u64) {
    let command = AskTransfer { transfer: transfer.into(), to: to.into(), cents };
    let id = CommandId::from_key(transfer);
    system.actor::<Account>(from).ask(command).id(id).await.unwrap();
}

pub(crate) async fn balance(system: &ActorSystem, account: &str) -> u64 {
    system.actor::<Account>(account).query(Balance).linearizable().await.unwrap()
}

pub(crate) async fn transfer(system: &ActorSystem, transfer: &str) -> Transfer {
    let (process, _) =
        system.state_at_version::<Process<Transfer>>(transfer, Version::new(u64::MAX)).await.unwrap();
    process.state().clone()
}

/// Waits until a transfer has ended, and how.
pub(crate) async fn ended(system: &ActorSystem, key: &str) -> Ended {
    let deadline = tokio::time::Instant::now() + WITHIN;
    loop {
        if let Some(how) = transfer(system, key).await.ended {
            return how;
        }
        assert!(tokio::time::Instant::now() < deadline, "transfer {key} has not ended within {WITHIN:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
