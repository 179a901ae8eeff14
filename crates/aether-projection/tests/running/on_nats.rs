//! Views in keys on a real server, made by several processes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aether_coordination::{NatsConfig, NatsCoordination};
use aether_core::{Event, EventStore, EventStoreExt};
use aether_nats_server::{shared_r1, unique_name};
use aether_projection::versions::KvVersions;
use aether_projection::{KvModel, Projector};
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore};

use crate::common::{PATIENCE, Totals, customer, event, save_orders, totals};

/// What one process has.
struct Process {
    store: Arc<JetStreamEventStore>,
    model: KvModel<Totals>,
}

impl Process {
    async fn start(namespace: &str, version: u32) -> Self {
        let client = async_nats::connect(shared_r1().unwrap()).await.unwrap();
        let config = JetStreamConfig::new("events").namespace(namespace);
        let store = Arc::new(JetStreamEventStore::create(client.clone(), config).await.unwrap());
        let config = NatsConfig::new("views").namespace(namespace);
        let coordination = Arc::new(NatsCoordination::create(client, config).await.unwrap());
        Self { store, model: KvModel::new(Totals::new(version), coordination) }
    }

    async fn run(&self) -> Projector {
        let builder = self.model.projector(self.store.clone()).partitions(8).max_batch(64);
        builder
            .group(|group| {
                group.suspect_after(Duration::from_secs(1)).pulse_every(Duration::from_millis(100))
            })
            .run()
            .await
            .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_equal_a_replay_when_processes_come_and_die() {
    let namespace = unique_name("projection");
    let (one, two, three) = (
        Process::start(&namespace, 1).await,
        Process::start(&namespace, 1).await,
        Process::start(&namespace, 1).await,
    );
    let orders: Vec<Event> =
        (0..2_000).map(|number| event(&format!("order-{number}"), 1, "Placed", number)).collect();
    // All customers' totals are changed by all partitions, so that the members get in each other's way.
    let first = one.run().await;
    save_all(&*one.store, &orders[..500]).await;
    let second = two.run().await;
    save_all(&*one.store, &orders[500..1_000]).await;
    drop(first);
    save_all(&*one.store, &orders[1_000..1_500]).await;
    let third = three.run().await;
    drop(second);
    save_all(&*one.store, &orders[1_500..]).await;
    let last = save_orders(&*one.store, 2_000..2_001).await;
    third.wait_for(last, PATIENCE).await.unwrap();
    assert_eq!(one.model.views().await.unwrap(), totals(0..2_001, 1));
    third.stop().await.unwrap();
}

/// Version 2 is built while version 1 is read and events are saved; a reader of its own connection sees no gap.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_go_over_to_a_new_version_at_once() {
    let namespace = unique_name("release");
    let one = Process::start(&namespace, 1).await;
    let two = Process::start(&namespace, 2).await;
    let last = save_orders(&*one.store, 0..1_000).await;
    let old = KvVersions::new(one.model.clone()).release(one.store.clone(), |builder| builder).await.unwrap();
    old.wait_for(last, PATIENCE).await.unwrap();
    let versions = KvVersions::new(two.model.clone()).retire_after(Duration::from_millis(1_500));
    let views = KvVersions::new(one.model.clone()).views();
    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (views, done) = (views.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            let mut looks = 0;
            while !done.load(Ordering::Relaxed) {
                assert!(views.get(&customer(3)).await.unwrap().unwrap().orders >= 100);
                looks += 1;
            }
            looks
        })
    };
    let new = versions.release(two.store.clone(), |builder| builder.partitions(4)).await.unwrap();
    let last = save_orders(&*one.store, 1_000..1_010).await;
    new.wait_for(last, PATIENCE).await.unwrap();
    done.store(true, Ordering::Relaxed);
    assert!(reader.await.unwrap() > 0);
    assert_eq!(views.views().await.unwrap(), totals(0..1_010, 2));
    assert!(one.model.views().await.unwrap().is_empty(), "the old views are gone");
    new.stop().await.unwrap();
}

async fn save_all(store: &dyn EventStore, events: &[Event]) {
    for event in events {
        store.save_event(event).await.unwrap();
    }
}
