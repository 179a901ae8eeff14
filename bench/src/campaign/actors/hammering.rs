//! Two systems over one store hammer the same actors, while servers are killed, paused and brought back: what was asked and
//! answered must be linearizable all the same.

use std::sync::Arc;
use std::time::Duration;

use aether_actor::{ActorOptions, ActorSystem, SnapshotPolicy, Store};
use aether_nats_server::{NatsCluster, unique_name};
use aether_store_jetstream::JetStreamEventStore;
use anyhow::Context;
use tokio::task::block_in_place;
use tokio::time::Instant;

use crate::Plan;
use crate::faults::whole;
use crate::lists::hammer::{Hammer, Load};
use crate::lists::history::{Verdict, longest_gap};
use crate::lists::list::List;
use crate::report::Report;
use crate::writers::{config, connect};

const SCENARIO: &str = "R3 hammer";
const LOAD: Load = Load { askers: 32, actors: 100, rest: Duration::ZERO };
/// How much must be answered between two faults.
const PROGRESS: u64 = 400;
const PATIENCE: Duration = Duration::from_secs(90);
/// How long nobody may be answered, elections and all.
const GAP: Duration = Duration::from_secs(30);

pub(crate) async fn run(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let cluster = NatsCluster::start()?;
    let (urls, namespace) = (cluster.urls(), unique_name("hammer"));
    let config = config(&namespace, 3);
    let mut stores: Vec<Arc<dyn Store>> = Vec::new();
    for _ in 0..2 {
        let store = JetStreamEventStore::create(connect(&urls).await?, config.clone()).await?;
        stores.push(Arc::new(store));
    }
    let systems = [system(&stores[0]).await?, system(&stores[1]).await?];
    let hammer = Hammer::start(&systems, LOAD, plan.seed);
    let begun = Instant::now();
    let mut random = fastrand::Rng::with_seed(plan.seed);
    let (mut kills, mut pauses) = (0, 0);
    progress(&hammer).await?;
    for fault in 0..plan.share(20) {
        println!("  fault {fault}: {} answered so far", hammer.answered());
        let node = random.usize(..3);
        if fault % 2 == 0 {
            block_in_place(|| cluster.kill(node))?;
            progress(&hammer).await.with_context(|| format!("with node {node} killed"))?;
            block_in_place(|| cluster.restart(node))?;
            kills += 1;
        } else {
            block_in_place(|| cluster.pause(node))?;
            progress(&hammer).await.with_context(|| format!("with node {node} paused"))?;
            block_in_place(|| cluster.resume(node))?;
            pauses += 1;
        }
        whole(&urls, &config.stream_name()).await?;
        progress(&hammer).await?;
    }
    let done = hammer.stop().await;
    let took = begun.elapsed();
    for system in systems {
        system.shutdown(Duration::from_secs(30)).await;
    }
    let fresh = JetStreamEventStore::open(connect(&urls).await?, config).await?;
    let verdict = Verdict::of(&fresh, &done.operations).await.map_err(anyhow::Error::msg)?;
    let gap = longest_gap(&done.operations);
    report.at_least(SCENARIO, "kills (-9) of a node", kills, plan.share(10));
    report.at_least(SCENARIO, "pauses of a node", pauses, plan.share(10).saturating_sub(1));
    report.count(SCENARIO, "commands and queries", verdict.operations);
    report.count(SCENARIO, "of those, each second", verdict.operations / took.as_secs().max(1));
    report.count(SCENARIO, "of those, sent more than once", verdict.sent_again);
    report.count(SCENARIO, "of those, refused", verdict.refused);
    report.count(SCENARIO, "of those, too long ago to tell", verdict.window_passed);
    report.count(SCENARIO, "of those, without an answer", verdict.unanswered);
    report.count(SCENARIO, "longest time without an answer (ms)", u64::try_from(gap.as_millis())?);
    report.never(SCENARIO, "stalls of more than 30 s", u64::from(gap > GAP));
    report.never(SCENARIO, "commands answered in two ways by two systems", done.disagreed);
    for (what, count) in verdict.violations() {
        report.never(SCENARIO, what, count);
    }
    Ok(())
}

/// Few remembered commands, frequent snapshots, and actors that leave memory soon: everything happens.
async fn system(store: &Arc<dyn Store>) -> anyhow::Result<ActorSystem> {
    let options = ActorOptions::default()
        .remember(8)
        .snapshots(SnapshotPolicy::every(20).or_at_passivation(5))
        .idle(Duration::from_millis(500));
    Ok(ActorSystem::builder(Arc::clone(store)).actor_with::<List>(options).start().await?)
}

async fn progress(hammer: &Hammer) -> anyhow::Result<()> {
    let (from, deadline) = (hammer.answered(), Instant::now() + PATIENCE);
    while hammer.answered() < from + PROGRESS {
        let done = hammer.answered() - from;
        anyhow::ensure!(Instant::now() < deadline, "only {done} of {PROGRESS} answers within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}
