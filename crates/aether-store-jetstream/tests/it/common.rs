//! Helpers that the tests of this crate share.

use std::time::Duration;

use aether_core::{ActorId, Delivery, Event, Position, ReadError, RecordedEvent, Subscription, Version};
use aether_nats_server::{shared_r1, unique_name};
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore};
use futures_util::{StreamExt, TryStreamExt};

/// A connection to the shared server.
pub(crate) async fn client() -> async_nats::Client {
    async_nats::connect(shared_r1().unwrap()).await.unwrap()
}

/// The configuration of a store that no other test has.
pub(crate) fn config() -> JetStreamConfig {
    JetStreamConfig::new("events").namespace(unique_name("jetstream"))
}

/// A store that no other test has.
pub(crate) async fn store() -> JetStreamEventStore {
    JetStreamEventStore::create(client().await, config()).await.unwrap()
}

pub(crate) fn actor(id: &str) -> ActorId {
    ActorId::new(id).unwrap()
}

pub(crate) fn event(actor: &ActorId, version: u64) -> Event {
    Event::new(actor, Version::new(version), "Happened", &version).unwrap()
}

pub(crate) fn versions(events: &[RecordedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.version().get()).collect()
}

pub(crate) async fn collect(stream: aether_core::EventStream) -> Result<Vec<RecordedEvent>, ReadError> {
    stream.try_collect().await
}

/// The next delivery of a subscription; an error, or 20 s without any, fails the test.
pub(crate) async fn next(subscription: &mut Subscription) -> Delivery {
    tokio::time::timeout(Duration::from_secs(20), subscription.next()).await.unwrap().unwrap().unwrap()
}

/// The positions of what is delivered until it has caught up.
pub(crate) async fn until_caught_up(subscription: &mut Subscription) -> Vec<Position> {
    let mut seen = Vec::new();
    loop {
        match next(subscription).await {
            Delivery::Event(event) => seen.push(event.position),
            Delivery::CaughtUp => return seen,
            _ => {}
        }
    }
}

/// The next event, whatever is told before.
pub(crate) async fn next_event(subscription: &mut Subscription) -> RecordedEvent {
    loop {
        if let Delivery::Event(event) = next(subscription).await {
            return event;
        }
    }
}

/// Waits until this position has gone by; gives the events on the way.
pub(crate) async fn until(subscription: &mut Subscription, position: Position) -> Vec<RecordedEvent> {
    let mut seen = Vec::new();
    loop {
        let delivery = next(subscription).await;
        let gone_by = delivery.position();
        if let Delivery::Event(event) = delivery {
            seen.push(event);
        }
        if gone_by.is_some_and(|gone_by| gone_by >= position) {
            return seen;
        }
    }
}
