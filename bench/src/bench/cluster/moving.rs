//! Shards that move as planned: how long commands wait for it, and a restart of all nodes one after the other.

use std::collections::HashMap;
use std::time::Duration;

use aether_core::ActorId;
use anyhow::Context;

use super::load::{Commands, Load, failed, quantile};
use super::stage::{Stage, Timing};
use crate::nats::runtime;
use crate::report::{Goal, Report, Row};

/// Joins, and as many leaves.
const TURNS: usize = 10;
const ORDERS: usize = 24;
const EVERY: Duration = Duration::from_millis(10);
const WITHIN: Duration = Duration::from_secs(15);

/// A node comes and goes under load.
pub(crate) fn moves(report: &mut Report) -> anyhow::Result<()> {
    let (moved, stayed) = runtime()?.block_on(async {
        let mut stage = Stage::on_one(3, Timing::Default).await?;
        let (mut moved, mut stayed) = (Vec::new(), Vec::new());
        for turn in 0..2 * TURNS {
            let before = owners(&stage, &ids(&stage)?);
            let load = Load::start(stage.orders(ORDERS)?, EVERY, WITHIN);
            // So that it is known what is usual.
            tokio::time::sleep(Duration::from_secs(1)).await;
            if turn % 2 == 0 {
                stage.join("node-3").await?
            } else {
                stage.leave("node-3").await?
            }
            let commands = load.stop().await;
            let after = owners(&stage, &ids(&stage)?);
            let has_moved = |one: &&Commands| before.get(&one.actor) != after.get(&one.actor);
            let (there, here): (Vec<_>, Vec<_>) = commands.iter().partition(has_moved);
            moved.extend(there.into_iter().map(wait));
            stayed.extend(here.into_iter().map(wait));
        }
        anyhow::Ok((moved, stayed))
    })?;
    for (name, part, goal) in [("p50", 0.5, 20.0), ("p99", 0.99, 100.0)] {
        let control = quantile(stayed.clone(), part);
        report.add(
            Row::new(format!("move: commands to a shard that moves wait, {name}"), quantile(moved.clone(), part), "ms")
                .against(goal)
                .goal(Goal::AtMost(1.0))
                .note(format!(
                    "against a goal; of each of {} moves the longest of the commands, every 10 ms, beyond the usual; \
                     to shards that stay, in the same time: {control:.1} ms",
                    moved.len()
                )),
        );
    }
    Ok(())
}

fn ids(stage: &Stage) -> anyhow::Result<Vec<ActorId>> {
    let orders = stage.orders(ORDERS)?;
    orders.iter().map(|order| order.id().cloned().context("it has an id")).collect()
}

fn owners(stage: &Stage, actors: &[ActorId]) -> HashMap<ActorId, Option<String>> {
    actors.iter().map(|actor| (actor.clone(), stage.owner(actor))).collect()
}

/// The longest time of a command beyond the usual.
fn wait(commands: &Commands) -> f64 {
    let times: Vec<f64> = commands.sent.iter().map(super::load::Sent::millis).collect();
    let longest = times.iter().copied().fold(0.0, f64::max);
    longest - quantile(times, 0.5)
}

/// Three nodes are started anew, one after the other, under 1,000 commands each second.
pub(crate) fn rolling_restart(report: &mut Report) -> anyhow::Result<()> {
    let (commands, took) = runtime()?.block_on(async {
        let mut stage = Stage::on_one(3, Timing::Default).await?;
        let load = Load::start(stage.orders(200)?, Duration::from_millis(200), WITHIN);
        let began = std::time::Instant::now();
        tokio::time::sleep(Duration::from_secs(2)).await;
        for name in stage.names() {
            stage.leave(&name).await?;
            stage.join(&name).await?;
        }
        let took = began.elapsed();
        anyhow::Ok((load.stop().await, took))
    })?;
    let sent: Vec<_> = commands.iter().flat_map(|commands| &commands.sent).collect();
    let rate = sent.len() as f64 / took.as_secs_f64();
    report.add(
        Row::new("rolling restart of three nodes: failed commands", failed(sent.iter().copied()), "commands")
            .against(0.0)
            .goal(Goal::AtMost(1.0))
            .note(format!("of {}, {rate:.0} each second", sent.len())),
    );
    let times = sent.iter().map(|sent| sent.millis()).collect();
    report.add(Row::new("rolling restart of three nodes: a command, p99", quantile(times, 0.99), "ms"));
    Ok(())
}
