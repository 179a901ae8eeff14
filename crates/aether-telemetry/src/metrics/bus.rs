//! [`BusMetrics`] and [`SubscriberMetrics`]: what an event bus counts.

use metrics::Counter;

use super::gauge::Share;
use super::recorder::{Labels, PerRecorder};
use super::table;

/// The metrics of the publishers to one namespace of a bus.
#[derive(Debug)]
pub struct BusMetrics {
    labels: Labels,
    counters: PerRecorder<Publications>,
}

#[derive(Debug)]
struct Publications {
    published: Counter,
    unpublished: Counter,
}

impl BusMetrics {
    /// Of `namespace` on a bus of this kind, such as `memory` or `nats`.
    #[must_use]
    pub fn new(namespace: &str, bus: &'static str) -> Self {
        Self { labels: Labels::new(Some(namespace), bus), counters: PerRecorder::new() }
    }

    fn counters(&self) -> Option<&Publications> {
        self.counters.get(|registry| Publications {
            published: registry.counter(&table::BUS_PUBLISHED, &self.labels),
            unpublished: registry.counter(&table::BUS_UNPUBLISHED, &self.labels),
        })
    }

    /// Events were published.
    pub fn published(&self, events: u64) {
        if let Some(counters) = self.counters() {
            counters.published.increment(events);
        }
    }

    /// Saved events did not go out to other nodes.
    pub fn unpublished(&self, events: u64) {
        if let Some(counters) = self.counters() {
            counters.unpublished.increment(events);
        }
    }
}

/// The metrics of a subscriber of a bus. It counts as a subscriber until this is dropped.
///
/// The label `namespace` has the pattern that the subscriber gave, such as `tenant-abc` or `tenant.*`.
#[derive(Debug)]
pub struct SubscriberMetrics {
    labels: Labels,
    counters: PerRecorder<Counters>,
    _subscriber: Share,
}

#[derive(Debug)]
struct Counters {
    received: Counter,
    dropped: Counter,
    interruptions: Counter,
}

impl SubscriberMetrics {
    /// Of a new subscriber to the namespaces of `pattern` on a bus of this kind.
    #[must_use]
    pub fn new(pattern: &str, bus: &'static str) -> Self {
        let labels = Labels::new(Some(pattern), bus);
        let subscriber = Share::one(&table::BUS_SUBSCRIBERS, &labels);
        Self { labels, counters: PerRecorder::new(), _subscriber: subscriber }
    }

    fn counters(&self) -> Option<&Counters> {
        self.counters.get(|registry| Counters {
            received: registry.counter(&table::BUS_RECEIVED, &self.labels),
            dropped: registry.counter(&table::BUS_DROPPED, &self.labels),
            interruptions: registry.counter(&table::BUS_INTERRUPTIONS, &self.labels),
        })
    }

    /// The subscriber has taken events.
    pub fn received(&self, events: u64) {
        if let Some(counters) = self.counters() {
            counters.received.increment(events);
        }
    }

    /// The subscriber was told that it has missed so many events.
    pub fn dropped(&self, events: u64) {
        if let Some(counters) = self.counters() {
            counters.dropped.increment(events);
        }
    }

    /// The subscriber was told that the connection was lost.
    pub fn interrupted(&self) {
        if let Some(counters) = self.counters() {
            counters.interruptions.increment(1);
        }
    }
}
