//! [`GroupMetrics`] and [`ProjectionMetrics`]: counts of the members of consumer groups, and of the runners of projections.

use std::sync::Mutex;
use std::time::Duration;

use metrics::{Counter, Histogram};

use super::gauge::{Share, Together, lock};
use super::recorder::{Labels, PerRecorder, Timer};
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
    counters: PerRecorder<ProjectionCounters>,
    reported: Mutex<ProjectionReport>,
    position: Share,
    lag: Share,
}

#[derive(Debug)]
struct ProjectionCounters {
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

    fn counters(&self) -> Option<&ProjectionCounters> {
        self.counters.get(|registry| ProjectionCounters {
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
