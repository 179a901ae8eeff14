//! The bus over a real server, with several nodes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use aether_bus::{
    BusDelivery, BusOptions, BusSubscription, EventBus, Lag, NamespacePattern, NatsBusConfig, NatsEventBus,
};
use aether_core::{ActorId, Event, EventFilter, Namespace, Version};
use aether_nats_server::{shared_r1, unique_name};
use tokio::time::timeout;

fn ns(name: &str) -> Namespace {
    Namespace::new(name).unwrap()
}

fn event(version: u64) -> Event {
    Event::new(&ActorId::new("order-1").unwrap(), Version::new(version), "Placed", &version).unwrap()
}

async fn client() -> async_nats::Client {
    async_nats::connect(shared_r1().unwrap()).await.unwrap()
}

/// Two nodes of a bus that no other test has, and its prefix.
async fn nodes() -> (NatsEventBus, NatsEventBus, String) {
    let prefix = unique_name("bus");
    let node = async || NatsEventBus::new(client().await, NatsBusConfig::new(&prefix).unwrap());
    (node().await, node().await, prefix)
}

async fn next(subscription: &mut BusSubscription) -> BusDelivery {
    timeout(Duration::from_secs(10), subscription.recv()).await.unwrap().unwrap()
}

async fn version(subscription: &mut BusSubscription) -> u64 {
    next(subscription).await.into_event().unwrap().version().get()
}

#[tokio::test]
async fn an_event_arrives_once_here_and_there() {
    let (here, there, _) = nodes().await;
    let patterns: [NamespacePattern; 3] = [ns("a.b").into(), "a.*".parse().unwrap(), NamespacePattern::all()];
    let mut subscriptions = Vec::new();
    for bus in [&here, &there] {
        for pattern in patterns.iter().chain(&patterns) {
            subscriptions.push(bus.subscribe(pattern, BusOptions::new()).await.unwrap());
        }
    }
    for number in 1..=50 {
        here.publish(&ns("a.b"), &event(number)).await.unwrap();
    }
    for subscription in &mut subscriptions {
        for number in 1..=50 {
            let delivered = next(subscription).await.into_event().unwrap();
            assert_eq!(delivered.namespace(), &ns("a.b"));
            assert_eq!(delivered.version().get(), number);
            assert_eq!(delivered.data::<u64>().unwrap(), number);
        }
    }
}

#[tokio::test]
async fn names_of_the_same_look_stay_apart() {
    let (here, there, _) = nodes().await;
    let names = ["a.b", "a b", "a_b", "a.*", "a.>", "a..b", "a"];
    let mut subscriptions = Vec::new();
    for name in names {
        subscriptions.push(there.subscribe(&ns(name).into(), BusOptions::new()).await.unwrap());
    }
    let mut wild = there.subscribe(&"a.*".parse().unwrap(), BusOptions::new()).await.unwrap();
    for round in [1, 2] {
        for name in names {
            here.publish(&ns(name), &event(round)).await.unwrap();
        }
    }
    for (name, subscription) in names.iter().zip(&mut subscriptions) {
        for round in [1, 2] {
            let delivered = next(subscription).await.into_event().unwrap();
            assert_eq!((delivered.namespace(), delivered.version().get()), (&ns(name), round));
        }
    }
    for name in ["a.b", "a.*", "a.>"].repeat(2) {
        assert_eq!(next(&mut wild).await.into_event().unwrap().namespace(), &ns(name));
    }
}

#[tokio::test]
async fn filters_hold_across_nodes() {
    let (here, there, _) = nodes().await;
    let filter = EventFilter::all().types(["Paid"]);
    let mut paid = there.subscribe(&ns("a").into(), filter.into()).await.unwrap();
    here.publish(&ns("a"), &event(1)).await.unwrap();
    let second = Event::new(&ActorId::new("order-1").unwrap(), Version::new(2), "Paid", &2).unwrap();
    here.publish(&ns("a"), &second).await.unwrap();
    assert_eq!(version(&mut paid).await, 2);
}

#[tokio::test]
async fn who_is_too_slow_is_told_on_another_node_too() {
    let (here, there, _) = nodes().await;
    let mut subscriptions = Vec::new();
    for lag in [Lag::DropOldest { capacity: 4 }, Lag::Block { capacity: 4 }] {
        subscriptions.push(there.subscribe(&ns("a").into(), lag.into()).await.unwrap());
    }
    let mut all = there.subscribe(&ns("a").into(), BusOptions::new()).await.unwrap();
    for number in 1..=200 {
        here.publish(&ns("a"), &event(number)).await.unwrap();
    }
    for number in 1..=200 {
        assert_eq!(version(&mut all).await, number);
    }
    for subscription in &mut subscriptions {
        let (mut expected, mut missed) = (1, 0);
        while expected <= 200 {
            match next(subscription).await {
                BusDelivery::Missed(events) => {
                    missed += events;
                    expected += events;
                }
                delivery => {
                    assert_eq!(delivery.into_event().unwrap().version().get(), expected);
                    expected += 1;
                }
            }
        }
        assert!(missed > 0);
    }
}

#[tokio::test]
async fn other_tools_read_and_publish_cloud_events() {
    use futures_util::StreamExt;
    let (here, _, prefix) = nodes().await;
    let client = client().await;
    let mut raw = client.subscribe(format!("{prefix}.a.>")).await.unwrap();
    client.flush().await.unwrap();
    let mut events = here.subscribe(&"a.*".parse().unwrap(), BusOptions::new()).await.unwrap();
    // The server takes the subscription before what is published on the same connection after it.
    client.publish(format!("{prefix}.a.b"), "no event".into()).await.unwrap();
    let BusDelivery::Undecodable(undecodable) = next(&mut events).await else { panic!("it is no event") };
    assert_eq!(undecodable.payload, b"no event");
    raw.next().await.unwrap();

    here.publish(&ns("a.b"), &event(1)).await.unwrap();
    assert_eq!(version(&mut events).await, 1);
    let message = timeout(Duration::from_secs(10), raw.next()).await.unwrap().unwrap();
    let mut cloud_event: serde_json::Value = serde_json::from_slice(&message.payload).unwrap();
    assert_eq!(cloud_event["type"], "Placed");
    cloud_event["version"] = "2".into();
    client.publish(format!("{prefix}.a.b"), cloud_event.to_string().into()).await.unwrap();
    assert_eq!(version(&mut events).await, 2);
}

#[tokio::test]
async fn too_large_an_event_reaches_nobody() {
    let (here, _, _) = nodes().await;
    let mut events = here.subscribe(&ns("a").into(), BusOptions::new()).await.unwrap();
    let large = "x".repeat(2 << 20);
    let large = Event::new(&ActorId::new("order-1").unwrap(), Version::new(1), "Placed", &large).unwrap();
    assert!(here.publish(&ns("a"), &large).await.unwrap_err().is_too_large());
    here.publish(&ns("a"), &event(2)).await.unwrap();
    assert_eq!(version(&mut events).await, 2);
}
