//! [`ProcessMetrics`]: what process managers count.

use metrics::Counter;

use super::recorder::{Labels, PerRecorder, count};
use super::table;

/// The metrics of the process managers of one category, beside their [`ActorMetrics`](super::ActorMetrics).
#[derive(Debug)]
pub struct ProcessMetrics {
    labels: Labels,
    counters: PerRecorder<Counters>,
}

#[derive(Debug)]
struct Counters {
    reactions: Counter,
    answers: Counter,
}

impl ProcessMetrics {
    /// Of the process managers of this category.
    #[must_use]
    pub fn new(namespace: Option<&str>, category: &str) -> Self {
        Self { labels: Labels::new(namespace, category), counters: PerRecorder::new() }
    }

    fn counters(&self) -> Option<&Counters> {
        self.counters.get(|registry| Counters {
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
