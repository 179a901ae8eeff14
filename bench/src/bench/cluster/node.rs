//! A node with orders, as a process of its own; beside it, on another connection, somebody who answers bare requests.

use std::time::Duration;

use aether_cluster::{ClusterBuilder, ClusterManager, NodeId};
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore};
use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use futures_util::StreamExt;

use crate::actors::order::Order;
use crate::child::{say_ready, told_to_stop};
use crate::nats::runtime;

/// How many shards there are.
pub(crate) const SHARDS: u16 = 64;
/// How long leaving may take.
const LEAVE: Duration = Duration::from_secs(30);

/// Where a node is at home.
#[derive(Debug, Clone, Args)]
pub(crate) struct Setting {
    #[arg(long, value_delimiter = ',')]
    pub(crate) urls: Vec<String>,
    #[arg(long)]
    pub(crate) namespace: String,
    #[arg(long)]
    pub(crate) replicas: usize,
    /// Milliseconds between heartbeats, and until suspicion.
    #[arg(long, num_args = 2)]
    pub(crate) timing: Vec<u64>,
}

impl Setting {
    pub(crate) async fn connect(&self) -> anyhow::Result<async_nats::Client> {
        let options = async_nats::ConnectOptions::new()
            .retry_on_initial_connect()
            .ping_interval(Duration::from_secs(1))
            .reconnect_delay_callback(|attempts| Duration::from_millis(20 * attempts.min(10) as u64));
        Ok(options.connect(self.urls.clone()).await?)
    }

    /// A node of this name, yet without a store.
    pub(crate) async fn node(&self, name: &str) -> anyhow::Result<ClusterBuilder> {
        let mut builder = ClusterManager::builder(self.connect().await?, NodeId::new(name)?)
            .namespace(&self.namespace)
            .replicas(self.replicas)
            .shards(SHARDS);
        if let [heartbeat, suspect_after] = self.timing.as_slice() {
            let [heartbeat, suspect_after] = [heartbeat, suspect_after].map(|ms| Duration::from_millis(*ms));
            builder = builder.heartbeat(heartbeat, suspect_after);
        }
        Ok(builder)
    }
}

/// Runs one as this process.
pub(crate) fn child(setting: &Setting, name: &str) -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stderr).init();
    runtime()?.block_on(async {
        let config = JetStreamConfig::new("orders").namespace(&setting.namespace).replicas(setting.replicas);
        let store = JetStreamEventStore::create(setting.connect().await?, config).await?;
        let node = setting.node(name).await?.store(store).actor::<Order>().start().await?;
        let echo = tokio::spawn(echo(setting.connect().await?, name.to_owned()));
        node.ready().await?;
        say_ready();
        tokio::select! {
            () = told_to_stop() => node.leave(LEAVE).await?,
            ended = node.closed() => ended?,
        }
        echo.abort();
        Ok(())
    })
}

/// The subject on which the bare requests to a node's process come.
pub(crate) fn echo_subject(name: &str) -> String {
    format!("echo.{name}")
}

/// Answers each request with as many bytes as its first four say.
async fn echo(client: async_nats::Client, name: String) -> anyhow::Result<()> {
    let mut requests = client.subscribe(echo_subject(&name)).await?;
    let bytes = Bytes::from(vec![b'x'; 64 * 1024]);
    while let Some(request) = requests.next().await {
        let first = request.payload.first_chunk().context("a request says how much it wants")?;
        let wanted = u32::from_le_bytes(*first) as usize;
        if let Some(reply) = request.reply {
            client.publish(reply, bytes.slice(..wanted.min(bytes.len()))).await?;
        }
    }
    Ok(())
}
