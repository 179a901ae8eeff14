//! Nodes and servers are killed: for how long nobody is answered, and who else notices.

use std::collections::HashSet;
use std::time::Duration;

use aether_core::ActorId;
use anyhow::Context;
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep};

use super::load::{Commands, Load, Sent, failed, quantile};
use super::stage::{Servers, Stage, Timing};
use crate::nats::runtime;
use crate::report::{Goal, Report, Row};

const KILLS: usize = 3;
const ORDERS: usize = 24;
const EVERY: Duration = Duration::from_millis(10);
const WITHIN: Duration = Duration::from_secs(15);

/// What a kill of a node came to.
struct Killed {
    /// The longest time between two answers, of each actor that was there.
    gaps: Vec<f64>,
    /// The times of the commands to others, from the kill on.
    others: Vec<f64>,
    failed_of_others: f64,
    failed: f64,
}

/// Nodes that do not lead, at the default times and at shorter ones.
pub(crate) fn failover(report: &mut Report) -> anyhow::Result<()> {
    let timings = [(Timing::Default, "default times", 4.0), (Timing::Tuned, "suspect after 1 s", 1.5)];
    for (timing, name, goal) in timings {
        let killed = runtime()?.block_on(kills(timing, false))?;
        let (gaps, failed): (Vec<_>, Vec<_>) =
            killed.into_iter().map(|killed| (killed.gaps, killed.failed)).unzip();
        let gaps: Vec<f64> = gaps.into_iter().flatten().collect();
        let (shards, failed) = (gaps.len(), failed.iter().sum::<f64>());
        let middle = quantile(gaps.clone(), 0.5);
        report.add(
            Row::new(format!("failover, {name}: last answer to first, longest"), quantile(gaps, 1.0), "s")
                .against(goal)
                .goal(Goal::AtMost(1.0))
                .note(format!(
                    "against a goal; {shards} shards in {KILLS} kills (-9), p50 {middle:.2} s, {failed} commands failed"
                )),
        );
    }
    Ok(())
}

/// Nodes that lead.
pub(crate) fn leader(report: &mut Report) -> anyhow::Result<()> {
    let killed = runtime()?.block_on(kills(Timing::Default, true))?;
    let failed: f64 = killed.iter().map(|killed| killed.failed_of_others).sum();
    let times: Vec<f64> = killed.iter().flat_map(|killed| killed.others.iter().copied()).collect();
    let longest: Vec<f64> = killed.iter().flat_map(|killed| killed.gaps.iter().copied()).collect();
    report.add(
        Row::new("leader killed: failed commands to shards of others", failed, "commands")
            .against(0.0)
            .goal(Goal::AtMost(1.0))
            .note(format!("of {}, in {KILLS} kills (-9)", times.len())),
    );
    let middle = quantile(times.clone(), 0.5);
    report.add(
        Row::new("leader killed: a command to shards of others, p99", quantile(times, 0.99), "ms")
            .note(format!("p50 {middle:.1} ms")),
    );
    report.add(Row::new("leader killed: its own shards, last answer to first", quantile(longest, 1.0), "s"));
    Ok(())
}

/// Kills nodes in a cluster that is a new one each time: who leads then is a node with shards.
async fn kills(timing: Timing, of_leader: bool) -> anyhow::Result<Vec<Killed>> {
    let mut killed = Vec::new();
    for _ in 0..KILLS {
        killed.push(kill(timing, of_leader).await?);
    }
    Ok(killed)
}

async fn kill(timing: Timing, of_leader: bool) -> anyhow::Result<Killed> {
    let mut stage = Stage::on_one(3, timing).await?;
    let leader = stage.leader()?;
    let victim = stage.names().into_iter().find(|name| (*name == leader) == of_leader);
    let victim = victim.with_context(|| format!("{leader} leads"))?;
    let orders = stage.orders(ORDERS)?;
    let there: HashSet<ActorId> = orders
        .iter()
        .filter_map(|order| order.id().cloned())
        .filter(|actor| stage.owner(actor).as_deref() == Some(victim.as_str()))
        .collect();
    let load = Load::start(orders, EVERY, WITHIN);
    sleep(Duration::from_secs(1)).await;
    let at = Instant::now();
    stage.kill(&victim).await?;
    stage.settled().await?;
    let commands = load.stop().await;
    let (lost, others): (Vec<_>, Vec<_>) =
        commands.iter().partition(|commands| there.contains(&commands.actor));
    let since = |commands: &[&Commands]| -> Vec<Sent> {
        commands.iter().flat_map(|one| one.sent.iter().filter(|sent| sent.ended > at)).copied().collect()
    };
    let others = since(&others);
    Ok(Killed {
        gaps: lost.iter().map(|commands| gap(&commands.sent)).collect(),
        failed_of_others: failed(&others),
        others: others.iter().map(Sent::millis).collect(),
        failed: failed(&since(&lost)),
    })
}

/// The longest time between two answers, in seconds.
fn gap(sent: &[Sent]) -> f64 {
    let answers: Vec<Instant> = sent.iter().filter(|sent| !sent.failed).map(|sent| sent.ended).collect();
    answers.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).fold(0.0, f64::max)
}

/// One of three servers is killed, and comes back.
pub(crate) fn server(report: &mut Report) -> anyhow::Result<()> {
    const SERVERS: usize = 3;
    let (moved, commands) = runtime()?.block_on(async {
        let stage = Stage::on_three(3).await?;
        let before = stage.observer.status().shards.plan;
        let load = Load::start(stage.orders(ORDERS)?, EVERY * 4, WITHIN);
        sleep(Duration::from_secs(2)).await;
        let Servers::Three(servers) = &stage.servers else { anyhow::bail!("there are three servers") };
        for server in 0..SERVERS {
            block_in_place(|| servers.kill(server))?;
            sleep(WITHIN).await;
            block_in_place(|| servers.restart(server))?;
            block_in_place(|| servers.wait_ready())?;
            sleep(Duration::from_secs(2)).await;
        }
        let after = stage.observer.status().shards.plan;
        anyhow::Ok((after - before, load.stop().await))
    })?;
    report.add(
        Row::new("a server of three killed: plans made without need", moved as f64, "plans")
            .against(0.0)
            .goal(Goal::AtMost(1.0))
            .note("each of the three in turn; without a plan no shard moves"),
    );
    let sent: Vec<Sent> = commands.iter().flat_map(|commands| commands.sent.iter().copied()).collect();
    report.add(
        Row::new("a server of three killed: commands failed within 15 s", failed(&sent), "commands")
            .against(0.0)
            .goal(Goal::AtMost(1.0))
            .note(format!("of {}", sent.len())),
    );
    let longest = sent.iter().map(Sent::millis).fold(0.0, f64::max);
    report.add(Row::new("a server of three killed: longest time of a command", longest / 1000.0, "s"));
    Ok(())
}
