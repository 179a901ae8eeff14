//! [`OnJetStream`]: opens stores for the conformance kit, each on streams of its own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aether_conformance::store::{Capability, Fixture, Handle, Storage, StorageOptions};
use aether_core::codec::Codec;
use aether_core::{ActorId, EventStore, Namespace, Source};
use aether_nats_server::unique_name;
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore};
use async_nats::{Client, jetstream};
use async_trait::async_trait;

use crate::own_servers::OwnServers;
use crate::servers::{Servers, connect};

/// How long a storage may take until it can be used again after a restart.
const RECOVERY: Duration = Duration::from_secs(60);
/// How often it is asked.
const STEP: Duration = Duration::from_millis(20);

/// Stores on the shared servers, in one encoding; what suffers outages has servers of its own.
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
        match capability {
            Capability::SeveralActors => {
                let (major, minor) = self.servers.version();
                ((major, minor) < (2, 12))
                    .then(|| format!("nats-server {major}.{minor} has no atomic batches, 2.12 has"))
            }
            Capability::Outages => (self.codec != Codec::CloudEventsJson)
                .then(|| "an outage is the same in every encoding, and is tried with CloudEvents".to_owned()),
            _ => None,
        }
    }

    async fn storage(&self, options: StorageOptions) -> Result<Box<dyn Storage>, Source> {
        let own = match options.outages {
            true => Some(OwnServers::start(self.servers).await?),
            false => None,
        };
        let streams = Streams {
            servers: self.servers,
            own,
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
    own: Option<Arc<OwnServers>>,
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
        if self.own.is_none() {
            let name = config.stream_name();
            self.made.lock().unwrap().extend([format!("{name}_snapshots"), name]);
        }
        Ok(JetStreamEventStore::create(self.connect().await?, config).await?)
    }

    async fn connect(&self) -> Result<Client, Source> {
        Ok(match &self.own {
            Some(own) => connect(&own.urls()?).await?,
            None => self.servers.connect().await?,
        })
    }

    async fn open_main(&self) -> Result<JetStreamEventStore, Source> {
        Ok(JetStreamEventStore::open(self.connect().await?, self.config("events", "main")).await?)
    }

    fn own(&self) -> Result<&Arc<OwnServers>, Source> {
        self.own.as_ref().ok_or_else(|| "the shared servers are not to be harmed".into())
    }

    /// Waits until somebody who opens the storage reads from its leader.
    async fn until_usable(&self) -> Result<(), Source> {
        let nobody = ActorId::new("nobody")?;
        loop {
            if let Ok(store) = self.open_main().await
                && store.get_head(&nobody).await.is_ok()
            {
                return Ok(());
            }
            tokio::time::sleep(STEP).await;
        }
    }
}

#[async_trait]
impl Storage for Streams {
    async fn open(&self) -> Result<Handle, Source> {
        Ok(Handle::new(self.open_main().await?))
    }

    async fn open_namespaced(&self, namespace: &Namespace, stream: &str) -> Result<Handle, Source> {
        Ok(Handle::new(self.create(self.config(stream, namespace.as_str())).await?))
    }

    async fn cut_off(&self) -> Result<(), Source> {
        self.own()?.cut_off();
        Ok(())
    }

    async fn reconnect(&self) -> Result<(), Source> {
        self.own()?.reconnect();
        Ok(())
    }

    async fn restart(&self) -> Result<(), Source> {
        self.own()?.restart(self.config("events", "main").stream_name()).await?;
        tokio::time::timeout(RECOVERY, self.until_usable()).await?
    }
}
