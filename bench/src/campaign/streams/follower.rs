//! One follower, a process of its own: a member of the group that handles every event, and of the projection that counts
//! them. It goes on until its standard input is closed.

use std::sync::Arc;
use std::time::Duration;

use aether_coordination::{Coordination, NatsConfig, NatsCoordination};
use aether_core::Subscribe;
use aether_group::{ConsumerGroup, GroupBuilder, each};
use aether_projection::{KvModel, ProjectorBuilder};
use aether_store_jetstream::JetStreamEventStore;
use anyhow::Context;
use tokio::io::AsyncReadExt;

use super::said::{Handled, Said, now};
use super::views::ByActor;
use crate::writers::{config, connect};

/// The group.
pub(crate) const GROUP: &str = "handlers";
/// Into how many parts the projection is divided.
const PARTS: u16 = 16;
/// How often a follower says what it has counted.
const COUNT_EVERY: Duration = Duration::from_millis(500);

/// The store and the coordination of a campaign, on a connection of their own.
pub(crate) struct Connected {
    pub(crate) store: Arc<dyn Subscribe>,
    pub(crate) coordination: Arc<dyn Coordination>,
}

impl Connected {
    pub(crate) async fn new(urls: &[String], namespace: &str) -> anyhow::Result<Self> {
        let client = connect(urls).await?;
        let store = JetStreamEventStore::open(client.clone(), config(namespace, 3)).await?;
        let bucket = NatsConfig::new("followers").namespace(namespace).replicas(3);
        let coordination = NatsCoordination::create(client, bucket).await?;
        Ok(Self { store: Arc::new(store), coordination: Arc::new(coordination) })
    }

    /// The group, as every follower and the campaign itself see it.
    pub(crate) fn group(&self) -> GroupBuilder {
        ConsumerGroup::builder(GROUP, self.store.clone(), self.coordination.clone())
    }

    /// The views in keys.
    pub(crate) fn by_actor(&self) -> KvModel<ByActor> {
        KvModel::new(ByActor, self.coordination.clone())
    }

    /// What makes those views, as every follower runs it.
    pub(crate) fn projector(&self) -> ProjectorBuilder {
        self.by_actor().projector(self.store.clone()).partitions(PARTS)
    }
}

/// Follows.
pub(crate) async fn run(urls: &[String], namespace: &str, name: &str) -> anyhow::Result<()> {
    let connected = Connected::new(urls, namespace).await?;
    let handler = each(async |event, handling| {
        let handled = Handled {
            event: event.id(),
            actor: event.actor().clone(),
            version: event.version(),
            position: event.position,
            partition: handling.partition.get().into(),
            epoch: handling.epoch.get(),
            at: now(),
        };
        Said::Handled(handled).say().map_err(|error| std::io::Error::other(error.to_string()))?;
        Ok(())
    });
    let member = connected.group().member(name).join(handler).await.context("joining")?;
    let projector = connected.projector().run().await.context("projecting")?;
    Said::Joined.say()?;
    let mut stdin = tokio::io::stdin();
    let mut count = tokio::time::interval(COUNT_EVERY);
    let mut end = [0];
    loop {
        tokio::select! {
            _ = stdin.read(&mut end) => break,
            _ = count.tick() => say_counts(member.progress().refused_checkpoints)?,
            ended = member.closed() => anyhow::bail!("the member has ended: {ended:?}"),
            ended = projector.closed() => anyhow::bail!("the projector has ended: {ended:?}"),
        }
    }
    projector.stop().await?;
    let progress = member.watch();
    member.stop().await.map_err(|error| anyhow::anyhow!("{error}"))?;
    let refused = progress.borrow().refused_checkpoints;
    say_counts(refused)
}

fn say_counts(refused_checkpoints: u64) -> anyhow::Result<()> {
    Said::Counted { refused_checkpoints }.say()
}
