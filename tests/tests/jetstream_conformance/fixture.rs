//! [`OnJetStream`]: opens stores for the conformance kit, each on streams of its own.

use std::sync::{Arc, Mutex};

use aether_core::codec::Codec;
use aether_core::{Namespace, Source};
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore};
use aether_testkit::conformance::{Capability, Fixture, Handle, Storage, StorageOptions};
use aether_testkit::server::unique_name;
use async_nats::jetstream;
use async_trait::async_trait;

use crate::servers::Servers;

/// Stores on the shared servers, in one encoding.
pub(crate) struct OnJetStream {
    servers: Servers,
    codec: Codec,
    /// The streams that were made, to be deleted in the end.
    made: Made,
}

type Made = Arc<Mutex<Vec<String>>>;

impl OnJetStream {
    pub(crate) fn r1(codec: Codec) -> Self {
        Self { servers: Servers::One, codec, made: Made::default() }
    }

    pub(crate) fn r3(codec: Codec) -> Self {
        Self { servers: Servers::Three, codec, made: Made::default() }
    }
}

#[async_trait]
impl Fixture for OnJetStream {
    fn declines(&self, capability: Capability) -> Option<String> {
        let (major, minor) = self.servers.version();
        (capability == Capability::SeveralActors && (major, minor) < (2, 12))
            .then(|| format!("nats-server {major}.{minor} has no atomic batches, 2.12 has"))
    }

    async fn storage(&self, options: StorageOptions) -> Result<Box<dyn Storage>, Source> {
        let streams = Streams {
            servers: self.servers,
            codec: self.codec,
            options,
            prefix: unique_name("conformance"),
            made: self.made.clone(),
        };
        streams.create(streams.config("events", "main")).await?;
        Ok(Box::new(streams))
    }

    async fn clean_up(&self) {
        let made = std::mem::take(&mut *self.made.lock().unwrap());
        let jetstream = jetstream::new(self.servers.connect().await.unwrap());
        for stream in made {
            // One that a rule has been refused is not there.
            let _ = jetstream.delete_stream(stream).await;
        }
    }

    fn model_cases(&self) -> u32 {
        match self.servers {
            Servers::One => 12,
            Servers::Three => 4,
        }
    }
}

struct Streams {
    servers: Servers,
    codec: Codec,
    options: StorageOptions,
    /// Begins the names of all namespaces, and belongs to nobody else.
    prefix: String,
    made: Made,
}

impl Streams {
    fn config(&self, stream: &str, namespace: &str) -> JetStreamConfig {
        let config = JetStreamConfig::new(stream)
            .namespace(format!("{}-{namespace}", self.prefix))
            .replicas(self.servers.replicas())
            .encoding(self.codec);
        let config = match self.options.max_age {
            Some(max_age) => config.stream_retention(max_age),
            None => config,
        };
        match self.options.max_bytes {
            Some(max_bytes) => config.max_bytes(max_bytes),
            None => config,
        }
    }

    async fn create(&self, config: JetStreamConfig) -> Result<JetStreamEventStore, Source> {
        let name = config.stream_name();
        self.made.lock().unwrap().extend([format!("{name}_snapshots"), name]);
        Ok(JetStreamEventStore::create(self.servers.connect().await?, config).await?)
    }
}

#[async_trait]
impl Storage for Streams {
    async fn open(&self) -> Result<Handle, Source> {
        let client = self.servers.connect().await?;
        Ok(Handle::new(JetStreamEventStore::open(client, self.config("events", "main")).await?))
    }

    async fn open_namespaced(&self, namespace: &Namespace, stream: &str) -> Result<Handle, Source> {
        Ok(Handle::new(self.create(self.config(stream, namespace.as_str())).await?))
    }
}
