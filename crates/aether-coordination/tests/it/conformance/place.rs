//! [`Place`]: where a rule finds its coordination.

use std::sync::Arc;

use aether_coordination::{Coordination, Leases, MemoryCoordination, NatsConfig, NatsCoordination};
use aether_nats_server::{shared_r1, shared_r3, unique_name};
use async_nats::ServerAddr;

/// A bucket that no other rule has.
pub(crate) enum Place {
    Memory(MemoryCoordination),
    Nats { urls: Vec<String>, config: NatsConfig },
}

impl Place {
    pub(crate) fn memory() -> Self {
        Self::Memory(MemoryCoordination::new())
    }

    pub(crate) fn r1() -> Self {
        Self::Nats { urls: vec![shared_r1().unwrap()], config: config() }
    }

    pub(crate) fn r3() -> Self {
        Self::Nats { urls: shared_r3().unwrap(), config: config().replicas(3) }
    }

    /// Whether its handles are connected to different servers.
    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self, Self::Nats { urls, .. } if urls.len() > 1)
    }

    /// A handle of its own, on NATS over a connection of its own.
    pub(crate) async fn open(&self) -> Arc<dyn Coordination> {
        match self {
            Self::Memory(memory) => Arc::new(memory.clone()),
            Self::Nats { urls, config } => Arc::new(create(urls, config).await),
        }
    }

    /// As [`open`](Self::open), for leases.
    pub(crate) async fn leases(&self) -> Arc<dyn Leases> {
        match self {
            Self::Memory(memory) => Arc::new(memory.clone()),
            Self::Nats { urls, config } => Arc::new(create(urls, config).await),
        }
    }
}

async fn create(urls: &[String], config: &NatsConfig) -> NatsCoordination {
    let urls: Vec<ServerAddr> = urls.iter().map(|url| url.parse().unwrap()).collect();
    let client = async_nats::connect(urls).await.unwrap();
    NatsCoordination::create(client, config.clone()).await.unwrap()
}

fn config() -> NatsConfig {
    NatsConfig::new("rules").namespace(unique_name("coordination"))
}
