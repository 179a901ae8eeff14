//! The bank under fire: transfers go on while servers are killed, and while the processes that run the accounts are.

mod audit;
mod bank;
mod books;
mod desk;
mod hammering;
mod said;
pub(crate) mod worker;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use aether_nats_server::{NatsCluster, NatsServer, unique_name};
use aether_store_jetstream::{JetStreamEventStore, JetStreamTimersConfig};
use anyhow::Context;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::Instant;
use uuid::Uuid;

use self::bank::{Account, Open};
use self::books::Books;
use self::desk::Desk;
use self::said::{Order, Way};
use self::workers::{Setting, Worker};
use crate::Plan;
use crate::faults::whole;
use crate::report::Report;
use crate::writers::{config, connect};

const WORKERS: usize = 2;
const ACCOUNTS: usize = 200;
/// The last of them are closed.
const CLOSED: usize = 5;
const CENTS: u64 = 1_000;
/// How many transfers are under way at once.
const AT_ONCE: usize = 256;
/// Two of a server, then one of a worker: 12 and 6 of them.
const FAULTS: u64 = 18;
/// How long anything may take that has to happen.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the fire is.
#[derive(Debug)]
enum Servers {
    One(NatsServer),
    Three(NatsCluster),
}

/// Both scenarios, and the hammer.
pub(crate) async fn run(plan: &Plan, only: Option<&str>, report: &mut Report) -> anyhow::Result<()> {
    let wanted = |name: &str| only.is_none_or(|only| only == name);
    if wanted("single") {
        println!("the bank on one server that is killed and restarted");
        let servers = Servers::One(NatsServer::builder().start()?);
        bank(plan, "R1 bank", servers, report).await.context("on one server")?;
    }
    if wanted("cluster") {
        println!("the bank on three servers that are killed and brought back");
        let servers = Servers::Three(NatsCluster::start()?);
        bank(plan, "R3 bank", servers, report).await.context("on three servers")?;
    }
    if wanted("hammer") {
        println!("two systems over one store hammer the same actors, while servers are killed and paused");
        hammering::run(plan, report).await.context("the hammer")?;
    }
    Ok(())
}

async fn bank(
    plan: &Plan,
    scenario: &'static str,
    servers: Servers,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut stage = Stage::set(servers).await?;
    let (orders, faults) = (plan.share(10_000), plan.share(FAULTS).max(3));
    // So that the faults are spread over all of the orders.
    stage.progress = orders / (2 * faults);
    let transfers = tokio::spawn(transfers(plan.seed, orders, Arc::clone(&stage.desk)));
    let mut random = fastrand::Rng::with_seed(plan.seed);
    let (mut of_servers, mut of_workers, mut last_words) = (0, 0, 0);
    for fault in 0..faults {
        stage.progress(stage.progress).await?;
        println!("  fault {fault}: {} orders answered so far", stage.desk.answered());
        tokio::time::sleep(Duration::from_millis(random.u64(..300))).await;
        match fault % 3 {
            2 if fault % 2 == 0 => {
                stage.kill_worker(random.usize(..WORKERS)).await?;
                of_workers += 1;
            }
            2 => {
                stage.last_word().await?;
                last_words += 1;
            }
            _ => {
                stage.kill_server(&mut random).await.with_context(|| format!("fault {fault}"))?;
                of_servers += 1;
            }
        }
    }
    stage.faults_over(of_servers, of_workers, last_words);
    transfers.await??;
    stage.finish(plan, scenario, report).await
}

/// Places so many random orders, and goes on until it is told that there is enough.
async fn transfers(seed: u64, orders: u64, desk: Arc<Desk>) -> anyhow::Result<()> {
    let (mut random, room) = (fastrand::Rng::with_seed(seed), Arc::new(Semaphore::new(AT_ONCE)));
    let mut placed = JoinSet::new();
    let mut number = 0;
    while number < orders || !desk.is_enough() {
        number += 1;
        let place = Arc::clone(&room).acquire_owned().await?;
        let order = order(&mut random);
        let desk = Arc::clone(&desk);
        placed.spawn(async move {
            desk.place(order).await;
            drop(place);
        });
        while let Some(done) = placed.try_join_next() {
            done?;
        }
    }
    placed.join_all().await;
    Ok(())
}

fn order(random: &mut fastrand::Rng) -> Order {
    let from = random.usize(..ACCOUNTS);
    let to = (from + random.usize(1..ACCOUNTS)) % ACCOUNTS;
    let way = if random.u8(..3) == 0 { Way::Transaction } else { Way::Process };
    Order { id: Uuid::now_v7(), from, to, cents: random.u64(1..=400), way }
}

/// Everything that runs.
struct Stage {
    servers: Servers,
    setting: Setting,
    desk: Arc<Desk>,
    workers: Vec<Worker>,
    /// How many transfers must get through between two faults.
    progress: u64,
    faults: [u64; 3],
}

impl Stage {
    async fn set(servers: Servers) -> anyhow::Result<Self> {
        let (urls, replicas) = match &servers {
            Servers::One(server) => (vec![server.url()], 1),
            Servers::Three(cluster) => (cluster.urls(), 3),
        };
        let setting = Setting { urls, namespace: unique_name("bank"), replicas };
        let system = worker::bank(&setting.urls, &setting.namespace, replicas).await?;
        for number in 0..ACCOUNTS {
            let open = Open { cents: CENTS, closed: number >= ACCOUNTS - CLOSED };
            system.actor::<Account>(number).ask(open).await.context("opening the accounts")?;
        }
        system.shutdown(Duration::from_secs(30)).await;
        let mut stage =
            Self { servers, setting, desk: Arc::default(), workers: Vec::new(), progress: 0, faults: [0; 3] };
        for place in 0..WORKERS {
            stage.employ(place).await?;
        }
        Ok(stage)
    }

    /// Starts a worker in this place.
    async fn employ(&mut self, place: usize) -> anyhow::Result<()> {
        let worker = Worker::start(&self.setting, &self.desk).await?;
        self.desk.employ(place, Some(worker.told()));
        self.workers.insert(place, worker);
        Ok(())
    }

    /// Waits until so many more orders were answered.
    async fn progress(&self, orders: u64) -> anyhow::Result<()> {
        let (from, deadline) = (self.desk.answered(), Instant::now() + PATIENCE);
        while self.desk.answered() < from + orders {
            let done = self.desk.answered() - from;
            anyhow::ensure!(Instant::now() < deadline, "only {done} of {orders} orders within {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Kills a worker (-9), and starts another one.
    async fn kill_worker(&mut self, place: usize) -> anyhow::Result<()> {
        self.desk.employ(place, None);
        self.workers.remove(place).kill().await?;
        self.employ(place).await
    }

    /// Lets the first worker die as soon as it has saved something, and starts another one.
    async fn last_word(&mut self) -> anyhow::Result<()> {
        self.desk.next_is_last();
        let deadline = Instant::now() + PATIENCE;
        while !self.desk.last_is_out() {
            anyhow::ensure!(Instant::now() < deadline, "no order goes to the first worker");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.workers.remove(0).died().await?;
        self.desk.employ(0, None);
        self.employ(0).await
    }

    async fn kill_server(&self, random: &mut fastrand::Rng) -> anyhow::Result<()> {
        match &self.servers {
            Servers::One(server) => {
                block_in_place(|| server.kill())?;
                tokio::time::sleep(Duration::from_millis(random.u64(..300))).await;
                block_in_place(|| server.restart())?;
                Ok(())
            }
            Servers::Three(cluster) => {
                let node = random.usize(..3);
                block_in_place(|| cluster.kill(node))?;
                let progress = self.progress(self.progress / 2).await;
                progress.with_context(|| format!("with node {node} killed"))?;
                block_in_place(|| cluster.restart(node))?;
                let config = config(&self.setting.namespace, 3);
                whole(&self.setting.urls, &config.stream_name()).await?;
                whole(&self.setting.urls, &JetStreamTimersConfig::from(config).stream_name()).await
            }
        }
    }

    fn faults_over(&mut self, of_servers: u64, of_workers: u64, last_words: u64) {
        self.faults = [of_servers, of_workers, last_words];
        self.desk.enough();
    }

    /// Waits until nothing is under way any more, lets everybody stop, and compares.
    async fn finish(self, plan: &Plan, scenario: &'static str, report: &mut Report) -> anyhow::Result<()> {
        let config = config(&self.setting.namespace, self.setting.replicas);
        let store = JetStreamEventStore::open(connect(&self.setting.urls).await?, config).await?;
        let deadline = Instant::now() + PATIENCE;
        while Books::read(&store).await?.under_way() > 0 && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        for (place, worker) in self.workers.into_iter().enumerate() {
            self.desk.employ(place, None);
            worker.stop().await?;
        }
        let [of_servers, of_workers, last_words] = self.faults;
        report.at_least(scenario, "kills (-9) and restarts of a server", of_servers, plan.share(10));
        report.at_least(
            scenario,
            "kills (-9) and restarts of a worker",
            of_workers + last_words,
            plan.share(5),
        );
        report.count(scenario, "of those, between a save and its timer and effect", last_words);
        report.count(
            scenario,
            "longest time without an answer (ms)",
            u64::try_from(self.desk.longest_gap().as_millis())?,
        );
        let books = Books::read(&store).await?;
        books.audit(scenario, &self.desk.closed(), &self.desk.receipts(), report);
        Ok(())
    }
}
