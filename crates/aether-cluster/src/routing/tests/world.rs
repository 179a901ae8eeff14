//! Nodes and clients on one store and one NATS, without a cluster: each test assigns the owners. And a load on them whose every
//! answer is known in advance.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aether_actor::{ActorRef, ActorSystem, AskError, Router};
use aether_nats_server::{shared_r1, unique_name};
use aether_store_memory::MemoryEventStore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::account::{Account, AccountError, Balance, Deposit, Open, Withdraw};
use crate::routing::control::Control;
use crate::routing::observer::{Retry, RoutingObserver, TurnedAway};
use crate::routing::{ClusterRouter, RoutingConfig};
use crate::{Incarnation, ShardId};

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

/// Callers, each with an account of its own, so that each knows what the next answer must be.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    callers: JoinSet<(usize, u64, u64)>,
}

impl Load {
    pub(crate) fn start(client: &TestClient, callers: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut running = JoinSet::new();
        for key in 0..callers {
            let (stop, account) = (Arc::clone(&stop), client.account(key));
            running.spawn(async move {
                let (mut balance, mut asked) = (0, 0);
                while !stop.load(Ordering::Relaxed) {
                    let deposited = account.ask(Deposit { cents: 3 }).await.unwrap();
                    balance += 3;
                    assert_eq!(deposited, balance, "{key}: lost, or executed twice");
                    let refused = account.ask(Withdraw { cents: balance + 1 }).await.unwrap_err();
                    let AskError::Refused(AccountError::Overdrawn { by: 1 }) = refused else {
                        panic!("{key}: {refused:?}");
                    };
                    let withdrawn = account.ask(Withdraw { cents: 1 }).await.unwrap();
                    balance -= 1;
                    assert_eq!(withdrawn, balance, "{key}: lost, or executed twice");
                    asked += 3;
                }
                (key, balance, asked)
            });
        }
        Self { stop, callers: running }
    }

    /// Stops it, and compares what was answered with the log. How many commands were answered.
    pub(crate) async fn stop(self, world: &World) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        let mut commands = 0;
        for (key, balance, asked) in self.callers.join_all().await {
            assert_eq!(world.balance(key).await, balance, "{key}: the log says something else");
            commands += asked;
        }
        commands
    }
}
