//! [`ClusterClient`]: whoever talks to a cluster's actors without being a member.

use std::fmt;
use std::sync::Arc;

use aether_actor::{Actor, ActorRef};
use aether_coordination::{Coordination, Follow, Heard, NatsConfig};
use async_nats::Client;
use futures_util::FutureExt;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::counting::Counting;
use crate::plan::Plan;
use crate::record::{Keys, Leader, Settings, from_json};
use crate::routing::{ClusterRouter, RoutingConfig};
use crate::signal::{Message, decode};
use crate::{ClusterError, builder};

/// Whoever talks to a cluster's actors without being a member: it has no shards, no store, and no say. Cloning is cheap.
///
/// ```no_run
/// # async fn example(client: async_nats::Client) -> Result<(), aether_cluster::ClusterError> {
/// use aether_cluster::ClusterClient;
///
/// let cluster = ClusterClient::connect(client, None, "cluster").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ClusterClient {
    router: Arc<ClusterRouter>,
    /// Listens to the members for as long as somebody has the client.
    _listener: Arc<AbortOnDropHandle<()>>,
}

impl ClusterClient {
    /// Finds the cluster of this namespace and name.
    ///
    /// # Errors
    /// [`ClusterError`] if there is none, or it cannot be reached.
    ///
    /// # Cancel safety
    /// Can be dropped at any time.
    pub async fn connect(
        client: Client,
        namespace: Option<&str>,
        cluster: &str,
    ) -> Result<Self, ClusterError> {
        Self::connect_by(client, namespace, cluster, |bucket| bucket).await
    }

    /// Finds the cluster of this namespace and name, whose bucket is in another JetStream domain or account; see
    /// [`ClusterBuilder::bucket`](crate::ClusterBuilder::bucket).
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    ///
    /// # Cancel safety
    /// Can be dropped at any time.
    pub async fn connect_by(
        client: Client,
        namespace: Option<&str>,
        cluster: &str,
        bucket: impl FnOnce(NatsConfig) -> NatsConfig + Send + 'static,
    ) -> Result<Self, ClusterError> {
        let coordination = builder::existing(&client, cluster, namespace, Box::new(bucket)).await?;
        let keys = Keys::new(cluster);
        let settings = coordination.get(&keys.settings).await?;
        let settings: Option<Settings> = settings.and_then(|entry| from_json(&entry.value).ok());
        let Some(Settings { shards }) = settings else {
            let reason = "no node has ever been started in a cluster of this name";
            return Err(ClusterError::Option { option: "cluster", reason });
        };
        let config = RoutingConfig::new(builder::prefix(namespace, cluster), shards);
        let metrics = Arc::new(Counting::new(namespace, cluster));
        let router =
            Arc::new(ClusterRouter::client(client, config, metrics, Instant::now() + builder::WITHIN).await?);
        let (listen, topic) = (Arc::clone(&coordination), keys.pulse.clone());
        let heard = Follow::begin(move || {
            let (listen, topic) = (Arc::clone(&listen), topic.clone());
            async move { listen.listen(&topic).await }.boxed()
        })
        .await?;
        if let Some(entry) = coordination.get(&keys.leader).await?
            && let Ok(leader) = from_json::<Leader>(&entry.value)
        {
            router.control().saw(leader.sequence);
        }
        let mut revision = 0;
        if let Some(entry) = coordination.get(&keys.plan).await?
            && let Ok(plan) = from_json::<Plan>(&entry.value)
        {
            revision = entry.revision.get();
            router.control().set_owners(plan.owners());
        }
        let listener = follow(heard, Arc::clone(&router), coordination, keys, revision);
        let listener = Arc::new(AbortOnDropHandle::new(tokio::spawn(listener)));
        Ok(Self { router, _listener: listener })
    }

    /// The actor of this type with this key, wherever it lives.
    #[must_use]
    pub fn actor<A: Actor>(&self, key: impl fmt::Display) -> ActorRef<A> {
        ActorRef::through(Arc::clone(&self.router) as _, builder::DEADLINE, key)
    }
}

impl fmt::Debug for ClusterClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterClient").finish_non_exhaustive()
    }
}

/// Keeps what is known of the owners up to date. It is a hint: whoever it is wrong about says so.
async fn follow(
    mut heard: Follow<Heard>,
    router: Arc<ClusterRouter>,
    coordination: Arc<dyn Coordination>,
    keys: Keys,
    mut revision: u64,
) {
    loop {
        let message = match heard.next().await {
            Ok(message) => message,
            Err(error) => {
                tracing::error!(%error, "the cluster cannot be listened to any more: where actors are is found out by asking");
                return;
            }
        };
        match decode(&message) {
            Ok(Message::Plan(plan, at)) if at > revision => {
                revision = at;
                router.control().set_owners(plan.owners());
            }
            Ok(Message::Pulse(beat)) => {
                router.control().saw(beat.sequence);
                if beat.plan > revision
                    && let Ok(Some(entry)) = coordination.get(&keys.plan).await
                    && let Ok(plan) = from_json::<Plan>(&entry.value)
                {
                    revision = entry.revision.get().max(revision);
                    router.control().set_owners(plan.owners());
                }
            }
            Ok(_) | Err(_) => {}
        }
    }
}
