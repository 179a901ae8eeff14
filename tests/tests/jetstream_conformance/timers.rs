//! [`TimersOnJetStream`]: opens timers for the conformance kit, each in a stream of its own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aether_conformance::store::{Capability, Fixture, Handle, Storage, StorageOptions};
use aether_core::{ActorId, Namespace, Source, TimerId, Timers};
use aether_nats_server::unique_name;
use aether_store_jetstream::{JetStreamConfig, JetStreamTimers, JetStreamTimersConfig, OpenError};
use async_nats::{Client, jetstream};
use async_trait::async_trait;

use crate::own_servers::OwnServers;
use crate::servers::{Servers, connect};

/// How long the consumer waits for an acknowledgement: long enough for a test that is held up, short enough to wait for.
const ACK_WAIT: Duration = Duration::from_secs(4);
/// How long a storage may take until it can be used again after a restart.
const RECOVERY: Duration = Duration::from_secs(60);
/// How often it is asked.
const STEP: Duration = Duration::from_millis(20);

/// Timers on the shared servers; what suffers outages has servers of its own.
pub(crate) struct TimersOnJetStream {
    servers: Servers,
    /// The streams that were made, to be deleted in the end.
    made: Arc<Mutex<Vec<String>>>,
}

impl TimersOnJetStream {
    pub(crate) fn r1() -> Self {
        Self { servers: Servers::One, made: Arc::default() }
    }

    pub(crate) fn r3() -> Self {
        Self { servers: Servers::Three, made: Arc::default() }
    }
}

#[async_trait]
impl Fixture for TimersOnJetStream {
    fn declines(&self, capability: Capability) -> Option<String> {
        let (major, minor) = self.servers.version();
        (capability == Capability::Timers && (major, minor) < (2, 12))
            .then(|| format!("nats-server {major}.{minor} has no scheduled messages, 2.12 has"))
    }

    async fn storage(&self, options: StorageOptions) -> Result<Box<dyn Storage>, Source> {
        let own = match options.outages {
            true => Some(OwnServers::start(self.servers).await?),
            false => None,
        };
        let prefix = unique_name("conformance");
        Ok(Box::new(Streams { servers: self.servers, own, prefix, made: self.made.clone() }))
    }

    async fn clean_up(&self) {
        let made = std::mem::take(&mut *self.made.lock().unwrap());
        let jetstream = jetstream::new(self.servers.connect().await.unwrap());
        for stream in made {
            // One that a rule has been refused is not there.
            let _ = jetstream.delete_stream(stream).await;
        }
    }

    fn comes_again_after(&self) -> Duration {
        ACK_WAIT
    }
}

struct Streams {
    servers: Servers,
    own: Option<Arc<OwnServers>>,
    /// Begins the names of all namespaces, and belongs to nobody else.
    prefix: String,
    made: Arc<Mutex<Vec<String>>>,
}

impl Streams {
    fn config(&self, stream: &str, namespace: &str) -> JetStreamTimersConfig {
        let store = JetStreamConfig::new(stream)
            .namespace(format!("{}-{namespace}", self.prefix))
            .replicas(self.servers.replicas());
        JetStreamTimersConfig::from(store).ack_wait(ACK_WAIT)
    }

    async fn create(&self, config: JetStreamTimersConfig) -> Result<JetStreamTimers, Source> {
        if self.own.is_none() {
            self.made.lock().unwrap().push(config.stream_name());
        }
        match JetStreamTimers::create(self.connect().await?, config).await {
            Err(OpenError::Unsupported(unsupported)) => Err(unsupported.into()),
            created => Ok(created?),
        }
    }

    async fn connect(&self) -> Result<Client, Source> {
        Ok(match &self.own {
            Some(own) => connect(&own.urls()?).await?,
            None => self.servers.connect().await?,
        })
    }

    fn own(&self) -> Result<&Arc<OwnServers>, Source> {
        self.own.as_ref().ok_or_else(|| "the shared servers are not to be harmed".into())
    }

    /// Waits until somebody who opens the timers can change them.
    async fn until_usable(&self) -> Result<(), Source> {
        let nothing = TimerId::new(&ActorId::new("nobody")?, "nothing")?;
        loop {
            if let Ok(timers) = self.create(self.config("events", "main")).await
                && timers.cancel(&nothing).await.is_ok()
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
        Err("these are timers".into())
    }

    async fn open_timers(&self) -> Result<Arc<dyn Timers>, Source> {
        Ok(Arc::new(self.create(self.config("events", "main")).await?))
    }

    async fn open_namespaced_timers(
        &self,
        namespace: &Namespace,
        stream: &str,
    ) -> Result<Arc<dyn Timers>, Source> {
        Ok(Arc::new(self.create(self.config(stream, namespace.as_str())).await?))
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
