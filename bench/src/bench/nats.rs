//! [`Nats`]: a server of its own, with the product's stream and, of the same settings, one for the raw client.

use aether_nats_server::NatsServer;
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore};
use anyhow::Context;
use async_nats::jetstream;
use tokio::runtime::Runtime;

/// The product's stream, and the raw client's. Names of one length: they are in every message.
const STREAMS: [&str; 2] = ["events", "direct"];
const NAMESPACE: &str = "bench";

/// A single server with file storage, a store on it, and the bare client.
pub(crate) struct Nats {
    pub(crate) runtime: Runtime,
    pub(crate) store: JetStreamEventStore,
    pub(crate) raw: jetstream::Context,
    /// The name of the stream that the bare client publishes to; also the first token of its subjects.
    pub(crate) raw_stream: String,
    server: NatsServer,
}

impl Nats {
    pub(crate) fn start(runtime: Runtime) -> anyhow::Result<Self> {
        let server = NatsServer::builder().start()?;
        let [ours, raw] = STREAMS.map(|stream| JetStreamConfig::new(stream).namespace(NAMESPACE));
        let raw_stream = raw.stream_name();
        let (store, raw) = runtime.block_on(async {
            let store = JetStreamEventStore::create(connect(&server).await?, ours).await?;
            let raw = jetstream::new(connect(&server).await?);
            let mut same = raw.get_stream(store.stream_name()).await?.get_info().await?.config;
            same.name.clone_from(&raw_stream);
            same.subjects = vec![format!("{raw_stream}.>")];
            same.metadata.clear();
            raw.create_stream(same).await?;
            anyhow::Ok((store, raw))
        })?;
        Ok(Self { runtime, store, raw, raw_stream, server })
    }

    /// A handle on the product's stream that knows nothing yet, on a connection of its own.
    pub(crate) async fn cold_store(&self) -> anyhow::Result<JetStreamEventStore> {
        let config = JetStreamConfig::new(STREAMS[0]).namespace(NAMESPACE);
        Ok(JetStreamEventStore::open(connect(&self.server).await?, config).await?)
    }

    /// The bare client on a connection of its own.
    pub(crate) async fn cold_raw(&self) -> anyhow::Result<jetstream::Context> {
        Ok(jetstream::new(connect(&self.server).await?))
    }
}

/// A runtime as users have it.
pub(crate) fn runtime() -> anyhow::Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

async fn connect(server: &NatsServer) -> anyhow::Result<async_nats::Client> {
    async_nats::connect(server.url()).await.context("connecting to the server")
}
