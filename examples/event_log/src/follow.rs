//! A live view: the throughput of a stream that another process saves to.

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use aether::Subscribe;
use aether::projection::{MemoryModel, Progress, Projector};
use anyhow::{Context, Result};
use indicatif::HumanCount;
use tokio::time::MissedTickBehavior;

use crate::throughput::{Step, Throughput, table};

/// How often the view is drawn, at most: on a terminal, and elsewhere.
const DRAW_EVERY: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(2)];

/// Shows the throughput as it is and as it becomes, until it is interrupted, or until `until` events are there.
pub(crate) async fn follow(store: Arc<dyn Subscribe>, until: Option<u64>) -> Result<()> {
    let model = MemoryModel::new(Throughput);
    let projector = model.projector(store).run().await.context("the projection cannot run")?;
    let is_terminal = io::stdout().is_terminal();
    let mut screen = Screen { is_terminal, lines: 0, shown: None };
    let mut ticks = tokio::time::interval(DRAW_EVERY[usize::from(!is_terminal)]);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut progress = projector.watch();
    let enough = || until.is_some_and(|until| events(&model.views()) >= until);
    while !enough() {
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                break;
            }
            ended = projector.closed() => return ended.context("the projection has ended"),
            _ = ticks.tick() => screen.draw(&model.views(), &projector)?,
            // There may be enough.
            _ = progress.changed() => {}
        }
    }
    screen.draw(&model.views(), &projector)?;
    projector.stop().await?;
    Ok(())
}

fn events(steps: &HashMap<String, Arc<Step>>) -> u64 {
    steps.values().map(|step| step.events).sum()
}

/// What is on the screen; elsewhere one table after the other is written, when there is something new.
#[derive(Debug)]
struct Screen {
    is_terminal: bool,
    lines: usize,
    shown: Option<u64>,
}

impl Screen {
    fn draw(&mut self, steps: &HashMap<String, Arc<Step>>, projector: &Projector) -> Result<()> {
        let events = events(steps);
        if !self.is_terminal && self.shown == Some(events) {
            return Ok(());
        }
        let mut text = String::new();
        table(&mut text, steps)?;
        text.push_str(&summary(events, &projector.progress()));
        let mut out = io::stdout().lock();
        if self.is_terminal && self.lines > 0 {
            // Up to where the last table began, and clear what is below.
            write!(out, "\x1b[{}A\x1b[J", self.lines)?;
        }
        writeln!(out, "{text}")?;
        out.flush()?;
        (self.lines, self.shown) = (text.lines().count(), Some(events));
        Ok(())
    }
}

fn summary(events: u64, progress: &Progress) -> String {
    let how = if progress.caught_up { "live" } else { "catching up" };
    let rate = HumanCount(progress.events_per_second as u64);
    format!("{} events, {rate} a second now, {how}", HumanCount(events))
}
