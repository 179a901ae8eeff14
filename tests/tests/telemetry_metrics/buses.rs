//! The counts of the buses.

use aether_bus::{BusDelivery, BusSubscription, EventBus, Lag, MemoryEventBus, NatsBusConfig, NatsEventBus};
use aether_core::{ActorId, Event, Namespace, Version};
use aether_nats_server::{shared_r1, unique_name};

use crate::scrape::Scrape;

fn event(version: u64) -> Event {
    Event::new(&ActorId::new("order-1").unwrap(), Version::new(version), "Happened", &()).unwrap()
}

/// Takes so many events; how many were missed before and between them.
async fn take(subscription: &mut BusSubscription, events: usize) -> u64 {
    let (mut taken, mut missed) = (0, 0);
    while taken < events {
        match subscription.recv().await.unwrap() {
            BusDelivery::Event(_) => taken += 1,
            BusDelivery::Missed(count) => missed += count,
            other => panic!("{other:?}"),
        }
    }
    missed
}

#[tokio::test]
async fn the_memory_bus_counts_what_was_done() {
    let namespace = Namespace::new(unique_name("bus")).unwrap();
    let bus = MemoryEventBus::new();
    let mut all = bus.subscribe(&namespace.clone().into(), Lag::Block { capacity: 16 }.into()).unwrap();
    let slow = Lag::DropOldest { capacity: 2 };
    let mut slow = bus.subscribe(&namespace.clone().into(), slow.into()).unwrap();
    Scrape::of(namespace.as_str()).await.assert("bus=\"memory\"", &[("aether_bus_subscribers", 2)]);

    for version in 1..=10 {
        bus.publish(&namespace, &event(version)).await.unwrap();
    }
    assert_eq!(take(&mut all, 10).await, 0);
    let BusDelivery::Missed(missed) = slow.recv().await.unwrap() else { panic!("it was too slow") };
    let left = 10 - usize::try_from(missed).unwrap();
    assert_eq!(take(&mut slow, left).await, 0);
    drop(slow);
    drop(all);
    let expected = [
        ("aether_bus_published_total", 10),
        ("aether_bus_received_total", 20 - missed),
        ("aether_bus_dropped_total", missed),
        ("aether_bus_interruptions_total", 0),
        ("aether_bus_subscribers", 0),
    ];
    Scrape::of(namespace.as_str()).await.assert("bus=\"memory\"", &expected);
}

#[tokio::test]
async fn the_nats_bus_counts_what_was_done() {
    let namespace = Namespace::new(unique_name("bus")).unwrap();
    let bus = async || {
        let client = async_nats::connect(shared_r1().unwrap()).await.unwrap();
        NatsEventBus::new(client, NatsBusConfig::default())
    };
    let (here, there) = (bus().await, bus().await);
    let mut near = here.subscribe(&namespace.clone().into(), Lag::default().into()).await.unwrap();
    let mut far = there.subscribe(&namespace.clone().into(), Lag::default().into()).await.unwrap();
    Scrape::of(namespace.as_str()).await.assert("bus=\"nats\"", &[("aether_bus_subscribers", 2)]);
    for version in 1..=100 {
        here.publish(&namespace, &event(version)).await.unwrap();
    }
    assert_eq!((take(&mut near, 100).await, take(&mut far, 100).await), (0, 0));
    drop((near, far));
    let expected = [
        ("aether_bus_published_total", 100),
        ("aether_bus_unpublished_total", 0),
        ("aether_bus_received_total", 200),
        ("aether_bus_dropped_total", 0),
        ("aether_bus_subscribers", 0),
    ];
    Scrape::of(namespace.as_str()).await.assert("bus=\"nats\"", &expected);
}
