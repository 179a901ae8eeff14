//! [`GroupMetrics`]: what a member of a consumer group counts.

use std::sync::Mutex;
use std::time::Duration;

use metrics::{Counter, Histogram};

use super::gauge::{Share, Together, lock};
use super::recorder::Timer;
use super::recorder::{Labels, PerRecorder};
use super::table;

/// The progress of one member. The counts begin with the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GroupReport {
    /// The number of members that it knows of, itself among them.
    pub members: u64,
    /// The number of partitions that it holds.
    pub partitions: u64,
    /// The number of actors that are parked in those.
    pub parked: u64,
    /// The age of the oldest event that it has yet to handle.
    pub lag: Duration,
    /// Events that it has handled.
    pub handled: u64,
    /// Attempts after the first for an event.
    pub retried: u64,
    /// Checkpoints that were refused.
    pub refused: u64,
}

/// The metrics of one member of a consumer group.
#[derive(Debug)]
pub struct GroupMetrics {
    labels: Labels,
    counters: PerRecorder<Counters>,
    reported: Mutex<GroupReport>,
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
            reported: Mutex::default(),
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

    /// A call of the handler, begun with the timer, has returned.
    pub fn called(&self, timer: Timer) {
        if let Some(counters) = self.counters() {
            timer.stop(&counters.duration);
        }
    }

    /// So far the member is now.
    pub fn report(&self, now: GroupReport) {
        let before = std::mem::replace(&mut *lock(&self.reported), now);
        if let Some(counters) = self.counters() {
            counters.events.increment(now.handled.saturating_sub(before.handled));
            counters.retries.increment(now.retried.saturating_sub(before.retried));
            counters.refused.increment(now.refused.saturating_sub(before.refused));
        }
        self.members.set(now.members);
        self.partitions.set(now.partitions);
        self.parked.set(now.parked);
        self.lag.set_seconds(now.lag);
    }
}
