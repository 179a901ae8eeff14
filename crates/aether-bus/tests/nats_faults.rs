//! The bus when connections break.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use aether_bus::{BusDelivery, BusOptions, BusSubscription, EventBus, NatsBusConfig, NatsEventBus};
use aether_core::{ActorId, Event, Namespace, Version};
use aether_nats_server::{NatsServer, Proxy};
use tokio::time::timeout;

fn event(version: u64) -> Event {
    Event::new(&ActorId::new("order-1").unwrap(), Version::new(version), "Placed", &version).unwrap()
}

async fn node(url: String) -> NatsEventBus {
    let config = NatsBusConfig::default().timeout(Duration::from_secs(2));
    NatsEventBus::new(async_nats::connect(url).await.unwrap(), config)
}

async fn next(subscription: &mut BusSubscription) -> BusDelivery {
    timeout(Duration::from_secs(20), subscription.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_is_missed_while_cut_off_is_counted() {
    let server = NatsServer::builder().jetstream(false).start().unwrap();
    let proxy = Proxy::start(server.addr()).unwrap();
    let publisher = node(server.url()).await;
    let subscriber = node(proxy.url()).await;
    let tenant = Namespace::new("a").unwrap();
    let mut events = subscriber.subscribe(&(&tenant).into(), BusOptions::new()).await.unwrap();
    publisher.publish(&tenant, &event(1)).await.unwrap();
    assert_eq!(next(&mut events).await.into_event().unwrap().version().get(), 1);

    proxy.cut();
    for number in 2..=11 {
        publisher.publish(&tenant, &event(number)).await.unwrap();
    }
    // A subscription is not confirmed while the server is away.
    let other = subscriber.subscribe(&"b".parse().unwrap(), BusOptions::new()).await;
    assert!(other.unwrap_err().is_unavailable());
    proxy.restore();
    assert!(matches!(next(&mut events).await, BusDelivery::Interrupted));

    publisher.publish(&tenant, &event(12)).await.unwrap();
    assert!(matches!(next(&mut events).await, BusDelivery::Missed(10)));
    assert_eq!(next(&mut events).await.into_event().unwrap().version().get(), 12);
}

#[tokio::test]
async fn a_killed_server_is_waited_out() {
    let server = NatsServer::builder().jetstream(false).start().unwrap();
    let (publisher, subscriber) = (node(server.url()).await, node(server.url()).await);
    let tenant = Namespace::new("a").unwrap();
    let mut events = subscriber.subscribe(&(&tenant).into(), BusOptions::new()).await.unwrap();
    let mut own = publisher.subscribe(&(&tenant).into(), BusOptions::new()).await.unwrap();
    server.kill().unwrap();
    server.restart().unwrap();
    assert!(matches!(next(&mut events).await, BusDelivery::Interrupted));
    assert!(matches!(next(&mut own).await, BusDelivery::Interrupted));
    publisher.publish(&tenant, &event(1)).await.unwrap();
    assert_eq!(next(&mut events).await.into_event().unwrap().version().get(), 1);
    assert_eq!(next(&mut own).await.into_event().unwrap().version().get(), 1);
}
