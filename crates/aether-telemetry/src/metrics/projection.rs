//! [`ProjectionMetrics`]: what the runner of a projection counts.

use std::sync::Mutex;
use std::time::Duration;

use metrics::{Counter, Histogram};

use super::gauge::{Share, Together, lock};
use super::recorder::Timer;
use super::recorder::{Labels, PerRecorder};
use super::table;

/// The progress of one runner of a projection. The count begins with the runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProjectionReport {
    /// Events that it has applied.
    pub applied: u64,
    /// The sequence up to which everything is in the view; `None` if that is not known.
    pub position: Option<u64>,
    /// The age of the oldest event that it has yet to apply.
    pub lag: Duration,
}

/// The metrics of one runner of a projection.
#[derive(Debug)]
pub struct ProjectionMetrics {
    labels: Labels,
    counters: PerRecorder<Counters>,
    reported: Mutex<ProjectionReport>,
    position: Share,
    lag: Share,
}

#[derive(Debug)]
struct Counters {
    events: Counter,
    failures: Counter,
    duration: Histogram,
}

impl ProjectionMetrics {
    /// Of a new runner of the projection of this name.
    #[must_use]
    pub fn new(namespace: Option<&str>, projection: &str) -> Self {
        let labels = Labels::new(namespace, projection);
        Self {
            position: Share::new(&table::PROJECTION_POSITION, &labels, Together::Max),
            lag: Share::new(&table::PROJECTION_LAG, &labels, Together::Max),
            counters: PerRecorder::new(),
            reported: Mutex::default(),
            labels,
        }
    }

    fn counters(&self) -> Option<&Counters> {
        self.counters.get(|registry| Counters {
            events: registry.counter(&table::PROJECTION_EVENTS, &self.labels),
            failures: registry.counter(&table::PROJECTION_FAILURES, &self.labels),
            duration: registry.histogram(&table::PROJECTION_BATCH_DURATION, &self.labels),
        })
    }

    /// A batch, begun with the timer, was applied and the view written; or that failed.
    pub fn applied(&self, succeeded: bool, timer: Timer) {
        if let Some(counters) = self.counters() {
            counters.failures.increment(u64::from(!succeeded));
            timer.stop(&counters.duration);
        }
    }

    /// So far it is now.
    pub fn report(&self, now: ProjectionReport) {
        let before = std::mem::replace(&mut *lock(&self.reported), now);
        if let Some(counters) = self.counters() {
            counters.events.increment(now.applied.saturating_sub(before.applied));
        }
        if let Some(position) = now.position {
            self.position.set(position);
        }
        self.lag.set_seconds(now.lag);
    }
}
