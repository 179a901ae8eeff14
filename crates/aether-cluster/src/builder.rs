//! [`ClusterBuilder`]: what a node is started with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aether_actor::{Actor, ActorSystem, ActorSystemBuilder, Store};
use aether_coordination::{Condition, Coordination, KeyValue, NatsConfig, NatsCoordination};
use async_nats::Client;
use parking_lot::Mutex;
use time::OffsetDateTime;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::counting::Counting;
use crate::driver::{Driver, Parts, Shared};
use crate::engine::{Engine, Options};
use crate::manager::{ClusterManager, Inner};
use crate::placement::{Placement, Rendezvous};
use crate::record::{Keys, Settings, from_json, to_json};
use crate::routing::wire::Versions;
use crate::routing::{ClusterRouter, RoutingConfig};
use crate::{ClusterError, Incarnation, Member, Node, NodeId};

/// How many events of the cluster wait for whoever follows them; who falls behind further misses some and is told so.
const EVENTS: usize = 1024;
/// How long the servers may take to answer when a node or client is started.
pub(crate) const WITHIN: Duration = Duration::from_secs(10);
/// How long what is asked of actors waits for its answer, unless it says otherwise: it outlasts an election of the servers.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// The shortest time between two heartbeats.
const LEAST_HEARTBEAT: Duration = Duration::from_millis(10);

/// The way to the bucket with the cluster's keys.
pub(crate) type Bucket = Box<dyn FnOnce(NatsConfig) -> NatsConfig + Send>;
type Configure = Box<dyn FnOnce(ActorSystemBuilder) -> ActorSystemBuilder + Send>;

/// What a node is started with. See [`ClusterManager::builder`].
#[must_use = "a node is started by start()"]
pub struct ClusterBuilder {
    client: Client,
    id: NodeId,
    name: String,
    namespace: Option<String>,
    shards: u16,
    replicas: usize,
    heartbeat: Duration,
    suspect_after: Duration,
    moves: f64,
    placement: Arc<dyn Placement>,
    member: Box<dyn FnOnce(&mut Member) + Send>,
    store: Option<Arc<dyn Store>>,
    system: Vec<Configure>,
    routing: Box<dyn FnOnce(&mut RoutingConfig) + Send>,
    bucket: Bucket,
}

impl fmt::Debug for ClusterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterBuilder")
            .field("node", &self.id)
            .field("cluster", &self.name)
            .finish_non_exhaustive()
    }
}

impl ClusterBuilder {
    pub(crate) fn new(client: Client, id: NodeId) -> Self {
        Self {
            client,
            id,
            name: String::from("cluster"),
            namespace: None,
            shards: 1024,
            replicas: 1,
            heartbeat: Duration::from_millis(500),
            suspect_after: Duration::from_secs(3),
            moves: 0.1,
            placement: Arc::new(Rendezvous::default()),
            member: Box::new(|_| {}),
            store: None,
            system: Vec::new(),
            routing: Box::new(|_| {}),
            bucket: Box::new(|config| config),
        }
    }

    /// The name of the cluster, for several of them in one namespace; `cluster` by default.
    pub fn cluster(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The namespace: clusters of different namespaces on the same servers know nothing of each other. None by default.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Into how many shards the actors are divided; 1024 by default. Fixed when a cluster is first started: a node that
    /// says otherwise later is refused.
    pub fn shards(mut self, shards: u16) -> Self {
        self.shards = shards;
        self
    }

    /// On how many servers the cluster's keys are kept; 1 by default, 3 survive the loss of any one. Fixed when a cluster is
    /// first started.
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.replicas = replicas;
        self
    }

    /// How often a node lets itself be heard, and how long it may be silent before its shards are given to others: every
    /// 500 ms and 3 s by default. All nodes should have the same; at least four heartbeats should fit into the silence.
    pub fn heartbeat(mut self, every: Duration, suspect_after: Duration) -> Self {
        (self.heartbeat, self.suspect_after) = (every, suspect_after);
        self
    }

    /// Which part of the shards may be on the move at a time, from 0 to 1; a tenth by default.
    pub fn moves(mut self, part: f64) -> Self {
        self.moves = part;
        self
    }

    /// Where shards should be; by default [`Rendezvous`].
    pub fn placement(mut self, placement: impl Placement + 'static) -> Self {
        self.placement = Arc::new(placement);
        self
    }

    /// What the node says of itself: roles, zone, weight, the version of the program, metadata.
    pub fn member(mut self, describe: impl FnOnce(&mut Member) + Send + 'static) -> Self {
        self.member = Box::new(describe);
        self
    }

    /// The way to the bucket with the cluster's keys: its JetStream domain or API prefix, and the connection's denials.
    /// Name, namespace and replicas are the cluster's.
    pub fn bucket(mut self, configure: impl FnOnce(NatsConfig) -> NatsConfig + Send + 'static) -> Self {
        self.bucket = Box::new(configure);
        self
    }

    /// How requests travel: how many a node has under way, how long a sender waits, and the like.
    pub fn routing(mut self, configure: impl FnOnce(&mut RoutingConfig) + Send + 'static) -> Self {
        self.routing = Box::new(configure);
        self
    }

    /// The store that the actors live on.
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// With actors of this type.
    pub fn actor<A: Actor>(self) -> Self {
        self.actors(ActorSystemBuilder::actor::<A>)
    }

    /// With whatever else an actor system is started with: options of actors, process managers, timers, effects. Their
    /// consumer groups agree by the cluster's own keys, so each event is followed once in the cluster.
    pub fn actors(
        mut self,
        configure: impl FnOnce(ActorSystemBuilder) -> ActorSystemBuilder + Send + 'static,
    ) -> Self {
        self.system.push(Box::new(configure));
        self
    }

    /// Starts the node: it joins the cluster, and takes over shards as soon as the leader gives it some, which
    /// [`ClusterManager::ready`] waits for.
    ///
    /// # Errors
    /// [`ClusterError`] if an option is not valid, the keys cannot be used, the node disagrees with the cluster, or the
    /// actors cannot be started.
    ///
    /// # Cancel safety
    /// If it is dropped, the node has not joined.
    pub async fn start(self) -> Result<ClusterManager, ClusterError> {
        self.check()?;
        let coordination =
            coordination(&self.client, &self.name, self.namespace.as_deref(), self.replicas, self.bucket)
                .await?;
        let settings = agree(&*coordination, &self.name, self.shards).await?;
        let node = Node { id: self.id, incarnation: Incarnation::new() };
        let mut routing = RoutingConfig::new(prefix(self.namespace.as_deref(), &self.name), settings.shards);
        (self.routing)(&mut routing);
        let Versions { lowest, highest } = routing.versions;
        let protocols = (lowest, highest);
        let mut member = Member::new(node.clone(), OffsetDateTime::now_utc(), protocols);
        (self.member)(&mut member);
        let metrics = Arc::new(Counting::new(self.namespace.as_deref(), &self.name));
        let until = Instant::now() + WITHIN;
        let router =
            ClusterRouter::node(self.client.clone(), routing, node.incarnation, metrics, until).await?;
        let router = Arc::new(router);
        let system = match self.store {
            Some(store) => {
                let mut builder = ActorSystem::builder(store)
                    .router(Arc::clone(&router) as _)
                    .coordination(Arc::clone(&coordination) as _);
                if let Some(namespace) = &self.namespace {
                    builder = builder.namespace(namespace.clone());
                }
                for configure in self.system {
                    builder = configure(builder);
                }
                let system = builder.start().await?;
                router.control().bind(&system);
                Some(system)
            }
            None if self.system.is_empty() => None,
            None => {
                let reason = "actors need a store: add `.store(…)` to the builder";
                return Err(ClusterError::Option { option: "actor", reason });
            }
        };
        let started = Instant::now();
        let options = Options {
            pulse_every: self.heartbeat,
            suspect_after: self.suspect_after,
            moves: self.moves,
            placement: self.placement,
        };
        let engine = Engine::new(member, options, settings.clone(), Duration::ZERO, fastrand::u64(..));
        let (commands, taken) = mpsc::channel(4);
        let shared = Shared { known: watch::Sender::default(), events: broadcast::Sender::new(EVENTS) };
        let driver = Driver::new(Parts {
            engine,
            me: node.clone(),
            cluster: self.name,
            namespace: self.namespace,
            count: settings.shards,
            coordination: Arc::clone(&coordination),
            router: Arc::clone(&router),
            system: system.clone(),
            commands: taken,
            shared: shared.clone(),
            started,
        })
        .await?;
        let (ended, has_ended) = watch::channel(None);
        let task = tokio::spawn(async move {
            let result = driver.run().await;
            if let Err(error) = &result {
                tracing::error!(%error, "the node has failed");
            }
            // Whoever waits looks at it; there may be nobody.
            let _ = ended.send(Some(result.map_err(Arc::new)));
        });
        let task = Mutex::new(Some(AbortOnDropHandle::new(task)));
        Ok(ClusterManager(Arc::new(Inner {
            node,
            shards: settings.shards,
            shared,
            commands,
            has_ended,
            task,
            system,
            router,
            coordination,
        })))
    }

    fn check(&self) -> Result<(), ClusterError> {
        let refuse = |option, reason| Err(ClusterError::Option { option, reason });
        if self.name.is_empty() {
            return refuse("cluster", "a cluster needs a name");
        }
        if self.shards == 0 {
            return refuse("shards", "there must be at least one");
        }
        if self.heartbeat < LEAST_HEARTBEAT {
            return refuse("heartbeat", "at least 10 ms");
        }
        if self.suspect_after < self.heartbeat * 4 {
            return refuse(
                "heartbeat",
                "at least four heartbeats must fit into the silence after which a node is suspected",
            );
        }
        if !(self.moves > 0.0 && self.moves <= 1.0) {
            return refuse("moves", "more than 0, and at most 1");
        }
        Ok(())
    }
}

/// What all subjects of a cluster begin with.
pub(crate) fn prefix(namespace: Option<&str>, cluster: &str) -> String {
    format!("aether.{}", config(cluster, namespace).bucket_name())
}

/// The keys and signals of a cluster.
pub(crate) async fn coordination(
    client: &Client,
    cluster: &str,
    namespace: Option<&str>,
    replicas: usize,
    bucket: Bucket,
) -> Result<Arc<dyn Coordination>, ClusterError> {
    let config = bucket(config(cluster, namespace).replicas(replicas));
    Ok(Arc::new(NatsCoordination::create(client.clone(), config).await?))
}

/// The keys and signals of a cluster that is there.
pub(crate) async fn existing(
    client: &Client,
    cluster: &str,
    namespace: Option<&str>,
    bucket: Bucket,
) -> Result<Arc<dyn Coordination>, ClusterError> {
    let config = bucket(config(cluster, namespace));
    Ok(Arc::new(NatsCoordination::open(client.clone(), config).await?))
}

fn config(cluster: &str, namespace: Option<&str>) -> NatsConfig {
    let config = NatsConfig::new(cluster);
    match namespace {
        Some(namespace) => config.namespace(namespace),
        None => config,
    }
}

/// Finds out what is fixed for the cluster, or fixes it.
async fn agree(keys: &dyn Coordination, cluster: &str, shards: u16) -> Result<Settings, ClusterError> {
    let key = Keys::new(cluster).settings;
    let mine = Settings { shards };
    let there = match KeyValue::put(keys, &key, to_json(&mine), Condition::Absent).await {
        Ok(_) => return Ok(mine),
        Err(error) if error.is_conflict() => keys.get(&key).await?,
        Err(error) => return Err(error.into()),
    };
    let there: Option<Settings> = there.and_then(|entry| from_json(&entry.value).ok());
    match there {
        Some(there) if there == mine => Ok(mine),
        Some(there) => Err(ClusterError::Shards { there: there.shards, here: shards }),
        None => Err(ClusterError::Option {
            option: "cluster",
            reason: "the cluster's settings cannot be read: another version of the program has written them",
        }),
    }
}
