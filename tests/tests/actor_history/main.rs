//! Two systems over one store hammer the same actors: no wrong state, no lost or doubled command, no false refusal.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod hammer;
mod history;
mod judge;
mod list;

use std::sync::Arc;
use std::time::Duration;

use aether_actor::{ActorOptions, ActorSystem, SnapshotPolicy, Store};
use aether_core::EventStore;
use aether_nats_server::{shared_r1, unique_name};
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore};
use aether_store_memory::MemoryEventStore;

use hammer::{Hammer, Load};
use history::{Verdict, longest_gap};
use list::List;

const LOAD: Load = Load { askers: 32, actors: 100, rest: Duration::ZERO };
/// How much is asked in all.
const OPERATIONS: u64 = 4_000;
/// How long it may take: a machine that is busy with other things is slow.
const WITHIN: Duration = Duration::from_secs(120);
/// How long nobody may be answered while nothing is wrong with the store.
const GAP: Duration = Duration::from_secs(20);

/// Few remembered commands, frequent snapshots, and actors that leave memory soon: everything happens.
fn options() -> ActorOptions {
    ActorOptions::default()
        .remember(4)
        .snapshots(SnapshotPolicy::every(7).or_at_passivation(3))
        .idle(Duration::from_millis(40))
}

async fn hammer(stores: [Arc<dyn Store>; 2]) {
    let [first, second] = stores;
    let start = async |store: &Arc<dyn Store>| {
        ActorSystem::builder(Arc::clone(store)).actor_with::<List>(options()).start().await.unwrap()
    };
    let systems = [start(&first).await, start(&second).await];
    let hammer = Hammer::start(&systems, LOAD, fastrand::u64(..));
    tokio::time::timeout(WITHIN, async {
        while hammer.answered() < OPERATIONS {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
    let done = hammer.stop().await;
    let store: Arc<dyn EventStore> = first;
    let verdict = Verdict::of(&*store, &done.operations).await.unwrap();
    let wrong = verdict.violations().into_iter().find(|(_, count)| *count > 0);
    assert_eq!(wrong, None, "{verdict:?}");
    assert_eq!(done.disagreed, 0, "{verdict:?}");
    // No actor has so many commits that a command that was sent again could not be found.
    assert_eq!((verdict.window_passed, verdict.unanswered), (0, 0), "{verdict:?}");
    assert!(verdict.sent_again > OPERATIONS / 10 && verdict.refused > OPERATIONS / 20, "{verdict:?}");
    let gap = longest_gap(&done.operations);
    assert!(gap < GAP, "nobody was answered for {gap:?}");
    for system in systems {
        assert!(system.shutdown(Duration::from_secs(10)).await.unhandled.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_memory_store() {
    let store = MemoryEventStore::new();
    hammer([Arc::new(store.clone()), Arc::new(store)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_jetstream() {
    let config = JetStreamConfig::new("lists").namespace(unique_name("history"));
    let mut stores = Vec::new();
    for _ in 0..2 {
        let client = async_nats::connect(shared_r1().unwrap()).await.unwrap();
        stores.push(JetStreamEventStore::create(client, config.clone()).await.unwrap());
    }
    let [first, second] = [stores[0].clone(), stores[1].clone()];
    hammer([Arc::new(first), Arc::new(second)]).await;
}
