//! Views equal a fresh replay, however events come again, late, and in whatever interleaving of partitions.

use std::collections::BTreeMap;
use std::sync::Arc;

use aether_core::RecordedEvent;
use aether_group::{FailureKind, Partition};
use proptest::prelude::*;

use super::group::{PartitionOf, Step, Told};
use super::{Added, Fate, Flaky, Sum, Sums, event};
use crate::{KvModel, MemoryModel, Projection};

const PARTITIONS: u16 = 3;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..6_usize).prop_map(Step::Deliver),
        1 => Just(Step::Checkpoint),
        2 => (0..6_usize).prop_map(Step::Crash),
        2 => Just(Step::Park),
        2 => (0..4_usize).prop_map(Step::Resume),
    ]
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![2 => Just(Fate::Done), 1 => Just(Fate::Unknown), 1 => Just(Fate::NotDone)]
}

/// Events of six actors, each of which changes one or two of four views.
fn events() -> impl Strategy<Value = Vec<RecordedEvent>> {
    let key = || (0..4_u8).prop_map(|key| format!("k{key}"));
    let one = (0..6_u8, prop::collection::btree_set(key(), 1..3), 1..100_u64);
    prop::collection::vec(one, 0..40).prop_map(|events| {
        let mut versions = BTreeMap::<u8, u64>::new();
        let recorded = events.into_iter().enumerate().map(|(index, (actor, keys, amount))| {
            let version = versions.entry(actor).or_default();
            *version += 1;
            let added = Added { keys: keys.into_iter().collect(), amount, fault: None };
            event(index as u64 + 1, &format!("actor-{actor}"), *version, &added)
        });
        recorded.collect()
    })
}

/// The batches that models are given, which member has each, and what the views must be in the end.
fn batches(events: &[RecordedEvent], steps: &[(u16, Step)]) -> (Vec<Told>, BTreeMap<String, Sum>) {
    let mut partitions: Vec<PartitionOf> = (0..PARTITIONS)
        .map(|number| {
            let of_it = |event: &&RecordedEvent| Partition::of(event.actor(), PARTITIONS).get() == number;
            PartitionOf::new(number, events.iter().filter(of_it).cloned().collect())
        })
        .collect();
    let mut batches = Vec::new();
    for (partition, step) in steps {
        batches.extend(partitions[usize::from(*partition)].take(*step));
    }
    for partition in &mut partitions {
        batches.extend(partition.finish());
    }
    let mut expected = BTreeMap::<String, Sum>::new();
    for event in events {
        for key in Sums.keys(event).iter() {
            Sums.apply(key, expected.entry(key.to_owned()).or_default(), event).unwrap();
        }
    }
    (batches, expected)
}

proptest! {
    #[test]
    fn in_memory(events in events(), steps in prop::collection::vec((0..PARTITIONS, step()), 0..40)) {
        let (batches, expected) = batches(&events, &steps);
        let model = MemoryModel::new(Sums);
        for told in &batches {
            if let Some(batch) = told.note(model.parkings()) {
                model.apply(batch).unwrap();
            }
        }
        let views: BTreeMap<String, Sum> =
            model.views().into_iter().map(|(key, view)| (key, Sum::clone(&view))).collect();
        prop_assert_eq!(views, expected);
    }

    /// Writes fail, and stand or not. Two members, each with what it remembers of the values: whoever claims a partition has it until the next claim.
    #[test]
    fn in_keys(
        events in events(),
        steps in prop::collection::vec((0..PARTITIONS, step()), 0..40),
        turns in prop::collection::vec(any::<bool>(), 80),
        fates in prop::collection::vec(fate(), 0..40),
    ) {
        let (batches, expected) = batches(&events, &steps);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let views = runtime.block_on(async {
            let coordination = Arc::new(Flaky::new(fates));
            let members = [(); 2].map(|()| KvModel::new(Sums, coordination.clone()));
            let mut owners = [0; PARTITIONS as usize];
            for (told, turn) in batches.iter().zip(turns.iter().cycle()) {
                let owner = &mut owners[usize::from(told.partition().get())];
                if matches!(told, Told::Claimed(..)) {
                    *owner = usize::from(*turn);
                }
                if let Some(batch) = told.note(members[*owner].parkings()) {
                    // As a group does it: what is not the events' fault is tried again.
                    while let Err(error) = members[*owner].apply(batch).await {
                        assert_eq!(error.kind, FailureKind::Unavailable, "{error:?}");
                    }
                }
            }
            members[0].views().await.unwrap()
        });
        prop_assert_eq!(views.into_iter().collect::<BTreeMap<_, _>>(), expected);
    }
}
