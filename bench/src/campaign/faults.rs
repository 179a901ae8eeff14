//! 64 writers while servers are killed, paused and brought back.

use std::time::Duration;

use aether_nats_server::{NatsCluster, NatsServer, unique_name};
use aether_store_jetstream::{JetStreamEventStore, StoreStats};
use anyhow::Context;
use tokio::task::block_in_place;
use tokio::time::Instant;

use crate::Plan;
use crate::report::Report;
use crate::writers::{Load, Writers, config, connect};

/// What the servers have to bear meanwhile.
const LOAD: Load = Load { writers: 64, actors: 16 };

/// How many commits must get through before the next fault.
const PROGRESS: u64 = 300;
/// How long they may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// One server, killed and restarted again and again.
pub(crate) async fn single(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    const SCENARIO: &str = "R1 kills";
    let server = NatsServer::builder().start()?;
    let urls = [server.url()];
    let config = config(&unique_name("campaign"), 1);
    let writers = Writers::start(LOAD, &urls, config.clone(), plan.seed).await?;
    let mut random = fastrand::Rng::with_seed(plan.seed);
    writers.progress(PROGRESS, PATIENCE).await?;
    let kills = plan.share(24);
    for kill in 0..kills {
        tokio::time::sleep(Duration::from_millis(random.u64(..400))).await;
        println!("  kill {kill}: {} commits acknowledged so far", writers.ledger.acknowledged());
        block_in_place(|| server.kill())?;
        tokio::time::sleep(Duration::from_millis(random.u64(..300))).await;
        block_in_place(|| server.restart())?;
        writers.progress(PROGRESS, PATIENCE).await.with_context(|| format!("after kill {kill}"))?;
    }
    let (ledger, stats) = writers.stop().await?;
    report.at_least(SCENARIO, "kills (-9) and restarts of the server", kills, plan.share(20));
    stores(SCENARIO, &stats, report);
    let fresh = JetStreamEventStore::open(connect(&urls).await?, config).await?;
    ledger.audit(&fresh, SCENARIO, report).await
}

/// Three servers, each in turn killed and restarted, paused and resumed.
pub(crate) async fn cluster(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    const SCENARIO: &str = "R3 faults";
    let cluster = NatsCluster::start()?;
    let urls = cluster.urls();
    let config = config(&unique_name("campaign"), 3);
    let writers = Writers::start(LOAD, &urls, config.clone(), plan.seed).await?;
    let stream = config.stream_name();
    let (mut kills, mut pauses, mut of_leader) = (0, 0, 0);
    writers.progress(PROGRESS, PATIENCE).await?;
    for fault in 0..plan.share(24) {
        let node = usize::try_from(fault % 3)?;
        println!("  fault {fault}: {} commits acknowledged so far", writers.ledger.acknowledged());
        of_leader += u64::from(block_in_place(|| cluster.stream_leader(&stream)) == Some(node));
        if (fault / 3).is_multiple_of(2) {
            block_in_place(|| cluster.kill(node))?;
            let progress = writers.progress(PROGRESS, PATIENCE).await;
            progress.with_context(|| format!("with node {node} killed"))?;
            block_in_place(|| cluster.restart(node))?;
            kills += 1;
        } else {
            block_in_place(|| cluster.pause(node))?;
            let progress = writers.progress(PROGRESS, PATIENCE).await;
            progress.with_context(|| format!("with node {node} paused"))?;
            block_in_place(|| cluster.resume(node))?;
            pauses += 1;
        }
        whole(&urls, &stream).await?;
        writers.progress(PROGRESS, PATIENCE).await?;
    }
    let (ledger, stats) = writers.stop().await?;
    report.at_least(SCENARIO, "faults in all", kills + pauses, plan.share(20));
    report.count(SCENARIO, "kills (-9) and restarts of a node", kills);
    report.count(SCENARIO, "pauses of a node", pauses);
    report.count(SCENARIO, "faults that hit the stream's leader", of_leader);
    stores(SCENARIO, &stats, report);
    let fresh = JetStreamEventStore::open(connect(&urls).await?, config).await?;
    ledger.audit(&fresh, SCENARIO, report).await
}

/// Waits until all replicas of the stream are current: two faults at once would be one too many.
pub(crate) async fn whole(urls: &[String], stream: &str) -> anyhow::Result<()> {
    let context = async_nats::jetstream::new(connect(urls).await?);
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Ok(stream) = context.get_stream(stream).await {
            let cluster = stream.cached_info().cluster.as_ref();
            if cluster.is_some_and(|c| c.leader.is_some() && c.replicas.iter().all(|peer| peer.current)) {
                return Ok(());
            }
        }
        anyhow::ensure!(Instant::now() < deadline, "the replicas of {stream} do not become current");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn stores(scenario: &'static str, stats: &[StoreStats], report: &mut Report) {
    let sum = |field: fn(&StoreStats) -> u64| stats.iter().map(field).sum::<u64>();
    let (unknown, resolved) = (sum(|s| s.unknown), sum(|s| s.resolved));
    report.count(scenario, "messages sent again", sum(|s| s.retries));
    report.count(scenario, "saves left without an answer at least once", unknown);
    report.at_least(scenario, "of those, resolved", resolved, (unknown * 95).div_ceil(100));
}
