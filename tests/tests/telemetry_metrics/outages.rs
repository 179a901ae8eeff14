//! The counts of saves whose answers are lost.

use std::time::Duration;

use aether_core::{ActorId, Event, EventStoreExt, SaveError, Version};
use aether_nats_server::{NatsServer, Proxy, unique_name};
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore, Timeouts};

use crate::scrape::Scrape;

#[tokio::test]
async fn retries_doubts_and_unknown_outcomes_are_counted() {
    let namespace = unique_name("outages");
    let server = NatsServer::builder().start().unwrap();
    let proxy = Proxy::start(server.addr()).unwrap();
    let client = async_nats::connect(proxy.url()).await.unwrap();
    let mut timeouts = Timeouts::default();
    (timeouts.attempt, timeouts.save) = (Duration::from_millis(250), Duration::from_secs(20));
    let config = JetStreamConfig::new("events").namespace(&namespace).timeouts(timeouts);
    let store = JetStreamEventStore::create(client.clone(), config.clone()).await.unwrap();
    Scrape::begin().await;
    let actor = ActorId::new("order-1").unwrap();
    let event = |version| Event::new(&actor, Version::new(version), "Happened", &()).unwrap();

    // Stored, but nobody is told: the store finds out.
    proxy.swallow_acks(1);
    store.save_event(&event(1)).await.unwrap();
    let stats = store.stats();
    assert!(stats.retries >= 1, "{stats:?}");
    let label = "store=\"jetstream\"";
    let expected = [
        ("aether_saves_total", 1),
        ("aether_save_retries_total", stats.retries),
        ("aether_save_doubts_total", 1),
        ("aether_save_unknown_outcomes_total", 0),
    ];
    Scrape::of(&namespace).await.assert(label, &expected);

    // Nobody is told until the deadline.
    timeouts.save = Duration::from_secs(1);
    let hasty = JetStreamEventStore::open(client, config.timeouts(timeouts)).await.unwrap();
    hasty.save_event(&event(2)).await.unwrap();
    proxy.blackhole();
    let error = hasty.save_event(&event(3)).await.unwrap_err();
    assert!(matches!(error, SaveError::UnknownOutcome(_)), "{error}");
    let expected = [
        ("aether_saves_total", 2),
        ("aether_save_retries_total", stats.retries + hasty.stats().retries),
        ("aether_save_doubts_total", 2),
        ("aether_save_unknown_outcomes_total", 1),
        ("aether_save_duration_seconds_count", 3),
    ];
    Scrape::of(&namespace).await.assert(label, &expected);
}
