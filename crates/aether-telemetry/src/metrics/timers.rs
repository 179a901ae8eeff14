//! [`TimerMetrics`]: what the timers of actors count.

use std::time::Duration;

use metrics::{Counter, Histogram};

use super::recorder::{Labels, PerRecorder, count};
use super::table;

/// The metrics of the timers of the actors of one category.
#[derive(Debug)]
pub struct TimerMetrics {
    labels: Labels,
    counters: PerRecorder<Counters>,
}

#[derive(Debug)]
struct Counters {
    set: Counter,
    cancelled: Counter,
    lateness: Histogram,
}

impl TimerMetrics {
    /// Of the timers of the actors of this category.
    #[must_use]
    pub fn new(namespace: Option<&str>, category: &str) -> Self {
        Self { labels: Labels::new(namespace, category), counters: PerRecorder::new() }
    }

    fn counters(&self) -> Option<&Counters> {
        self.counters.get(|registry| Counters {
            set: registry.counter(&table::TIMERS_SET, &self.labels),
            cancelled: registry.counter(&table::TIMERS_CANCELLED, &self.labels),
            lateness: registry.histogram(&table::TIMER_LATENESS, &self.labels),
        })
    }

    /// A timer was set, or replaced.
    pub fn set(&self) {
        if let Some(counters) = self.counters() {
            counters.set.increment(1);
        }
    }

    /// A timer was cancelled.
    pub fn cancelled(&self) {
        if let Some(counters) = self.counters() {
            counters.cancelled.increment(1);
        }
    }

    /// The command of a timer has come to this: a word as in the table, such as `done` or `gone`.
    pub fn fired(&self, outcome: &'static str) {
        count(&table::TIMERS_FIRED, &self.labels, outcome);
    }

    /// The command of a timer that was due so long ago has been executed.
    pub fn late(&self, by: Duration) {
        if let Some(counters) = self.counters() {
            counters.lateness.record(by.as_secs_f64());
        }
    }
}
