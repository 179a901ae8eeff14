//! Singletons: who holds them, and who follows, in memory and on real servers.

mod cluster;
mod memory;
mod outage;
mod r1;

use std::sync::Arc;
use std::time::Duration;

use aether_coordination::singleton::{Singleton, SingletonBuilder, Term};
use aether_coordination::{Leases, NatsConfig, NatsCoordination};
use aether_nats_server::unique_name;
use async_nats::ServerAddr;
use tokio::time::timeout;

pub(crate) const NAME: &str = "night/invoices";

/// A bucket that no other test has.
pub(crate) fn bucket() -> NatsConfig {
    NatsConfig::new("cluster").namespace(unique_name("singleton"))
}

pub(crate) async fn connect(urls: &[String], bucket: &NatsConfig) -> Arc<NatsCoordination> {
    let urls: Vec<ServerAddr> = urls.iter().map(|url| url.parse().unwrap()).collect();
    let client = async_nats::connect(urls).await.unwrap();
    Arc::new(NatsCoordination::create(client, bucket.clone()).await.unwrap())
}

/// A candidate in a hurry: its key lives for 3 s.
pub(crate) fn hasty(coordination: Arc<dyn Leases>) -> SingletonBuilder {
    Singleton::builder(coordination, NAME)
        .ttl(Duration::from_secs(3))
        .stop_after(Duration::from_millis(2_400))
        .renew_every(Duration::from_millis(300))
        .poll_every(Duration::from_millis(500))
}

pub(crate) async fn held(singleton: &Singleton, within: Duration) -> Term {
    timeout(within, singleton.held()).await.unwrap().unwrap()
}
