//! [`StoreMetrics`] and [`SubscriptionMetrics`]: the metrics of a store and of its subscriptions.

use aether_core::{ReadError, SaveError, Saved};
use metrics::{Counter, Histogram};

use super::gauge::{Share, Together};
use super::recorder::{Labels, PerRecorder, Registry, count};
use super::{Timer, table};
use crate::span;

/// The metrics of one store.
#[derive(Debug)]
pub struct StoreMetrics {
    labels: Labels,
    counters: PerRecorder<StoreCounters>,
}

#[derive(Debug)]
struct StoreCounters {
    saves: Counter,
    events_saved: Counter,
    conflicts: Counter,
    retries: Counter,
    doubts: Counter,
    unknown: Counter,
    save_duration: Histogram,
    load_duration: Histogram,
    events_loaded: Counter,
    cache_hits: Counter,
    cache_misses: Counter,
    snapshots_saved: Counter,
    snapshot_hits: Counter,
    snapshot_misses: Counter,
}

impl StoreMetrics {
    /// Of a store of this kind, such as `jetstream` or `memory`.
    #[must_use]
    pub fn new(namespace: Option<&str>, store: &'static str) -> Self {
        Self { labels: Labels::new(namespace, store), counters: PerRecorder::new() }
    }

    fn counters(&self) -> Option<&StoreCounters> {
        self.counters.get(|registry| self.register(registry))
    }

    fn register(&self, registry: &Registry<'_>) -> StoreCounters {
        let counter = |metric| registry.counter(metric, &self.labels);
        let histogram = |metric| registry.histogram(metric, &self.labels);
        StoreCounters {
            saves: counter(&table::SAVES),
            events_saved: counter(&table::EVENTS_SAVED),
            conflicts: counter(&table::CONFLICTS),
            retries: counter(&table::RETRIES),
            doubts: counter(&table::DOUBTS),
            unknown: counter(&table::UNKNOWN_OUTCOMES),
            save_duration: histogram(&table::SAVE_DURATION),
            load_duration: histogram(&table::LOAD_DURATION),
            events_loaded: counter(&table::EVENTS_LOADED),
            cache_hits: counter(&table::CACHE_HITS),
            cache_misses: counter(&table::CACHE_MISSES),
            snapshots_saved: counter(&table::SNAPSHOTS_SAVED),
            snapshot_hits: counter(&table::SNAPSHOT_HITS),
            snapshot_misses: counter(&table::SNAPSHOT_MISSES),
        }
    }

    /// The save of a commit of so many events, begun with the timer, has ended like this. One that began before there was
    /// a recorder is not counted.
    pub fn saved(&self, events: usize, saved: &Result<Saved, SaveError>, timer: Timer) {
        let counters = if timer.is_running() { self.counters() } else { None };
        let Some(counters) = counters else { return };
        timer.stop(&counters.save_duration);
        match saved {
            Ok(_) => {
                counters.saves.increment(1);
                counters.events_saved.increment(events as u64);
            }
            Err(SaveError::VersionConflict(_)) => counters.conflicts.increment(1),
            Err(SaveError::UnknownOutcome(_)) => counters.unknown.increment(1),
            Err(error) => count(&table::SAVE_FAILURES, &self.labels, span::save_error(error)),
        }
    }

    /// A save is tried again.
    pub fn retried(&self) {
        if let Some(counters) = self.counters() {
            counters.retries.increment(1);
        }
    }

    /// An attempt of a save, at least one, was left without an answer.
    pub fn doubted(&self) {
        if let Some(counters) = self.counters() {
            counters.doubts.increment(1);
        }
    }

    /// A save did or did not know where its actor stands.
    pub fn cache(&self, hit: bool) {
        if let Some(counters) = self.counters() {
            if hit { &counters.cache_hits } else { &counters.cache_misses }.increment(1);
        }
    }

    /// A read of one actor, begun with the timer, was read to its end.
    pub fn loaded(&self, timer: Timer) {
        if let Some(counters) = self.counters() {
            timer.stop(&counters.load_duration);
        }
    }

    /// A read of one actor has given so many events.
    pub fn events_loaded(&self, events: u64) {
        if let Some(counters) = self.counters() {
            counters.events_loaded.increment(events);
        }
    }

    /// A read of one actor has ended with an error.
    pub fn load_failed(&self, error: &ReadError) {
        count(&table::LOAD_FAILURES, &self.labels, span::read_error(error));
    }

    /// A snapshot was stored.
    pub fn snapshot_saved(&self) {
        if let Some(counters) = self.counters() {
            counters.snapshots_saved.increment(1);
        }
    }

    /// A load of a snapshot has or has not found one.
    pub fn snapshot(&self, hit: bool) {
        if let Some(counters) = self.counters() {
            if hit { &counters.snapshot_hits } else { &counters.snapshot_misses }.increment(1);
        }
    }
}

/// The metrics of one subscription, which counts as open until this is dropped.
#[derive(Debug)]
pub struct SubscriptionMetrics {
    labels: Labels,
    counters: PerRecorder<SubscriptionCounters>,
    lag: Share,
    _open: Share,
}

#[derive(Debug)]
struct SubscriptionCounters {
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

    fn counters(&self) -> Option<&SubscriptionCounters> {
        self.counters.get(|registry| SubscriptionCounters {
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
