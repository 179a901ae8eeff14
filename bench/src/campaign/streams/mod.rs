//! Writers save, followers handle and projections count, while servers are killed and paused, and followers die, freeze
//! past their suspicion and come back.

mod audit;
pub(crate) mod follower;
mod followers;
mod records;
mod said;
mod views;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aether_core::{EventStore, Position, ReadFrom, RecordedEvent};
use aether_nats_server::{NatsCluster, unique_name};
use aether_projection::{MemoryModel, Projector};
use aether_store_jetstream::JetStreamEventStore;
use anyhow::Context;
use futures_util::TryStreamExt;
use tokio::task::block_in_place;
use tokio::time::Instant;

use self::follower::Connected;
use self::followers::{Follower, Heard, Setting};
use self::records::Records;
use self::views::{Replay, Whole};
use crate::Plan;
use crate::faults::whole;
use crate::report::Report;
use crate::writers::{Load, Writers, config, connect};

const SCENARIO: &str = "R3 streams";
const LOAD: Load = Load { writers: 16, actors: 256 };
const FOLLOWERS: usize = 4;
const PARTITIONS: usize = 64;
/// How many commits must get through before the next fault.
const PROGRESS: u64 = 300;
/// How long anything may take that has to happen.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long a follower is frozen: past its suspicion, and the time that the others need.
const FREEZE: Duration = Duration::from_secs(5);

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    ServerKilled,
    FollowerFrozen,
    FollowerKilled,
    ServerPaused,
}

const FAULTS: [Fault; 4] =
    [Fault::FollowerFrozen, Fault::ServerKilled, Fault::FollowerKilled, Fault::ServerPaused];

pub(crate) async fn run(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let cluster = NatsCluster::start()?;
    let (urls, namespace) = (cluster.urls(), unique_name("campaign"));
    let writers = Writers::start(LOAD, &urls, config(&namespace, 3), plan.seed).await?;
    let mut stage = Stage::set(cluster, Setting { urls, namespace }).await?;
    stage.balanced().await.context("at the start")?;
    let mut random = fastrand::Rng::with_seed(plan.seed);
    let mut counts = [0_u64; FAULTS.len()];
    for number in 0..plan.share(24) {
        let kind = usize::try_from(number)? % FAULTS.len();
        writers.progress(PROGRESS, PATIENCE).await?;
        println!("  fault {number}: {:?}, {} commits so far", FAULTS[kind], writers.ledger.acknowledged());
        let done = stage.strike(FAULTS[kind], &writers, &mut random).await;
        done.with_context(|| format!("fault {number}, {:?}", FAULTS[kind]))?;
        counts[kind] += 1;
    }
    let setting = stage.setting.clone();
    let (ledger, _) = writers.stop().await?;
    let store =
        JetStreamEventStore::open(connect(&setting.urls).await?, config(&setting.namespace, 3)).await?;
    ledger.audit(&store, SCENARIO, report).await?;
    let stored: Vec<RecordedEvent> =
        store.get_all(ReadFrom::Start, usize::MAX).try_collect().await.context("reading all events")?;
    stage.reach(stored.last().context("nothing was saved")?.position).await?;
    report.at_least(SCENARIO, "faults in all", counts.iter().sum(), plan.share(20));
    for (fault, count) in FAULTS.iter().zip(counts) {
        report.count(SCENARIO, fault.name(), count);
    }
    stage.finish(&stored, report).await
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::ServerKilled => "servers killed (-9) and restarted",
            Self::ServerPaused => "servers paused and resumed",
            Self::FollowerKilled => "followers killed (-9) and replaced",
            Self::FollowerFrozen => "followers frozen past their suspicion",
        }
    }
}

/// Everything that runs.
struct Stage {
    cluster: NatsCluster,
    setting: Setting,
    connected: Connected,
    records: Records,
    whole: MemoryModel<Whole>,
    projector: Projector,
    followers: Vec<Follower>,
    heard: Arc<Mutex<Heard>>,
    started: usize,
}

impl Stage {
    async fn set(cluster: NatsCluster, setting: Setting) -> anyhow::Result<Self> {
        let connected = Connected::new(&setting.urls, &setting.namespace).await?;
        let records = Records::watch(connected.group().admin());
        let whole = MemoryModel::new(Whole);
        let projector = whole.projector(connected.store.clone()).run().await?;
        let mut stage = Self {
            cluster,
            setting,
            connected,
            records,
            whole,
            projector,
            followers: Vec::new(),
            heard: Arc::default(),
            started: 0,
        };
        for _ in 0..FOLLOWERS {
            stage.start_follower().await?;
        }
        Ok(stage)
    }

    async fn start_follower(&mut self) -> anyhow::Result<()> {
        let name = format!("follower-{}", self.started);
        self.started += 1;
        self.followers.push(Follower::start(name, &self.setting, &self.heard).await?);
        Ok(())
    }

    /// Waits until all followers, and nobody else, have all partitions.
    async fn balanced(&self) -> anyhow::Result<()> {
        self.shared_by(self.followers.iter().map(|follower| follower.name.as_str()).collect()).await
    }

    async fn shared_by(&self, names: Vec<&str>) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !self.records.seen().are_shared_by(&names, PARTITIONS) {
            anyhow::ensure!(Instant::now() < deadline, "the partitions are not shared by {names:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    async fn strike(
        &mut self,
        fault: Fault,
        writers: &Writers,
        random: &mut fastrand::Rng,
    ) -> anyhow::Result<()> {
        let node = random.usize(..3);
        let victim = random.usize(..self.followers.len());
        match fault {
            Fault::ServerKilled => {
                block_in_place(|| self.cluster.kill(node))?;
                writers.progress(PROGRESS, PATIENCE).await?;
                block_in_place(|| self.cluster.restart(node))?;
                self.whole().await
            }
            Fault::ServerPaused => {
                block_in_place(|| self.cluster.pause(node))?;
                writers.progress(PROGRESS, PATIENCE).await?;
                block_in_place(|| self.cluster.resume(node))?;
                self.whole().await
            }
            Fault::FollowerKilled => {
                self.followers.remove(victim).kill().await?;
                self.balanced().await?;
                self.start_follower().await?;
                self.balanced().await
            }
            Fault::FollowerFrozen => {
                let frozen = &self.followers[victim];
                frozen.freeze()?;
                tokio::time::sleep(FREEZE).await;
                let names = self.followers.iter().map(|follower| follower.name.as_str());
                self.shared_by(names.filter(|name| *name != frozen.name).collect()).await?;
                writers.progress(PROGRESS, PATIENCE).await?;
                frozen.thaw()?;
                self.balanced().await
            }
        }
    }

    async fn whole(&self) -> anyhow::Result<()> {
        whole(&self.setting.urls, &config(&self.setting.namespace, 3).stream_name()).await
    }

    /// Waits until the group and both projections have come to a position.
    async fn reach(&self, position: Position) -> anyhow::Result<()> {
        let group = self.connected.group().admin();
        let by_actor = self.connected.projector().admin();
        tokio::time::timeout(PATIENCE, async {
            group.wait_for(position).await?;
            by_actor.wait_for(position).await?;
            anyhow::Ok(())
        })
        .await
        .context("the group, or its projection, does not reach the last event")??;
        Ok(self.projector.wait_for(position, PATIENCE).await?)
    }

    /// Lets everybody leave, and compares.
    async fn finish(self, stored: &[RecordedEvent], report: &mut Report) -> anyhow::Result<()> {
        for follower in self.followers {
            follower.stop().await?;
        }
        let by_actor = self.connected.by_actor().views().await?;
        Replay::of(stored).audit(SCENARIO, *self.whole.view(""), by_actor, report);
        self.projector.stop().await?;
        let seen = self.records.seen();
        let heard = self.heard.lock().unwrap();
        audit::handled(SCENARIO, stored, &heard.handled, report);
        report.count(SCENARIO, "looks at the partitions", seen.looks);
        report.count(SCENARIO, "partitions moved", seen.moves);
        report.count(SCENARIO, "checkpoints of stalled followers refused", heard.refused_checkpoints());
        report.never(
            SCENARIO,
            "checkpoints accepted from a follower that had lost the partition",
            seen.stale_owners,
        );
        report.never(SCENARIO, "checkpoints that went back", seen.set_back);
        Ok(())
    }
}
