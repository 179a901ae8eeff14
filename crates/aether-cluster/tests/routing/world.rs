//! Nodes and clients on one store and one NATS, without a cluster: whoever tests says who owns what.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aether_actor::{ActorRef, ActorSystem, Router};
use aether_cluster::routing::{ClusterRouter, Control, Retry, RoutingConfig, RoutingObserver, TurnedAway};
use aether_cluster::{Incarnation, ShardId};
use aether_nats_server::{shared_r1, unique_name};
use aether_store_memory::MemoryEventStore;
use tokio::time::Instant;

use crate::account::{Account, Balance, Open};

/// The one shard that there is.
pub(crate) const SHARD: ShardId = ShardId::new(0);
/// How long a command may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

/// Counts.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) timed_out: AtomicU64,
    pub(crate) retried: AtomicU64,
    pub(crate) forwarded: AtomicU64,
    /// What was left out by nodes that did not hear themselves.
    pub(crate) deaf: AtomicU64,
}

impl RoutingObserver for Counts {
    fn retried(&self, why: Retry) {
        self.retried.fetch_add(1, Ordering::Relaxed);
        if why == Retry::TimedOut {
            self.timed_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn turned_away(&self, why: TurnedAway) {
        if why == TurnedAway::Deaf {
            self.deaf.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn forwarded(&self, requests: usize) {
        self.forwarded.fetch_add(requests as u64, Ordering::Relaxed);
    }
}

pub(crate) struct World {
    store: MemoryEventStore,
    prefix: String,
    urls: Vec<String>,
    pub(crate) counts: Arc<Counts>,
}

pub(crate) struct TestNode {
    pub(crate) me: Incarnation,
    pub(crate) system: ActorSystem,
    router: Arc<ClusterRouter>,
}

impl TestNode {
    pub(crate) fn control(&self) -> &Control {
        self.router.control()
    }

    /// Takes a shard that nobody has.
    pub(crate) async fn take(&self) {
        let control = self.control();
        control.prepare(SHARD).await.unwrap();
        control.listen(SHARD, soon()).await.unwrap();
        control.act(SHARD).await.unwrap();
    }
}

pub(crate) struct TestClient {
    pub(crate) router: Arc<ClusterRouter>,
}

impl TestClient {
    pub(crate) fn owner(&self, owner: Option<Incarnation>) {
        self.router.control().set_owners(vec![owner]);
    }

    pub(crate) fn account(&self, key: impl std::fmt::Display) -> ActorRef<Account> {
        let router: Arc<dyn Router> = self.router.clone();
        ActorRef::through(router, DEADLINE, key)
    }

    pub(crate) async fn open(&self, accounts: usize) {
        for key in 0..accounts {
            self.account(key).ask(Open { owner: "ada".to_owned() }).await.unwrap();
        }
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::on(vec![shared_r1().unwrap()])
    }

    pub(crate) fn on(urls: Vec<String>) -> Self {
        let (store, prefix) = (MemoryEventStore::new(), unique_name("routing"));
        Self { store, prefix, urls, counts: Arc::default() }
    }

    async fn connect(&self, server: usize) -> async_nats::Client {
        async_nats::connect(&self.urls[server % self.urls.len()]).await.unwrap()
    }

    fn config(&self) -> RoutingConfig {
        RoutingConfig::new(self.prefix.clone(), 1)
    }

    pub(crate) async fn node(&self, server: usize) -> TestNode {
        let (client, me) = (self.connect(server).await, Incarnation::new());
        let router =
            ClusterRouter::node(client, self.config(), me, self.counts.clone(), soon()).await.unwrap();
        let router = Arc::new(router);
        let system = ActorSystem::builder(self.store.clone());
        let system = system.actor::<Account>().router(router.clone()).start().await.unwrap();
        router.control().bind(&system);
        router.control().hears_itself_until(Instant::now() + Duration::from_secs(3600));
        TestNode { me, system, router }
    }

    pub(crate) async fn client(&self, server: usize) -> TestClient {
        let client = self.connect(server).await;
        let router = ClusterRouter::client(client, self.config(), self.counts.clone(), soon()).await.unwrap();
        TestClient { router: Arc::new(router) }
    }

    /// What is in the log of an account.
    pub(crate) async fn balance(&self, key: usize) -> u64 {
        let reader = ActorSystem::builder(self.store.clone()).actor::<Account>().start().await.unwrap();
        reader.actor::<Account>(key).query(Balance).linearizable().await.unwrap()
    }
}
