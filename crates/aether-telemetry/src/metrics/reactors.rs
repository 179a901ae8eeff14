//! The metrics of what follows the log of actors: process managers, handlers of effects, and timers.

use std::time::Duration;

use metrics::{Counter, Histogram};

use super::recorder::{Labels, PerRecorder, count};
use super::{Timer, table};

/// The metrics of the process managers of one category, beside their [`ActorMetrics`](super::ActorMetrics).
#[derive(Debug)]
pub struct ProcessMetrics {
    labels: Labels,
    counters: PerRecorder<ProcessCounters>,
}

#[derive(Debug)]
struct ProcessCounters {
    reactions: Counter,
    answers: Counter,
}

impl ProcessMetrics {
    /// Of the process managers of this category.
    #[must_use]
    pub fn new(namespace: Option<&str>, category: &str) -> Self {
        Self { labels: Labels::new(namespace, category), counters: PerRecorder::new() }
    }

    fn counters(&self) -> Option<&ProcessCounters> {
        self.counters.get(|registry| ProcessCounters {
            reactions: registry.counter(&table::PROCESS_REACTIONS, &self.labels),
            answers: registry.counter(&table::PROCESS_ANSWERS, &self.labels),
        })
    }

    /// One has reacted to an event.
    pub fn reacted(&self) {
        if let Some(counters) = self.counters() {
            counters.reactions.increment(1);
        }
    }

    /// A command that one has sent has come to this: a word as in the table, such as `done` or `refused`.
    pub fn sent(&self, outcome: &'static str) {
        count(&table::PROCESS_COMMANDS, &self.labels, outcome);
    }

    /// One has taken in the answer to a command that it had sent.
    pub fn answered(&self) {
        if let Some(counters) = self.counters() {
            counters.answers.increment(1);
        }
    }
}

/// The metrics of the handler of the effects of one name.
#[derive(Debug)]
pub struct EffectMetrics {
    labels: Labels,
    counters: PerRecorder<EffectCounters>,
}

#[derive(Debug)]
struct EffectCounters {
    done: Counter,
    failed: Counter,
    duration: Histogram,
}

impl EffectMetrics {
    /// Of the effects of this name.
    #[must_use]
    pub fn new(namespace: Option<&str>, effect: &str) -> Self {
        Self { labels: Labels::new(namespace, effect), counters: PerRecorder::new() }
    }

    fn counters(&self) -> Option<&EffectCounters> {
        self.counters.get(|registry| {
            let effects = |outcome| registry.counter(&table::EFFECTS, &self.labels.and(outcome));
            EffectCounters {
                done: effects("done"),
                failed: effects("failed"),
                duration: registry.histogram(&table::EFFECT_DURATION, &self.labels),
            }
        })
    }

    /// A call of the handler, begun with the timer, has done it or failed.
    pub fn called(&self, done: bool, timer: Timer) {
        if let Some(counters) = self.counters() {
            if done { &counters.done } else { &counters.failed }.increment(1);
            timer.stop(&counters.duration);
        }
    }
}

/// The metrics of the timers of the actors of one category.
#[derive(Debug)]
pub struct TimerMetrics {
    labels: Labels,
    counters: PerRecorder<TimerCounters>,
}

#[derive(Debug)]
struct TimerCounters {
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

    fn counters(&self) -> Option<&TimerCounters> {
        self.counters.get(|registry| TimerCounters {
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
