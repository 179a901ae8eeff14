//! Whether what the followers did agrees with what is stored.

use std::collections::{HashMap, HashSet};

use aether_core::{ActorId, RecordedEvent, Version};
use uuid::Uuid;

use super::said::Handled;
use crate::report::Report;

/// Holds what was handled against all events of the store.
pub(crate) fn handled(
    scenario: &'static str,
    stored: &[RecordedEvent],
    handled: &[Handled],
    report: &mut Report,
) {
    let mut in_time: Vec<&Handled> = handled.iter().collect();
    in_time.sort_by_key(|handled| handled.at);
    let of_store: HashSet<Uuid> = stored.iter().map(|event| event.id()).collect();
    let ids: HashSet<Uuid> = handled.iter().map(|handled| handled.event).collect();
    let missing = of_store.difference(&ids).count();
    let strangers = ids.difference(&of_store).count();
    let orders = Orders::of(stored);
    report.count(scenario, "events handled", ids.len() as u64);
    report.count(scenario, "of those, handled again after a fault", (handled.len() - ids.len()) as u64);
    report.never(scenario, "stored events that nobody handled", missing as u64);
    report.never(scenario, "events handled that are not in the store", strangers as u64);
    report.never(scenario, "events handled before an earlier one of their actor", orders.overtaken(&in_time));
    report.never(scenario, "events out of order, or twice, within one claim", orders.broken_claims(&in_time));
    report.never(scenario, "actors handled in two partitions", two_partitions(handled));
}

/// Where each event stands among its actor's.
struct Orders(HashMap<Uuid, usize>);

impl Orders {
    fn of(stored: &[RecordedEvent]) -> Self {
        let mut next: HashMap<&ActorId, usize> = HashMap::new();
        let places = stored.iter().map(|event| {
            let next = next.entry(event.actor()).or_default();
            *next += 1;
            (event.id(), *next)
        });
        Self(places.collect())
    }

    /// Every event is handled for the first time only after all earlier ones of its actor were.
    fn overtaken(&self, in_time: &[&Handled]) -> u64 {
        let mut done: HashMap<&ActorId, usize> = HashMap::new();
        let mut overtaken = 0;
        for handled in in_time {
            let Some(&place) = self.0.get(&handled.event) else { continue };
            let done = done.entry(&handled.actor).or_default();
            overtaken += u64::from(place > *done + 1);
            *done = place.max(*done);
        }
        overtaken
    }

    /// Within one claim of a partition, each actor's events come once and in order.
    fn broken_claims(&self, in_time: &[&Handled]) -> u64 {
        let mut last: HashMap<(u64, u64, &ActorId), Version> = HashMap::new();
        let mut broken = 0;
        for handled in in_time {
            let last =
                last.entry((handled.partition, handled.epoch, &handled.actor)).or_insert(Version::ZERO);
            broken += u64::from(handled.version <= *last);
            *last = handled.version;
        }
        broken
    }
}

fn two_partitions(handled: &[Handled]) -> u64 {
    let mut partitions: HashMap<&ActorId, u64> = HashMap::new();
    let mut differing = 0;
    for handled in handled {
        let first = *partitions.entry(&handled.actor).or_insert(handled.partition);
        differing += u64::from(first != handled.partition);
    }
    differing
}
