//! [`OnJetStream`]: opens stores for the rules of actors, each on streams of its own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aether_actor::Store;
use aether_conformance::actors::{Fixture, Storage};
use aether_core::Source;
use aether_nats_server::{shared_r1, shared_r3, unique_name};
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore};
use async_nats::{Client, ServerAddr, jetstream};
use async_trait::async_trait;
use tokio::time::Instant;

/// How long the servers may take until they keep a new stream.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often they are asked.
const STEP: Duration = Duration::from_millis(200);

/// Stores on the servers that all tests of the run share.
pub(crate) struct OnJetStream {
    urls: Vec<String>,
    /// The streams that were made, to be deleted in the end.
    made: Arc<Mutex<Vec<String>>>,
}

impl OnJetStream {
    pub(crate) fn r1() -> Self {
        Self { urls: vec![shared_r1().unwrap()], made: Arc::default() }
    }

    pub(crate) fn r3() -> Self {
        Self { urls: shared_r3().unwrap(), made: Arc::default() }
    }
}

async fn connect(urls: &[String]) -> Result<Client, async_nats::ConnectError> {
    let urls: Vec<ServerAddr> = urls.iter().map(|url| url.parse().unwrap()).collect();
    async_nats::connect(urls).await
}

#[async_trait]
impl Fixture for OnJetStream {
    async fn storage(&self) -> Result<Box<dyn Storage>, Source> {
        let config =
            JetStreamConfig::new("events").namespace(unique_name("actors")).replicas(self.urls.len());
        let name = config.stream_name();
        self.made.lock().unwrap().extend([format!("{name}_snapshots"), name]);
        // A cluster that has only just come together may miss a server for a moment.
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = JetStreamEventStore::create(connect(&self.urls).await?, config.clone()).await {
            if Instant::now() >= deadline {
                return Err(error.into());
            }
            tokio::time::sleep(STEP).await;
        }
        Ok(Box::new(Stream { urls: self.urls.clone(), config }))
    }

    async fn clean_up(&self) {
        let made = std::mem::take(&mut *self.made.lock().unwrap());
        let jetstream = jetstream::new(connect(&self.urls).await.unwrap());
        for stream in made {
            // One that was not made is not there.
            let _ = jetstream.delete_stream(stream).await;
        }
    }
}

struct Stream {
    urls: Vec<String>,
    config: JetStreamConfig,
}

#[async_trait]
impl Storage for Stream {
    async fn open(&self) -> Result<Arc<dyn Store>, Source> {
        let client = connect(&self.urls).await?;
        Ok(Arc::new(JetStreamEventStore::open(client, self.config.clone()).await?))
    }
}
