//! A projection: how many events each step has, and how fast they come.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt::{self, Write};
use std::sync::Arc;

use aether::projection::{ApplyError, Keys, MemoryModel, Projection};
use aether::{RecordedEvent, Subscribe};
use anyhow::{Context, Result};
use indicatif::HumanCount;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

const SECONDS_PER_DAY: f64 = 86_400.0;

/// One view for each step, which is an event type.
#[derive(Debug)]
pub(crate) struct Throughput;

/// What has happened at a step, by the times in the log.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) events: u64,
    first: Option<OffsetDateTime>,
    last: Option<OffsetDateTime>,
}

impl Projection for Throughput {
    type View = Step;

    fn name(&self) -> &str {
        "throughput"
    }

    fn keys<'a>(&self, event: &'a RecordedEvent) -> Keys<'a> {
        Keys::one(event.event_type())
    }

    fn apply(&self, _step: &str, view: &mut Step, event: &RecordedEvent) -> Result<(), ApplyError> {
        let time = event.timestamp();
        view.events += 1;
        view.first = Some(view.first.map_or(time, |first| first.min(time)));
        view.last = Some(view.last.map_or(time, |last| last.max(time)));
        Ok(())
    }
}

impl Step {
    /// Events a day, between the first and the last one.
    fn per_day(&self) -> f64 {
        let (Some(first), Some(last)) = (self.first, self.last) else { return 0.0 };
        let days = (last - first).as_seconds_f64() / SECONDS_PER_DAY;
        if days > 0.0 { self.events as f64 / days } else { self.events as f64 }
    }
}

/// The steps of all events that the store has now.
pub(crate) async fn throughput(store: Arc<dyn Subscribe>) -> Result<HashMap<String, Arc<Step>>> {
    let model = MemoryModel::new(Throughput);
    let projector = model.projector(store).run().await.context("the projection cannot run")?;
    let done = |progress: &aether::projection::Progress| progress.caught_up && progress.unfinished == 0;
    projector.watch().wait_for(done).await.context("the projection has ended")?;
    projector.stop().await?;
    Ok(model.views())
}

/// The table, busiest steps first.
pub(crate) fn table(out: &mut String, steps: &HashMap<String, Arc<Step>>) -> fmt::Result {
    let mut steps: Vec<_> = steps.iter().collect();
    steps.sort_by_key(|(name, step)| (Reverse(step.events), *name));
    writeln!(out, "Throughput\n{:>8}  {:>10}  step", "events", "a day")?;
    for (name, step) in steps {
        writeln!(out, "{:>8}  {:>10.1}  {name}", HumanCount(step.events).to_string(), step.per_day())?;
    }
    Ok(())
}
