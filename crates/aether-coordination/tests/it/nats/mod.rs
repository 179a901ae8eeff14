//! Coordination on NATS: whose bucket it is, what other clients see, and what becomes of it when servers fail.

mod buckets;
mod elections;
mod leases;
mod outages;
mod unknown;

use aether_coordination::{NatsConfig, NatsCoordination};
use aether_nats_server::{shared_r1, unique_name};
use async_nats::{Client, ServerAddr};

/// A bucket that no other test has.
pub(crate) fn config() -> NatsConfig {
    NatsConfig::new("test").namespace(unique_name("coordination"))
}

pub(crate) async fn client(urls: &[String]) -> Client {
    let urls: Vec<ServerAddr> = urls.iter().map(|url| url.parse().unwrap()).collect();
    async_nats::connect(urls).await.unwrap()
}

pub(crate) async fn shared() -> Client {
    client(&[shared_r1().unwrap()]).await
}

pub(crate) async fn create(url: &str, config: &NatsConfig) -> NatsCoordination {
    NatsCoordination::create(client(&[url.to_owned()]).await, config.clone()).await.unwrap()
}
