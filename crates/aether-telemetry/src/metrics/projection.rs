//! [`ProjectionMetrics`]: what the runner of a projection counts.

use metrics::{Counter, Histogram};

use super::Timer;
use super::gauge::{Share, Together};
use super::recorder::{Labels, PerRecorder};
use super::table;

/// What one runner of a projection does: for all of it, or for one of its partitions.
#[derive(Debug)]
pub struct ProjectionMetrics {
    labels: Labels,
    counters: PerRecorder<Counters>,
    position: Share,
    lag: Share,
}

#[derive(Debug)]
struct Counters {
    events: Counter,
    checkpoints: Counter,
    failures: Counter,
    duration: Histogram,
}

impl ProjectionMetrics {
    /// Of a new runner of the projection of this name.
    #[must_use]
    pub fn new(namespace: Option<&str>, projection: &str) -> Self {
        let labels = Labels::new(namespace, projection);
        let position = Share::new(&table::PROJECTION_POSITION, &labels, Together::Max);
        let lag = Share::new(&table::PROJECTION_LAG, &labels, Together::Sum);
        Self { labels, counters: PerRecorder::new(), position, lag }
    }

    fn counters(&self) -> Option<&Counters> {
        self.counters.get(|registry| Counters {
            events: registry.counter(&table::PROJECTION_EVENTS, &self.labels),
            checkpoints: registry.counter(&table::PROJECTION_CHECKPOINTS, &self.labels),
            failures: registry.counter(&table::PROJECTION_FAILURES, &self.labels),
            duration: registry.histogram(&table::PROJECTION_BATCH_DURATION, &self.labels),
        })
    }

    /// A batch of so many events, begun with the timer, was applied, and the view written.
    pub fn applied(&self, events: u64, timer: Timer) {
        if let Some(counters) = self.counters() {
            counters.events.increment(events);
            timer.stop(&counters.duration);
        }
    }

    /// A checkpoint was written.
    pub fn checkpoint(&self) {
        if let Some(counters) = self.counters() {
            counters.checkpoints.increment(1);
        }
    }

    /// Applying events or writing the view failed, once.
    pub fn failed(&self) {
        if let Some(counters) = self.counters() {
            counters.failures.increment(1);
        }
    }

    /// The view has seen everything up to this sequence.
    pub fn position(&self, sequence: u64) {
        self.position.set(sequence);
    }

    /// So many commits are saved that the view has not seen.
    pub fn lag(&self, commits: u64) {
        self.lag.set(commits);
    }
}
