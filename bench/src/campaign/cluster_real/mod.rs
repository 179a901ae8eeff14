//! A cluster of real processes on three real servers, under load, while nodes are killed, frozen, cut off and restarted, and
//! so are the servers: what was asked and answered must be linearizable all the same.

mod fault;
mod frozen;
mod link;
mod namespace;
mod network;
pub(crate) mod node;
mod outcome;
mod stage;
mod strike;

use std::time::Duration;

use aether_cluster::ClusterClient;
use anyhow::Context;
use tokio::time::Instant;

use self::fault::{Fault, Struck};
use self::outcome::Outcome;
use self::stage::{PATIENCE, Stage};
use crate::Plan;
use crate::lists::hammer::{Hammer, Load};
use crate::report::Report;
use crate::writers::connect;

const LOAD: Load = Load { askers: 24, actors: 100, rest: Duration::from_millis(40) };
/// How many faults a whole campaign has: a tenth of it has each kind once.
const FAULTS: u64 = 120;
/// How much must be answered between two faults.
const PROGRESS: u64 = 200;

pub(crate) async fn run(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let mut stage = Stage::set().await?;
    println!("five nodes log to {}", stage.logs().display());
    if let Err(reason) = &stage.network {
        println!("network namespaces are not allowed here: {reason:#}");
    }
    let urls = stage.servers.urls();
    let mut clients = Vec::new();
    for _ in 0..3 {
        let client = connect(&urls).await?;
        clients.push(ClusterClient::connect(client, Some(&stage.namespace), "cluster").await?);
    }
    // In turn through a client and the node in this process, and through two clients.
    let resident = stage.resident.clone();
    let reference = |asker: usize, actor: usize| match asker % 3 {
        0 => [clients[0].actor(actor), clients[1].actor(actor)],
        _ => [clients[2].actor(actor), resident.actor(actor)],
    };
    let hammer = Hammer::through(reference, LOAD, plan.seed);
    drop(resident);
    let began = Instant::now();
    let mut struck = Vec::new();
    let broken = strike(plan, &mut stage, &hammer, &mut struck).await;
    let stuck = if let Err(error) = &broken {
        println!("  {error:#}\n{}", stage.resident.status());
        1
    } else {
        0
    };
    let fallen = stage.fallen()?;
    let done = hammer.stop().await;
    let outcome = Outcome { struck, done, took: began.elapsed(), stuck, fallen };
    outcome.report(&stage, plan, report).await?;
    stage.leave().await
}

/// One fault after the other: none comes twice before each has come once.
async fn strike(
    plan: &Plan,
    stage: &mut Stage,
    hammer: &Hammer,
    struck: &mut Vec<Struck>,
) -> anyhow::Result<()> {
    let mut random = fastrand::Rng::with_seed(plan.seed);
    let mut next = Vec::new();
    for number in 0..plan.share(FAULTS) {
        if next.is_empty() {
            next = Fault::ALL.into_iter().filter(|fault| stage.allows(*fault)).collect();
            random.shuffle(&mut next);
        }
        let Some(fault) = next.pop() else { break };
        progress(hammer, PROGRESS).await.with_context(|| format!("before fault {number}, {fault:?}"))?;
        let began = Instant::now();
        let done = stage.strike(fault, hammer, &mut random).await;
        struck.push(done.with_context(|| format!("fault {number}, {fault:?}"))?);
        println!(
            "  fault {number}: {fault:?}, over after {:?}; {} answered so far",
            began.elapsed(),
            hammer.answered()
        );
    }
    progress(hammer, PROGRESS).await
}

/// Waits until so much more was answered.
async fn progress(hammer: &Hammer, wanted: u64) -> anyhow::Result<()> {
    let (from, deadline) = (hammer.answered(), Instant::now() + PATIENCE);
    while hammer.answered() < from + wanted {
        let done = hammer.answered() - from;
        anyhow::ensure!(Instant::now() < deadline, "only {done} of {wanted} answers within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}
