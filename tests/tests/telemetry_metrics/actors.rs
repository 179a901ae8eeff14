//! The counts of actors.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aether_actor::event::DomainEvent;
use aether_actor::{
    Actor, ActorError, ActorOptions, ActorSystem, Answer, AskError, Command, CommandContext, CommandId,
    Decision, Handle, MemoryLimit, Query, SnapshotPolicy, Store,
};
use aether_core::{ActorId, Event, EventStoreExt, Version};
use aether_nats_server::unique_name;
use aether_store_memory::MemoryEventStore;
use serde::{Deserialize, Serialize};

use crate::scrape::{MEMORY_STORE, Scrape, until};

const LABEL: &str = "category=\"account\"";
const WITHIN: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
enum AccountEvent {
    Deposited { cents: u64 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("nothing to deposit")]
struct Nothing;

#[derive(Debug, Serialize, Deserialize, Command)]
struct Deposit {
    cents: u64,
}

#[derive(Debug, Serialize, Deserialize, Query)]
struct Balance;

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Account {
    cents: u64,
}

impl Actor for Account {
    const CATEGORY: &'static str = "account";
    type Event = AccountEvent;
    type Error = Nothing;
    type Commands = (Deposit,);
    type Queries = (Balance,);

    fn evolve(&mut self, event: &AccountEvent) {
        let AccountEvent::Deposited { cents } = event;
        self.cents += cents;
    }
}

impl Handle<Deposit> for Account {
    type Reply = u64;

    fn decide(&self, command: &Deposit, _: &CommandContext) -> Result<Decision<Self, u64>, Nothing> {
        match command.cents {
            0 => Err(Nothing),
            13 => panic!("unlucky"),
            HELD => {
                IS_WAITING.store(true, Ordering::Release);
                wait_for(&IS_OPEN);
                Ok(Decision::event(AccountEvent::Deposited { cents: HELD }).reply(self.cents + HELD))
            }
            cents => Ok(Decision::event(AccountEvent::Deposited { cents }).reply(self.cents + cents)),
        }
    }
}

impl Answer<Balance> for Account {
    type Reply = u64;

    fn answer(&self, _: &Balance) -> u64 {
        self.cents
    }
}

fn memory() -> Arc<MemoryEventStore> {
    Arc::new(MemoryEventStore::new())
}

/// A system that counts under this namespace, with actors that stay in memory.
async fn system(namespace: &str, store: &Arc<MemoryEventStore>, options: ActorOptions) -> ActorSystem {
    let store: Arc<dyn Store> = Arc::clone(store) as _;
    let builder = ActorSystem::builder(store).namespace(namespace);
    builder.actor_with::<Account>(options).start().await.unwrap()
}

fn staying() -> ActorOptions {
    ActorOptions::default().idle(None).snapshots(SnapshotPolicy::NEVER)
}

fn outcome(outcome: &str) -> String {
    format!("aether_actor_commands_total{{{LABEL},outcome=\"{outcome}\"}}")
}

fn passivated(reason: &str) -> String {
    format!("aether_actor_passivations_total{{{LABEL},reason=\"{reason}\"}}")
}

/// What the commands came to; whatever is not named did not happen.
#[track_caller]
fn assert_outcomes(scrape: &Scrape, expected: &[(&str, u64)]) {
    let all = [
        "done",
        "refused",
        "recalled",
        "overloaded",
        "expired",
        "stopped",
        "panicked",
        "parked",
        "contended",
        "failed",
    ];
    for name in all {
        let value = expected.iter().find(|(expected, _)| *expected == name).map_or(0, |(_, value)| *value);
        assert_eq!(scrape.get(&outcome(name)), value as f64, "{name} in {scrape:#?}");
    }
}

#[tokio::test]
async fn commands_are_counted_by_what_they_came_to() {
    let namespace = unique_name("actors");
    let _memory = MEMORY_STORE.lock().await;
    Scrape::begin().await;
    let store = memory();
    let system = system(&namespace, &store, staying()).await;
    let ada = system.actor::<Account>("ada");
    assert_eq!(ada.ask(Deposit { cents: 5 }).await, Ok(5));
    assert_eq!(ada.ask(Deposit { cents: 0 }).await, Err(AskError::Refused(Nothing)));
    let again = CommandId::new();
    for _ in 0..3 {
        assert_eq!(ada.ask(Deposit { cents: 7 }).id(again).await, Ok(12));
    }
    for _ in 0..4 {
        assert_eq!(ada.query(Balance).await, Ok(12));
    }
    let panicked = ada.ask(Deposit { cents: 13 }).await;
    assert!(matches!(panicked, Err(AskError::Failed(ActorError::Panicked { .. }))), "{panicked:?}");
    // It is loaded anew.
    assert_eq!(ada.ask(Deposit { cents: 1 }).await, Ok(13));

    let late = ada.ask(Deposit { cents: 2 }).within(Duration::ZERO).await;
    assert_eq!(late, Err(AskError::Failed(ActorError::Expired)));

    let scrape = Scrape::of(&namespace).await;
    assert_outcomes(
        &scrape,
        &[("done", 3), ("refused", 1), ("recalled", 2), ("panicked", 1), ("expired", 1)],
    );
    scrape.assert(
        LABEL,
        &[
            ("aether_actor_ask_duration_seconds_count", 8),
            ("aether_actor_ask_timeouts_total", 0),
            ("aether_actor_mailbox_wait_seconds_count", 8),
            ("aether_actor_turn_commands_sum", 8),
            ("aether_actor_panics_total", 1),
            ("aether_actor_conflicts_total", 0),
            ("aether_actor_save_retries_total", 0),
            ("aether_actor_activations_total", 2),
            ("aether_actor_activation_duration_seconds_count", 2),
            ("aether_actors_live", 1),
            ("aether_actors_unreadable", 0),
        ],
    );
    assert_eq!(scrape.get(&passivated("reloaded")), 1.0, "{scrape:#?}");

    let stopped = system.clone();
    let report = system.shutdown(WITHIN).await;
    assert_eq!(report.unhandled, []);
    stopped.actor::<Account>("ada").ask(Deposit { cents: 3 }).await.unwrap_err();
    assert_eq!(Scrape::of(&namespace).await.get(&outcome("stopped")), 1.0);
    // What is in memory is there for as long as the system is.
    drop((ada, stopped));
    until(&namespace, LABEL, &[("aether_actors_live", 0.0)]).await;
}

/// Opened by the test: a deposit of [`HELD`] waits for that.
static IS_OPEN: AtomicBool = AtomicBool::new(false);
static IS_WAITING: AtomicBool = AtomicBool::new(false);
const HELD: u64 = 99;

fn wait_for(flag: &AtomicBool) {
    while !flag.load(Ordering::Acquire) {
        std::thread::yield_now();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn commands_wait_together_and_a_full_mailbox_refuses() {
    let namespace = unique_name("actors");
    let _memory = MEMORY_STORE.lock().await;
    Scrape::begin().await;
    let store = memory();
    let system = system(&namespace, &store, staying().mailbox(3)).await;
    let ada = system.actor::<Account>("ada");
    let (held, runtime) = (ada.clone(), tokio::runtime::Handle::current());
    let held = std::thread::spawn(move || runtime.block_on(held.ask(Deposit { cents: HELD })));
    wait_for(&IS_WAITING);
    ada.ask(Deposit { cents: 1 }).tell().await.unwrap();
    ada.ask(Deposit { cents: 2 }).tell().await.unwrap();
    let late = ada.ask(Deposit { cents: 3 }).within(Duration::from_millis(20)).await;
    assert!(matches!(late, Err(AskError::Failed(ActorError::TimedOut { .. }))), "{late:?}");
    for cents in [4, 5] {
        let refused = ada.ask(Deposit { cents }).within(Duration::from_millis(1)).await;
        assert_eq!(refused, Err(AskError::Failed(ActorError::Overloaded { capacity: 3 })));
    }
    IS_OPEN.store(true, Ordering::Release);
    assert_eq!(held.join().unwrap(), Ok(HELD));
    assert_eq!(ada.query(Balance).linearizable().await, Ok(HELD + 3));

    let scrape = Scrape::of(&namespace).await;
    assert_outcomes(&scrape, &[("done", 3), ("expired", 1), ("overloaded", 2)]);
    scrape.assert(
        LABEL,
        &[
            ("aether_actor_ask_timeouts_total", 1),
            // The one that held the others up, and those three.
            ("aether_actor_turn_commands_count", 2),
            ("aether_actor_turn_commands_sum", 4),
            ("aether_actor_mailbox_wait_seconds_count", 4),
            ("aether_actor_ask_duration_seconds_count", 6),
        ],
    );
    let at_most_two = format!("aether_actor_turn_commands_bucket{{{LABEL},le=\"2\"}}");
    assert_eq!(scrape.get(&at_most_two), 1.0, "{scrape:#?}");
}

#[tokio::test]
async fn conflicts_are_counted_where_they_are_met() {
    let (here, there) = (unique_name("actors"), unique_name("actors"));
    let _memory = MEMORY_STORE.lock().await;
    Scrape::begin().await;
    let store = memory();
    let one = system(&here, &store, staying()).await;
    let other = system(&there, &store, staying()).await;
    let (mine, theirs) = (one.actor::<Account>("ada"), other.actor::<Account>("ada"));
    assert_eq!(mine.ask(Deposit { cents: 1 }).await, Ok(1));
    assert_eq!(theirs.ask(Deposit { cents: 2 }).await, Ok(3));
    assert_eq!(mine.ask(Deposit { cents: 4 }).await, Ok(7));
    let scrape = Scrape::of(&here).await;
    scrape.assert(
        LABEL,
        &[("aether_actor_conflicts_total", 1), ("aether_actor_decide_duration_seconds_count", 3)],
    );
    assert_outcomes(&scrape, &[("done", 2)]);
    Scrape::of(&there).await.assert(LABEL, &[("aether_actor_conflicts_total", 0)]);
}

#[tokio::test]
async fn a_parked_actor_is_counted_until_it_is_not_parked_any_more() {
    let namespace = unique_name("actors");
    let _memory = MEMORY_STORE.lock().await;
    Scrape::begin().await;
    let store = memory();
    let id = ActorId::new("account-ada").unwrap();
    let unknown = Event::new(&id, Version::new(1), "Unknown", &()).unwrap();
    store.save_event(&unknown).await.unwrap();
    let system = system(&namespace, &store, staying()).await;
    let ada = system.actor::<Account>("ada");
    for _ in 0..2 {
        let parked = ada.ask(Deposit { cents: 1 }).await;
        assert!(matches!(parked, Err(AskError::Failed(ActorError::Parked(_)))), "{parked:?}");
    }
    let scrape = Scrape::of(&namespace).await;
    assert_outcomes(&scrape, &[("parked", 2)]);
    let now =
        [("aether_actors_unreadable", 1), ("aether_actors_live", 0), ("aether_actor_activations_total", 0)];
    scrape.assert(LABEL, &now);
    assert!(system.unpark(&id));
    Scrape::of(&namespace).await.assert(LABEL, &[("aether_actors_unreadable", 0)]);
}

#[tokio::test]
async fn actors_that_leave_memory_are_counted_by_why() {
    let namespace = unique_name("actors");
    let _memory = MEMORY_STORE.lock().await;
    Scrape::begin().await;
    let store: Arc<dyn Store> = memory();
    let options = ActorOptions::default().idle(Duration::from_millis(40)).snapshots(SnapshotPolicy::every(2));
    let builder = ActorSystem::builder(store).namespace(&*namespace).memory_limit(MemoryLimit::actors(1));
    let system = builder.actor_with::<Account>(options).start().await.unwrap();
    let ada = system.actor::<Account>("ada");
    for cents in 1..=4 {
        ada.ask(Deposit { cents }).await.unwrap();
        // A snapshot is taken beside the actor's work.
        tokio::task::yield_now().await;
    }
    let saved = format!("{LABEL},outcome=\"saved\"");
    until(&namespace, &saved, &[("aether_actor_snapshots_total", 2.0)]).await;
    system.actor::<Account>("eve").ask(Deposit { cents: 1 }).await.unwrap();
    until(&namespace, LABEL, &[("aether_actors_live", 0.0)]).await;
    let scrape = Scrape::of(&namespace).await;
    let left = scrape.get(&passivated("memory")) + scrape.get(&passivated("idle"));
    assert_eq!(left, scrape.get(&format!("aether_actor_activations_total{{{LABEL}}}")), "{scrape:#?}");
    assert!(scrape.get(&passivated("idle")) >= 1.0, "{scrape:#?}");
}
