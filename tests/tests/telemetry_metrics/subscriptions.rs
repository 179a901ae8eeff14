//! The counts of subscriptions.

use aether_core::{ActorId, Delivery, Event, EventStoreExt, Subscribe, SubscribeFrom, Subscription, Version};
use aether_nats_server::{shared_r1, unique_name};
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore};
use futures_util::StreamExt;

use crate::scrape::Scrape;

async fn take(subscription: &mut Subscription, events: usize) {
    let mut taken = 0;
    while taken < events {
        taken += usize::from(matches!(subscription.next().await.unwrap().unwrap(), Delivery::Event(_)));
    }
}

#[tokio::test]
async fn a_subscription_counts_what_it_delivers_and_how_far_it_is_behind() {
    let namespace = unique_name("subscriptions");
    let client = async_nats::connect(shared_r1().unwrap()).await.unwrap();
    let config = JetStreamConfig::new("events").namespace(&namespace);
    let store = JetStreamEventStore::create(client, config).await.unwrap();
    let actor = ActorId::new("order-1").unwrap();
    for version in 1..=100 {
        let event = Event::new(&actor, Version::new(version), "Happened", &()).unwrap();
        store.save_event(&event).await.unwrap();
    }
    let label = "store=\"jetstream\"";
    let mut subscription = store.subscribe(&SubscribeFrom::Start.into()).await.unwrap();
    Scrape::of(&namespace).await.assert(label, &[("aether_subscriptions", 1)]);

    // It is looked at every 64 events, and whenever there is nothing to take at once.
    take(&mut subscription, 64).await;
    let scrape = Scrape::of(&namespace).await;
    let of_label = |name| scrape.get(&format!("{name}{{{label}}}"));
    let taken = of_label("aether_subscription_events_total");
    assert!((1.0..=64.0).contains(&taken), "{scrape:#?}");
    assert_eq!(of_label("aether_subscription_lag"), 100.0 - taken, "{scrape:#?}");

    take(&mut subscription, 36).await;
    while subscription.next().await.unwrap().unwrap() != Delivery::CaughtUp {}
    // Waiting for more, it is looked at again.
    while futures_util::poll!(subscription.next()).is_ready() {}
    let expected = [
        ("aether_subscription_events_total", 100),
        ("aether_subscription_lag", 0),
        ("aether_subscription_fell_behind_total", 0),
    ];
    Scrape::of(&namespace).await.assert(label, &expected);
    drop(subscription);
    Scrape::of(&namespace).await.assert(label, &[("aether_subscriptions", 0)]);
}
