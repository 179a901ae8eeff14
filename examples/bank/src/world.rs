//! [`World`]: where events, timers and what is agreed on are kept.

use std::sync::Arc;

use aether::Timers;
use aether::actor::{ActorSystem, Store};
use aether::coordination::{Coordination, MemoryCoordination};
use aether::memory::{MemoryEventStore, MemoryTimers};
use anyhow::{Context, Result};

use crate::account::Account;
use crate::transfers::Transfers;

/// Where everything is kept that outlives a program.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) timers: Arc<dyn Timers>,
    pub(crate) coordination: Arc<dyn Coordination>,
}

impl World {
    /// In this process, gone when it ends.
    pub(crate) fn memory() -> Self {
        Self {
            store: Arc::new(MemoryEventStore::new()),
            timers: Arc::new(MemoryTimers::new()),
            coordination: Arc::new(MemoryCoordination::new()),
        }
    }

    /// On a NATS server: two streams and a bucket, which are created if they are not there.
    #[cfg(feature = "nats")]
    pub(crate) async fn nats(url: &str) -> Result<Self> {
        use aether::coordination::{NatsConfig, NatsCoordination};
        use aether::jetstream::{JetStreamConfig, JetStreamEventStore, JetStreamTimers, async_nats};

        let client = async_nats::connect(url).await.context(
            "the NATS server cannot be used: give its --nats-url, or start one with `cargo xtask nats run`",
        )?;
        let config = JetStreamConfig::new("bank");
        Ok(Self {
            store: Arc::new(JetStreamEventStore::create(client.clone(), config.clone()).await?),
            timers: Arc::new(JetStreamTimers::create(client.clone(), config).await?),
            coordination: Arc::new(NatsCoordination::create(client, NatsConfig::new("bank")).await?),
        })
    }

    /// On a NATS server, for which this build has no client.
    #[cfg(not(feature = "nats"))]
    pub(crate) async fn nats(_url: &str) -> Result<Self> {
        anyhow::bail!("this build is without NATS: build it with `--features nats`")
    }

    /// Starts the bank.
    pub(crate) async fn start(&self) -> Result<ActorSystem> {
        ActorSystem::builder(Arc::clone(&self.store))
            .timers(Arc::clone(&self.timers))
            .coordination(Arc::clone(&self.coordination))
            .actor::<Account>()
            .process::<Transfers>()
            .start()
            .await
            .context("the bank cannot be opened")
    }
}
