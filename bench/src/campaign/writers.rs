//! Writers that go on saving, whatever happens to the servers.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aether_core::{ActorId, Commit, Event, EventStore, Expected, Version};
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore, StoreStats, Timeouts};
use anyhow::Context;
use futures_util::future::join_all;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::ledger::Ledger;

/// How many stores, each with its own connection and cache, they share.
const STORES: usize = 8;
/// How long a writer rests between two saves, so that a campaign is long in faults and not in events.
const REST: Duration = Duration::from_millis(2);

/// How many write, and to how many actors: several writers to each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) writers: usize,
    pub(crate) actors: usize,
}

/// Writers at work.
#[derive(Debug)]
pub(crate) struct Writers {
    pub(crate) ledger: Arc<Ledger>,
    stores: Vec<JetStreamEventStore>,
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

/// A connection that comes back soon after a server was lost.
pub(crate) async fn connect(urls: &[String]) -> anyhow::Result<async_nats::Client> {
    let options = async_nats::ConnectOptions::new()
        .retry_on_initial_connect()
        // A paused server does not close its connections; by default the client would notice after two minutes.
        .ping_interval(Duration::from_secs(1))
        .reconnect_delay_callback(|attempts| Duration::from_millis(20 * attempts.min(10) as u64));
    Ok(options.connect(urls.to_vec()).await?)
}

/// The configuration of all stores of a campaign: attempts are short, since faults are many.
pub(crate) fn config(namespace: &str, replicas: usize) -> JetStreamConfig {
    let mut timeouts = Timeouts::default();
    timeouts.attempt = Duration::from_millis(1500);
    timeouts.save = Duration::from_secs(40);
    JetStreamConfig::new("events").namespace(namespace).replicas(replicas).timeouts(timeouts)
}

impl Writers {
    /// Starts them.
    pub(crate) async fn start(
        load: Load,
        urls: &[String],
        config: JetStreamConfig,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let mut stores = Vec::new();
        for _ in 0..STORES {
            let client = connect(urls).await?;
            stores.push(
                JetStreamEventStore::create(client, config.clone()).await.context("creating the store")?,
            );
        }
        let (ledger, stop) = (Arc::new(Ledger::default()), Arc::new(AtomicBool::new(false)));
        let tasks = (0..load.writers).map(|number| {
            let writer = Writer {
                store: stores[number % STORES].clone(),
                ledger: Arc::clone(&ledger),
                actors: load.actors,
                random: fastrand::Rng::with_seed(seed ^ (number as u64) << 32),
                known: HashMap::new(),
            };
            tokio::spawn(writer.run(Arc::clone(&stop)))
        });
        let tasks = tasks.collect();
        Ok(Self { ledger, stores, stop, tasks })
    }

    /// Waits until so many more commits were acknowledged.
    pub(crate) async fn progress(&self, commits: u64, within: Duration) -> anyhow::Result<()> {
        let (from, deadline) = (self.ledger.acknowledged(), Instant::now() + within);
        while self.ledger.acknowledged() < from + commits {
            let done = self.ledger.acknowledged() - from;
            anyhow::ensure!(Instant::now() < deadline, "only {done} of {commits} commits within {within:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Lets them finish what they are at, and gives what their stores counted.
    pub(crate) async fn stop(self) -> anyhow::Result<(Arc<Ledger>, Vec<StoreStats>)> {
        self.stop.store(true, Ordering::Relaxed);
        for ended in join_all(self.tasks).await {
            ended.context("a writer panicked")?;
        }
        Ok((self.ledger, self.stores.iter().map(JetStreamEventStore::stats).collect()))
    }
}

struct Writer {
    store: JetStreamEventStore,
    ledger: Arc<Ledger>,
    actors: usize,
    random: fastrand::Rng,
    /// The versions that it believes its actors to be at.
    known: HashMap<usize, Version>,
}

impl Writer {
    async fn run(mut self, stop: Arc<AtomicBool>) {
        while !stop.load(Ordering::Relaxed) {
            self.save().await;
            tokio::time::sleep(REST).await;
        }
    }

    async fn save(&mut self) {
        let number = self.random.usize(..self.actors);
        let Ok(actor) = ActorId::new(format!("account-{number}")) else { return };
        let head = match self.known.get(&number) {
            Some(&version) if self.random.f64() < 0.8 => aether_core::Head::new(0, version),
            _ => match self.store.get_head(&actor).await {
                Ok(head) => head,
                Err(_) => return,
            },
        };
        let mut version = head.version();
        let events: Vec<Event> = (0..self.random.usize(1..4))
            .filter_map(|_| {
                version = Version::new(version.get() + self.random.u64(1..3));
                Event::new(&actor, version, "Booked", &version).ok()
            })
            .collect();
        let expected = match (self.random.u8(..3), head.sequence()) {
            (0, 1..) => Expected::At(head),
            (1, _) => Expected::Exact(head.version()),
            _ => Expected::Ascending,
        };
        let saved = self.store.save(&Commit::events(&events).expecting(expected)).await;
        self.ledger.note(&events, &saved);
        match saved {
            Ok(saved) => self.known.insert(number, saved.version),
            Err(_) => self.known.remove(&number),
        };
    }
}
