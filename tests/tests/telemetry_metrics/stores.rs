//! The counts of the stores.

use aether_core::{
    ActorId, ActorSnapshot, Event, EventStore, EventStoreExt, Expected, Head, SnapshotStore, Version,
};
use aether_nats_server::{shared_r1, unique_name};
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore};
use aether_store_memory::MemoryEventStore;
use aether_telemetry::metrics::NO_NAMESPACE;
use futures_util::{StreamExt, TryStreamExt};

use crate::scrape::{MEMORY_STORE, Scrape};

fn event(actor: &ActorId, version: u64) -> Event {
    Event::new(actor, Version::new(version), "Happened", &version).unwrap()
}

/// Work of which every count is known.
async fn work(store: &(impl EventStore + SnapshotStore)) {
    let actor = ActorId::new("order-1").unwrap();
    let events: Vec<Event> = (1..=5).map(|version| event(&actor, version)).collect();
    store.save_event(&events[0]).await.unwrap();
    store.save_events(&events[1..]).await.unwrap();
    // Saved again, it is the same success.
    store.save_event(&events[0]).await.unwrap();
    for expected in [Expected::NoEvents, Expected::Exact(Version::new(2))] {
        let error = store.save_expecting(&[event(&actor, 6)], expected).await.unwrap_err();
        assert!(error.is_version_conflict(), "{error}");
    }
    store.save_events(&[]).await.unwrap_err();

    // Two loads to their ends, and one of two events that is given up.
    assert_eq!(store.get_events(&actor, Version::ZERO).try_collect::<Vec<_>>().await.unwrap().len(), 5);
    assert_eq!(store.get_commits(&actor, Head::NONE).try_collect::<Vec<_>>().await.unwrap().len(), 2);
    assert_eq!(store.get_events_backward(&actor, Version::MAX).take(2).count().await, 2);

    assert!(store.load_snapshot(&actor).await.unwrap().is_none());
    for version in [5, 4] {
        let snapshot = ActorSnapshot::new(&actor, Version::new(version), &version).unwrap();
        store.save_snapshot(&snapshot).await.unwrap();
    }
    for _ in 0..3 {
        assert!(store.load_snapshot(&actor).await.unwrap().is_some());
    }
}

const COUNTED: &[(&str, u64)] = &[
    ("aether_saves_total", 3),
    ("aether_events_saved_total", 6),
    ("aether_save_conflicts_total", 2),
    ("aether_save_retries_total", 0),
    ("aether_save_doubts_total", 0),
    ("aether_save_unknown_outcomes_total", 0),
    ("aether_save_duration_seconds_count", 6),
    ("aether_load_duration_seconds_count", 2),
    ("aether_events_loaded_total", 12),
    ("aether_snapshots_saved_total", 1),
    ("aether_snapshot_misses_total", 1),
    ("aether_snapshot_hits_total", 3),
];

#[tokio::test]
async fn the_memory_store_counts_what_was_done() {
    // The recorder is installed when the store is there already.
    let _memory = MEMORY_STORE.lock().await;
    let store = MemoryEventStore::new();
    let before = Scrape::of(NO_NAMESPACE).await;
    work(&store).await;
    let scrape = Scrape::of(NO_NAMESPACE).await.since(&before);
    scrape.assert("store=\"memory\"", COUNTED);
    scrape.assert("store=\"memory\",reason=\"invalid\"", &[("aether_save_failures_total", 1)]);
    let label = "store=\"memory\",le=\"10\"";
    scrape.assert(label, &[("aether_save_duration_seconds_bucket", 6)]);
}

#[tokio::test]
async fn the_jetstream_store_counts_what_was_done() {
    let namespace = unique_name("metrics");
    let client = async_nats::connect(shared_r1().unwrap()).await.unwrap();
    let config = JetStreamConfig::new("events").namespace(&namespace);
    let store = JetStreamEventStore::create(client.clone(), config.clone()).await.unwrap();
    Scrape::begin().await;
    work(&store).await;
    let scrape = Scrape::of(&namespace).await;
    let label = "store=\"jetstream\"";
    scrape.assert(label, COUNTED);
    scrape.assert("store=\"jetstream\",reason=\"invalid\"", &[("aether_save_failures_total", 1)]);
    // The first save knows nothing, the second does. Saved again, and in conflict, they look at the log.
    let stats = store.stats();
    assert!(stats.cache_hits >= 1 && stats.cache_misses >= 2, "{stats:?}");
    scrape.assert(
        label,
        &[("aether_cache_hits_total", stats.cache_hits), ("aether_cache_misses_total", stats.cache_misses)],
    );

    // A second store of the namespace counts on the same series.
    let second = JetStreamEventStore::open(client, config).await.unwrap();
    second.save_event(&event(&ActorId::new("order-2").unwrap(), 1)).await.unwrap();
    Scrape::of(&namespace)
        .await
        .assert(label, &[("aether_saves_total", 4), ("aether_events_saved_total", 7)]);
}
