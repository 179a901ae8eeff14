//! The table of all metrics: the one place that says what each is. The names in the code, the descriptions that are
//! exported and `docs/metrics.md` come from it.

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// Its name, as Prometheus shows it.
    pub name: &'static str,
    /// How it is to be read.
    pub kind: Kind,
    /// What it counts or measures, such as `commits` or `seconds`.
    pub unit: &'static str,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it means.
    pub meaning: &'static str,
}

/// How a metric is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// It only grows, from 0 when the process starts.
    Counter,
    /// It is what it is now.
    Gauge,
    /// It has buckets, a sum and a count.
    Histogram,
}

impl Kind {
    /// The name of the type, as Prometheus has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// The labels of what a store does.
pub(crate) const OF_STORE: &[&str] = &["namespace", "store"];
/// The labels of what a store refuses.
pub(crate) const OF_FAILURE: &[&str] = &["namespace", "store", "reason"];
/// The labels of what a bus does.
pub(crate) const OF_BUS: &[&str] = &["namespace", "bus"];
/// The labels of what a projection does.
pub(crate) const OF_PROJECTION: &[&str] = &["namespace", "projection"];
/// The labels of what a consumer group does.
pub(crate) const OF_GROUP: &[&str] = &["namespace", "group"];

macro_rules! metrics {
    ($($id:ident: $kind:ident $name:literal, $unit:literal, $labels:ident, $meaning:literal;)*) => {
        $(pub(crate) const $id: Metric = Metric {
            name: $name,
            kind: Kind::$kind,
            unit: $unit,
            labels: $labels,
            meaning: $meaning,
        };)*

        /// Every metric there is.
        pub const METRICS: &[Metric] = &[$($id),*];
    };
}

metrics! {
    SAVES: Counter "aether_saves_total", "commits", OF_STORE,
        "Commits that were saved, also those that turned out to stand already.";
    EVENTS_SAVED: Counter "aether_events_saved_total", "events", OF_STORE,
        "Events of those commits.";
    CONFLICTS: Counter "aether_save_conflicts_total", "commits", OF_STORE,
        "Commits that were refused with a version conflict.";
    RETRIES: Counter "aether_save_retries_total", "attempts", OF_STORE,
        "Attempts of saves after their first.";
    DOUBTS: Counter "aether_save_doubts_total", "commits", OF_STORE,
        "Saves of which at least one attempt was left without an answer, whatever was found out later.";
    UNKNOWN_OUTCOMES: Counter "aether_save_unknown_outcomes_total", "commits", OF_STORE,
        "Saves that ended with an unknown outcome.";
    SAVE_FAILURES: Counter "aether_save_failures_total", "commits", OF_FAILURE,
        "Commits that were not saved for another reason: `invalid`, `too_large`, `full`, `incomplete`, `unavailable`, `denied`, `unsupported`, `corrupt` or `other`.";
    SAVE_DURATION: Histogram "aether_save_duration_seconds", "seconds", OF_STORE,
        "Time from the call of a save to its end, however it ends, with all retries and with waiting for earlier saves of the actor.";
    LOAD_DURATION: Histogram "aether_load_duration_seconds", "seconds", OF_STORE,
        "Time from the first poll of a read of one actor's events or commits until it was read to its end. A read that is given up does not count.";
    EVENTS_LOADED: Counter "aether_events_loaded_total", "events", OF_STORE,
        "Events that reads of one actor have given, also those that were given up.";
    LOAD_FAILURES: Counter "aether_load_failures_total", "reads", OF_FAILURE,
        "Reads of one actor that ended with an error: `incomplete`, `expired`, `unavailable`, `denied`, `unsupported`, `corrupt` or `other`.";
    CACHE_HITS: Counter "aether_cache_hits_total", "look-ups", OF_STORE,
        "Attempts of saves that knew where their actor stands. The memory store has no such cache.";
    CACHE_MISSES: Counter "aether_cache_misses_total", "look-ups", OF_STORE,
        "Attempts of saves that had to ask where their actor stands.";
    SNAPSHOTS_SAVED: Counter "aether_snapshots_saved_total", "snapshots", OF_STORE,
        "Snapshots that were stored; one that a newer one superseded does not count.";
    SNAPSHOT_HITS: Counter "aether_snapshot_hits_total", "loads", OF_STORE,
        "Loads of a snapshot that found one.";
    SNAPSHOT_MISSES: Counter "aether_snapshot_misses_total", "loads", OF_STORE,
        "Loads of a snapshot that found none.";

    SUBSCRIPTIONS: Gauge "aether_subscriptions", "subscriptions", OF_STORE,
        "Subscriptions that are open in this process.";
    SUBSCRIPTION_EVENTS: Counter "aether_subscription_events_total", "events", OF_STORE,
        "Events that subscriptions have delivered.";
    SUBSCRIPTION_LAG: Gauge "aether_subscription_lag", "commits", OF_STORE,
        "Commits that are saved and that subscriptions of this process have not come to yet, added up.";
    SUBSCRIPTION_FELL_BEHIND: Counter "aether_subscription_fell_behind_total", "times", OF_STORE,
        "How often a subscription that had caught up fell behind.";

    BUS_PUBLISHED: Counter "aether_bus_published_total", "events", OF_BUS,
        "Events that were published in this process.";
    BUS_UNPUBLISHED: Counter "aether_bus_unpublished_total", "events", OF_BUS,
        "Saved events that did not go out to other nodes.";
    BUS_RECEIVED: Counter "aether_bus_received_total", "events", OF_BUS,
        "Events that subscribers of this process have taken; an event counts once for each.";
    BUS_DROPPED: Counter "aether_bus_dropped_total", "events", OF_BUS,
        "Events that a subscriber was told that it has missed, since it was behind, or since the network lost them.";
    BUS_INTERRUPTIONS: Counter "aether_bus_interruptions_total", "times", OF_BUS,
        "How often a subscriber was told that the connection was lost, and with it maybe events that nobody can count.";
    BUS_SUBSCRIBERS: Gauge "aether_bus_subscribers", "subscribers", OF_BUS,
        "Subscribers in this process.";

    PROJECTION_EVENTS: Counter "aether_projection_events_total", "events", OF_PROJECTION,
        "Events that were applied.";
    PROJECTION_POSITION: Gauge "aether_projection_position", "sequence", OF_PROJECTION,
        "The sequence up to which everything is in the view, of the partitions that this process has.";
    PROJECTION_LAG: Gauge "aether_projection_lag_seconds", "seconds", OF_PROJECTION,
        "How old the oldest event is that was saved and is not in the view, as far as this process has read; 0 if there is none. Of several partitions or runners, the most.";
    PROJECTION_FAILURES: Counter "aether_projection_failures_total", "times", OF_PROJECTION,
        "How often applying events or writing the view failed.";
    PROJECTION_BATCH_DURATION: Histogram "aether_projection_batch_duration_seconds", "seconds", OF_PROJECTION,
        "Time to apply a batch of events and write the view with its checkpoint.";

    GROUP_MEMBERS: Gauge "aether_group_members", "members", OF_GROUP,
        "Members of the group, as those in this process know them.";
    GROUP_PARTITIONS: Gauge "aether_group_partitions", "partitions", OF_GROUP,
        "Partitions that members in this process hold.";
    GROUP_EVENTS: Counter "aether_group_events_total", "events", OF_GROUP,
        "Events that handlers in this process have handled.";
    GROUP_RETRIES: Counter "aether_group_retries_total", "attempts", OF_GROUP,
        "Attempts of handlers after the first for an event.";
    GROUP_HANDLE_DURATION: Histogram "aether_group_handle_duration_seconds", "seconds", OF_GROUP,
        "Time of one call of a handler, for one event or a batch.";
    GROUP_LAG: Gauge "aether_group_lag_seconds", "seconds", OF_GROUP,
        "How old the oldest event is that was saved and is not handled, as far as members in this process have read; 0 if there is none. Of several members, the most.";
    GROUP_REFUSED_CHECKPOINTS: Counter "aether_group_refused_checkpoints_total", "checkpoints", OF_GROUP,
        "Checkpoints of members in this process that were refused, since the partition is another's.";
    PARKED_ACTORS: Gauge "aether_parked_actors", "actors", OF_GROUP,
        "Actors that are parked with a failed event, in the partitions that members in this process hold.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_follow_the_conventions_of_prometheus() {
        let names: std::collections::BTreeSet<_> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len());
        for Metric { name, kind, unit, meaning, .. } in METRICS {
            assert!(name.starts_with("aether_"), "{name}");
            assert_eq!(*kind == Kind::Counter, name.ends_with("_total"), "{name}");
            assert_eq!(*unit == "seconds", name.ends_with("_seconds"), "{name}");
            assert!(*kind != Kind::Histogram || *unit == "seconds", "{name}");
            assert!(meaning.ends_with('.'), "{name}");
        }
    }
}
