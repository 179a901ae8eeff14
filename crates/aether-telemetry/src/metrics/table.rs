//! The table of all metrics: the one place that says what each is. The names in the code, the descriptions that are
//! exported and `docs/metrics.md` come from it.

/// The description of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// Its name, as Prometheus shows it.
    pub name: &'static str,
    /// The kind of the metric.
    pub kind: Kind,
    /// The unit of the metric, such as `commits` or `seconds`.
    pub unit: &'static str,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// The meaning of the metric.
    pub meaning: &'static str,
}

/// The kind of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A value that only grows, from 0 when the process starts.
    Counter,
    /// The current value.
    Gauge,
    /// A distribution with buckets, a sum and a count.
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
/// The labels of what the actors of a category do.
pub(crate) const OF_ACTORS: &[&str] = &["namespace", "category"];
/// The labels of what their commands, timers and snapshots come to.
pub(crate) const OF_OUTCOME: &[&str] = &["namespace", "category", "outcome"];
/// The labels of why they leave memory.
pub(crate) const OF_LEAVING: &[&str] = &["namespace", "category", "reason"];
/// The labels of the effects of a name.
pub(crate) const OF_EFFECT: &[&str] = &["namespace", "effect"];
/// The labels of what they come to.
pub(crate) const OF_EFFECT_OUTCOME: &[&str] = &["namespace", "effect", "outcome"];

/// The labels of what a node does in its cluster.
pub(crate) const OF_CLUSTER: &[&str] = &["namespace", "cluster"];
/// The labels of how the members of a cluster are.
pub(crate) const OF_MEMBERS: &[&str] = &["namespace", "cluster", "state"];
/// The labels of what comes of what is asked over the network.
pub(crate) const OF_CLUSTER_OUTCOME: &[&str] = &["namespace", "cluster", "outcome"];

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

    ACTORS_LIVE: Gauge "aether_actors_live", "actors", OF_ACTORS,
        "Actors in the memory of this process.";
    ACTORS_UNREADABLE: Gauge "aether_actors_unreadable", "actors", OF_ACTORS,
        "Actors that are parked in this process: they take no commands, since their history cannot be replayed.";
    ACTOR_ACTIVATIONS: Counter "aether_actor_activations_total", "actors", OF_ACTORS,
        "Actors that were loaded into memory.";
    ACTOR_ACTIVATION_DURATION: Histogram "aether_actor_activation_duration_seconds", "seconds", OF_ACTORS,
        "Time to load an actor: its snapshot, and the events after it.";
    ACTOR_ACTIVATIONS_WAITING: Gauge "aether_actor_activations_waiting", "actors", OF_ACTORS,
        "Actors that wait to be loaded, since as many as may be are being loaded already.";
    ACTOR_PASSIVATIONS: Counter "aether_actor_passivations_total", "actors", OF_LEAVING,
        "Actors that left memory: `idle`, to make room in `memory`, to be `reloaded` since what is in memory is doubtful, `evicted` since they are at another node now, or since they `failed`.";
    ACTOR_COMMANDS: Counter "aether_actor_commands_total", "commands", OF_OUTCOME,
        "Commands, each counted once when it ends: `done`, `refused` by the actor, `recalled` since it was executed before; not begun: `overloaded` (the mailbox was full), `expired` (the deadline had passed, or nobody waited any more) or `stopped`; or `panicked`, `parked`, `contended`, `gone` (that of a timer which had been cancelled or replaced) or `failed`.";
    ACTOR_ASK_DURATION: Histogram "aether_actor_ask_duration_seconds", "seconds", OF_ACTORS,
        "Time from the moment a command was put to its actor until it ended, however it did.";
    ACTOR_ASK_TIMEOUTS: Counter "aether_actor_ask_timeouts_total", "asks", OF_ACTORS,
        "Askers that did not get their answer within the deadline. What became of the command is counted with the others.";
    ACTOR_MAILBOX_WAIT: Histogram "aether_actor_mailbox_wait_seconds", "seconds", OF_ACTORS,
        "Time from the moment a command was put to its actor until it was taken out of the mailbox.";
    ACTOR_TURN_COMMANDS: Histogram "aether_actor_turn_commands", "commands", OF_ACTORS,
        "Commands that were taken out of a mailbox at once.";
    ACTOR_DECIDE_DURATION: Histogram "aether_actor_decide_duration_seconds", "seconds", OF_ACTORS,
        "Time to decide the commands that were taken at once, without loading and saving.";
    ACTOR_CONFLICTS: Counter "aether_actor_conflicts_total", "times", OF_ACTORS,
        "How often commands were decided again, since somebody else had changed the actor.";
    ACTOR_SAVE_RETRIES: Counter "aether_actor_save_retries_total", "attempts", OF_ACTORS,
        "Attempts to save a decision after the first, since the store could not say whether it stands.";
    ACTOR_PANICS: Counter "aether_actor_panics_total", "times", OF_ACTORS,
        "How often the code of an actor panicked over a command or a query.";
    ACTOR_SNAPSHOTS: Counter "aether_actor_snapshots_total", "snapshots", OF_OUTCOME,
        "Snapshots that were taken: `saved` or `failed`.";

    TIMERS_SET: Counter "aether_timers_set_total", "timers", OF_ACTORS,
        "Timers that were set or replaced.";
    TIMERS_CANCELLED: Counter "aether_timers_cancelled_total", "timers", OF_ACTORS,
        "Timers that were cancelled.";
    TIMERS_FIRED: Counter "aether_timers_fired_total", "timers", OF_OUTCOME,
        "Commands that timers have sent, with every attempt: `done`, `refused`, `gone` (the timer had been cancelled or replaced), or what else became of the command.";
    TIMER_LATENESS: Histogram "aether_timer_lateness_seconds", "seconds", OF_ACTORS,
        "Time from the moment a timer was due until its command had been executed.";

    PROCESS_REACTIONS: Counter "aether_process_reactions_total", "events", OF_ACTORS,
        "Events that process managers have reacted to.";
    PROCESS_COMMANDS: Counter "aether_process_commands_total", "commands", OF_OUTCOME,
        "Commands that process managers have sent, with every attempt: `done`, `refused` or `failed`.";
    PROCESS_ANSWERS: Counter "aether_process_answers_total", "answers", OF_ACTORS,
        "Answers to those commands that process managers have taken in.";

    EFFECTS: Counter "aether_effects_total", "effects", OF_EFFECT_OUTCOME,
        "Calls of the handlers of effects: `done` or `failed`.";
    EFFECT_DURATION: Histogram "aether_effect_duration_seconds", "seconds", OF_EFFECT,
        "Time of one call of the handler of an effect.";

    CLUSTER_MEMBERS: Gauge "aether_cluster_members", "members", OF_MEMBERS,
        "Members of the cluster, as this node sees them: `joining`, `up`, `suspect` or `leaving`.";
    CLUSTER_EPOCH: Gauge "aether_cluster_epoch", "epoch", OF_CLUSTER,
        "The epoch of the leader that this node knows of.";
    CLUSTER_LEADER_CHANGES: Counter "aether_cluster_leader_changes_total", "times", OF_CLUSTER,
        "How often this node has learned of a new leader.";
    CLUSTER_LEADS: Gauge "aether_cluster_leads", "nodes", OF_CLUSTER,
        "Whether this node leads: 1 or 0.";
    CLUSTER_HEARTBEATS_MISSED: Counter "aether_cluster_heartbeats_missed_total", "heartbeats", OF_CLUSTER,
        "Heartbeats of other members that this node did not hear, by their numbers.";
    CLUSTER_CUT_OFF: Counter "aether_cluster_cut_off_total", "times", OF_CLUSTER,
        "How often this node did not hear itself, and therefore began nothing until it did.";
    CLUSTER_SHARDS: Gauge "aether_cluster_shards", "shards", OF_CLUSTER,
        "Shards that this node acts for.";
    CLUSTER_SHARDS_MOVING: Gauge "aether_cluster_shards_moving", "shards", OF_CLUSTER,
        "Shards of the cluster that are on the move, as this node knows.";
    CLUSTER_HANDOFF_DURATION: Histogram "aether_cluster_handoff_duration_seconds", "seconds", OF_CLUSTER,
        "Time from the moment this node held a shard's commands back until it had handed the shard over.";
    CLUSTER_ASKS: Counter "aether_cluster_asks_total", "asks", OF_CLUSTER_OUTCOME,
        "Commands and queries that this process has sent over the network, each counted once when it ends: `answered` (a refusal is an answer), `timed_out` or `failed`.";
    CLUSTER_ASK_DURATION: Histogram "aether_cluster_ask_duration_seconds", "seconds", OF_CLUSTER,
        "Time from the moment a command or query was sent over the network for the first time until it ended.";
    CLUSTER_ASK_RETRIES: Counter "aether_cluster_ask_retries_total", "attempts", OF_CLUSTER,
        "Attempts after the first.";
    CLUSTER_REFUSALS: Counter "aether_cluster_refusals_total", "requests", OF_CLUSTER_OUTCOME,
        "Requests from the network that this node did not begin: `elsewhere` (the shard is another's), `overloaded`, `expired`, `cut_off` (it did not hear itself) or `unreadable`.";
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
            assert!(meaning.ends_with('.'), "{name}");
        }
    }
}
