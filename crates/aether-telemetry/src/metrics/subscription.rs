//! [`SubscriptionMetrics`]: what a subscription of a store counts.

use metrics::Counter;

use super::gauge::{Share, Together};
use super::recorder::{Labels, PerRecorder};
use super::table;

/// The metrics of one subscription, which counts as open until this is dropped.
#[derive(Debug)]
pub struct SubscriptionMetrics {
    labels: Labels,
    counters: PerRecorder<Counters>,
    lag: Share,
    _open: Share,
}

#[derive(Debug)]
struct Counters {
    delivered: Counter,
    fell_behind: Counter,
}

impl SubscriptionMetrics {
    /// Of a new subscription to a store of this kind.
    #[must_use]
    pub fn new(namespace: Option<&str>, store: &'static str) -> Self {
        let labels = Labels::new(namespace, store);
        let lag = Share::new(&table::SUBSCRIPTION_LAG, &labels, Together::Sum);
        let open = Share::one(&table::SUBSCRIPTIONS, &labels);
        Self { labels, counters: PerRecorder::new(), lag, _open: open }
    }

    fn counters(&self) -> Option<&Counters> {
        self.counters.get(|registry| Counters {
            delivered: registry.counter(&table::SUBSCRIPTION_EVENTS, &self.labels),
            fell_behind: registry.counter(&table::SUBSCRIPTION_FELL_BEHIND, &self.labels),
        })
    }

    /// Events were delivered.
    pub fn delivered(&self, events: u64) {
        if let Some(counters) = self.counters() {
            counters.delivered.increment(events);
        }
    }

    /// So many commits are saved that the subscription has not come to.
    pub fn lag(&self, commits: u64) {
        self.lag.set(commits);
    }

    /// The subscription had caught up, and is behind again.
    pub fn fell_behind(&self) {
        if let Some(counters) = self.counters() {
            counters.fell_behind.increment(1);
        }
    }
}
