//! What the tests of this crate share.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "not every test file uses everything, and nothing outside does"
)]

use aether_core::{ActorId, Event, ReadError, RecordedEvent, Version};
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore};
use aether_testkit::server::{shared_r1, unique_name};
use futures_util::TryStreamExt;

/// A connection to the shared server.
pub async fn client() -> async_nats::Client {
    async_nats::connect(shared_r1().unwrap()).await.unwrap()
}

/// The configuration of a store that no other test has.
pub fn config() -> JetStreamConfig {
    JetStreamConfig::new("events").namespace(unique_name("jetstream"))
}

/// A store that no other test has.
pub async fn store() -> JetStreamEventStore {
    JetStreamEventStore::create(client().await, config()).await.unwrap()
}

pub fn actor(id: &str) -> ActorId {
    ActorId::new(id).unwrap()
}

pub fn event(actor: &ActorId, version: u64) -> Event {
    Event::new(actor, Version::new(version), "Happened", &version).unwrap()
}

pub fn versions(events: &[RecordedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.version().get()).collect()
}

pub async fn collect(stream: aether_core::EventStream) -> Result<Vec<RecordedEvent>, ReadError> {
    stream.try_collect().await
}
