//! [`EffectMetrics`]: what the effects of one name count.

use metrics::{Counter, Histogram};

use super::Timer;
use super::recorder::{Labels, PerRecorder};
use super::table;

/// The metrics of the handler of the effects of one name.
#[derive(Debug)]
pub struct EffectMetrics {
    labels: Labels,
    counters: PerRecorder<Counters>,
}

#[derive(Debug)]
struct Counters {
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

    fn counters(&self) -> Option<&Counters> {
        self.counters.get(|registry| {
            let effects = |outcome| registry.counter(&table::EFFECTS, &self.labels.and(outcome));
            Counters {
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
