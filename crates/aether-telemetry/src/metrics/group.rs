//! [`GroupMetrics`]: what a member of a consumer group counts.

use metrics::{Counter, Histogram};

use super::Timer;
use super::gauge::{Share, Together};
use super::recorder::{Labels, PerRecorder};
use super::table;

/// What one member of a consumer group does.
#[derive(Debug)]
pub struct GroupMetrics {
    labels: Labels,
    counters: PerRecorder<Counters>,
    members: Share,
    partitions: Share,
    lag: Share,
    parked: Share,
}

#[derive(Debug)]
struct Counters {
    events: Counter,
    retries: Counter,
    refused: Counter,
    duration: Histogram,
}

impl GroupMetrics {
    /// Of a new member of the group of this name.
    #[must_use]
    pub fn new(namespace: Option<&str>, group: &str) -> Self {
        let labels = Labels::new(namespace, group);
        let share = |metric, together| Share::new(metric, &labels, together);
        Self {
            members: share(&table::GROUP_MEMBERS, Together::Max),
            partitions: share(&table::GROUP_PARTITIONS, Together::Sum),
            lag: share(&table::GROUP_LAG, Together::Max),
            parked: share(&table::PARKED_ACTORS, Together::Sum),
            counters: PerRecorder::new(),
            labels,
        }
    }

    fn counters(&self) -> Option<&Counters> {
        self.counters.get(|registry| Counters {
            events: registry.counter(&table::GROUP_EVENTS, &self.labels),
            retries: registry.counter(&table::GROUP_RETRIES, &self.labels),
            refused: registry.counter(&table::GROUP_REFUSED_CHECKPOINTS, &self.labels),
            duration: registry.histogram(&table::GROUP_HANDLE_DURATION, &self.labels),
        })
    }

    /// An attempt of the handler, begun with the timer, has ended; whether the event is handled by it.
    pub fn attempted(&self, handled: bool, timer: Timer) {
        if let Some(counters) = self.counters() {
            counters.events.increment(u64::from(handled));
            timer.stop(&counters.duration);
        }
    }

    /// The handler is tried again on the same event.
    pub fn retried(&self) {
        if let Some(counters) = self.counters() {
            counters.retries.increment(1);
        }
    }

    /// A checkpoint was refused, since the partition is another member's.
    pub fn refused(&self) {
        if let Some(counters) = self.counters() {
            counters.refused.increment(1);
        }
    }

    /// This member knows of so many members, itself among them.
    pub fn members(&self, members: u64) {
        self.members.set(members);
    }

    /// This member holds so many partitions.
    pub fn partitions(&self, partitions: u64) {
        self.partitions.set(partitions);
    }

    /// So many commits are saved that this member has not come to.
    pub fn lag(&self, commits: u64) {
        self.lag.set(commits);
    }

    /// In the partitions of this member so many actors are parked.
    pub fn parked(&self, actors: u64) {
        self.parked.set(actors);
    }
}
