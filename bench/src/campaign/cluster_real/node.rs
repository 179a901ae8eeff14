//! A node: lists of numbers on a store of its own connection. It goes on until its standard input is closed.

use std::time::Duration;

use aether_actor::{ActorOptions, SnapshotPolicy};
use aether_cluster::{ClusterManager, NodeId};
use aether_store_jetstream::JetStreamEventStore;
use anyhow::Context;

use crate::child::{say_ready, told_to_stop};
use crate::lists::list::List;
use crate::writers::{config, connect};

/// How often a node lets itself be heard, and how long it may be silent.
const HEARTBEAT: Duration = Duration::from_millis(200);
pub(crate) const SUSPECT_AFTER: Duration = Duration::from_millis(1500);
const SHARDS: u16 = 64;
const REPLICAS: usize = 3;
/// How long leaving may take.
pub(crate) const LEAVE: Duration = Duration::from_secs(30);

/// Runs one as this process.
pub(crate) async fn run(urls: &[String], namespace: &str, name: &str) -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stderr).init();
    let node = start(urls, namespace, name).await?;
    node.ready().await?;
    say_ready();
    tokio::select! {
        () = told_to_stop() => node.leave(LEAVE).await?,
        ended = node.closed() => {
            ended?;
            anyhow::bail!("the node has left, and nobody told it to");
        }
    }
    Ok(())
}

/// Starts one.
pub(crate) async fn start(urls: &[String], namespace: &str, name: &str) -> anyhow::Result<ClusterManager> {
    let store = JetStreamEventStore::create(connect(urls).await?, config(namespace, REPLICAS)).await;
    let store = store.context("creating the store")?;
    // Few remembered commands, frequent snapshots, and actors that leave memory soon: everything happens.
    let options = ActorOptions::default()
        .remember(8)
        .snapshots(SnapshotPolicy::every(20).or_at_passivation(5))
        .idle(Duration::from_secs(2));
    let builder = ClusterManager::builder(connect(urls).await?, NodeId::new(name)?)
        .namespace(namespace)
        .replicas(REPLICAS)
        .shards(SHARDS)
        .heartbeat(HEARTBEAT, SUSPECT_AFTER)
        .store(store)
        .actors(move |actors| actors.actor_with::<List>(options));
    Ok(builder.start().await?)
}
