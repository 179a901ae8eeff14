//! [`ClusterMetrics`]: what a node of a cluster counts.

use std::sync::Mutex;
use std::time::Duration;

use metrics::{Counter, Histogram};

use super::gauge::{Share, Together, lock};
use super::recorder::{Labels, PerRecorder, Timer, count};
use super::table;

/// A node's view of its cluster. The counts begin with the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClusterReport {
    /// Members by state: joining, up, suspect, leaving.
    pub members: [u64; 4],
    /// The epoch of the leader that is known; 0 if there is none.
    pub epoch: u64,
    /// True if the node leads.
    pub leads: bool,
    /// The number of changes of the leader.
    pub leader_changes: u64,
    /// Heartbeats of others that were not heard.
    pub heartbeats_missed: u64,
    /// The number of times that the node did not receive its own heartbeat.
    pub cut_off: u64,
    /// Shards that the node acts for.
    pub shards: u64,
    /// Shards of the cluster that are on the move.
    pub moving: u64,
}

/// The outcome of a request over the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoteEnded {
    /// An answer; a refusal is one.
    Answered,
    /// No answer by the deadline.
    TimedOut,
    /// An error.
    Failed,
}

impl RemoteEnded {
    /// One word for it: the value of the label `outcome`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::TimedOut => "timed_out",
            Self::Failed => "failed",
        }
    }
}

/// The metrics of a node in its cluster, or of a client outside of it.
#[derive(Debug)]
pub struct ClusterMetrics {
    labels: Labels,
    counters: PerRecorder<Counters>,
    reported: Mutex<ClusterReport>,
    members: [Share; 4],
    epoch: Share,
    leads: Share,
    shards: Share,
    moving: Share,
}

#[derive(Debug)]
struct Counters {
    leader_changes: Counter,
    heartbeats_missed: Counter,
    cut_off: Counter,
    handoff: Histogram,
    ask: Histogram,
    retries: Counter,
    answered: Counter,
}

impl ClusterMetrics {
    /// Of a node of the cluster of this name.
    #[must_use]
    pub fn new(namespace: Option<&str>, cluster: &str) -> Self {
        let labels = Labels::new(namespace, cluster);
        let share = |metric, together| Share::new(metric, &labels, together);
        let members = ["joining", "up", "suspect", "leaving"]
            .map(|state| Share::new(&table::CLUSTER_MEMBERS, &labels.and(state), Together::Max));
        Self {
            members,
            epoch: share(&table::CLUSTER_EPOCH, Together::Max),
            leads: share(&table::CLUSTER_LEADS, Together::Sum),
            shards: share(&table::CLUSTER_SHARDS, Together::Sum),
            moving: share(&table::CLUSTER_SHARDS_MOVING, Together::Max),
            counters: PerRecorder::new(),
            reported: Mutex::default(),
            labels,
        }
    }

    fn counters(&self) -> Option<&Counters> {
        self.counters.get(|registry| {
            let counter = |metric| registry.counter(metric, &self.labels);
            Counters {
                leader_changes: counter(&table::CLUSTER_LEADER_CHANGES),
                heartbeats_missed: counter(&table::CLUSTER_HEARTBEATS_MISSED),
                cut_off: counter(&table::CLUSTER_CUT_OFF),
                handoff: registry.histogram(&table::CLUSTER_HANDOFF_DURATION, &self.labels),
                ask: registry.histogram(&table::CLUSTER_ASK_DURATION, &self.labels),
                retries: counter(&table::CLUSTER_ASK_RETRIES),
                answered: registry
                    .counter(&table::CLUSTER_ASKS, &self.labels.and(RemoteEnded::Answered.as_str())),
            }
        })
    }

    /// So the node sees its cluster now.
    pub fn report(&self, now: ClusterReport) {
        let before = std::mem::replace(&mut *lock(&self.reported), now);
        if let Some(counters) = self.counters() {
            counters.leader_changes.increment(now.leader_changes.saturating_sub(before.leader_changes));
            counters
                .heartbeats_missed
                .increment(now.heartbeats_missed.saturating_sub(before.heartbeats_missed));
            counters.cut_off.increment(now.cut_off.saturating_sub(before.cut_off));
        }
        for (share, members) in self.members.iter().zip(now.members) {
            share.set(members);
        }
        self.epoch.set(now.epoch);
        self.leads.set(u64::from(now.leads));
        self.shards.set(now.shards);
        self.moving.set(now.moving);
    }

    /// A shard was handed over; the timer began when its commands were held back.
    pub fn handed_over(&self, timer: Timer) {
        if let Some(counters) = self.counters() {
            timer.stop(&counters.handoff);
        }
    }

    /// Something that was asked over the network has ended, and took so long.
    pub fn asked(&self, took: Duration, ended: RemoteEnded) {
        let Some(counters) = self.counters() else { return };
        counters.ask.record(took.as_secs_f64());
        match ended {
            RemoteEnded::Answered => counters.answered.increment(1),
            RemoteEnded::TimedOut | RemoteEnded::Failed => {
                count(&table::CLUSTER_ASKS, &self.labels, ended.as_str());
            }
        }
    }

    /// Something was sent over the network again.
    pub fn retried(&self) {
        if let Some(counters) = self.counters() {
            counters.retries.increment(1);
        }
    }

    /// A request from the network was not begun, for this reason: `elsewhere`, `overloaded`, `expired`, `cut_off` or
    /// `unreadable`.
    pub fn not_begun(&self, reason: &'static str) {
        count(&table::CLUSTER_REFUSALS, &self.labels, reason);
    }
}
