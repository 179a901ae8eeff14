//! The memory store against a bare `DashMap` of vectors, and against itself.

use std::sync::Barrier;
use std::thread;

use aether_core::{ActorId, Commit, Event, EventStore};
use aether_store_memory::MemoryEventStore;
use dashmap::DashMap;
use futures_executor::block_on;

use crate::report::{Goal, Report, Row};
use crate::rounds::{medians, nanos_each, time};
use crate::sample;

const ROUNDS: usize = 31;

fn save(store: &MemoryEventStore, events: &[Event]) -> anyhow::Result<f64> {
    let save_all = async {
        for event in events {
            store.save(&Commit::event(event)).await?;
        }
        Ok::<_, aether_core::SaveError>(())
    };
    let (took, saved) = time(|| block_on(save_all));
    saved?;
    Ok(nanos_each(took, events.len()))
}

fn push(map: &DashMap<ActorId, Vec<Event>>, events: &[Event]) -> f64 {
    let push_all = || {
        for event in events {
            map.entry(event.actor().clone()).or_default().push(event.clone());
        }
    };
    nanos_each(time(push_all).0, events.len())
}

pub(crate) fn one_thread(report: &mut Report) -> anyhow::Result<()> {
    let events = sample::events(&sample::actors("order", 20)?, 1..=100)?;
    let [ours, bare] = medians(
        ROUNDS,
        [&mut || save(&MemoryEventStore::new(), &events), &mut || Ok(push(&DashMap::new(), &events))],
    )?;
    report
        .add(Row::new("memory: a save, one thread", ours, "ns").against(bare).goal(Goal::AtMost(4.0)).note(
        "against map.entry(actor.clone()).or_default().push(event.clone()) on a DashMap<ActorId, Vec<Event>>",
    ));
    Ok(())
}

pub(crate) fn per_event(report: &mut Report) -> anyhow::Result<()> {
    const ACTORS: usize = 50;
    let actors = sample::actors("order", ACTORS)?;
    let mut first = None;
    for there in [1, 100, 10_000] {
        let before = sample::events(&actors, 1..=there)?;
        let events = sample::events(&actors, there + 1..=there + 20)?;
        let [ours, bare] = medians(
            ROUNDS,
            [
                &mut || {
                    let store = MemoryEventStore::new();
                    save(&store, &before)?;
                    save(&store, &events)
                },
                &mut || {
                    let map = DashMap::new();
                    push(&map, &before);
                    Ok(push(&map, &events))
                },
            ],
        )?;
        let name = format!("memory: a save on actors of {there} events");
        report.add(Row::new(name, ours, "ns").against(bare).goal(Goal::AtMost(4.0)));
        let first = *first.get_or_insert(ours);
        if there > 1 {
            let name = format!("memory: flat, {there} events against 1");
            report.add(Row::new(name, ours, "ns").against(first).goal(Goal::AtMost(1.25)));
        }
    }
    Ok(())
}

pub(crate) fn two_threads(report: &mut Report) -> anyhow::Result<()> {
    let actors = sample::actors("order", 200)?;
    let (left, right) = actors.split_at(100);
    let halves = [sample::events(left, 1..=2_000)?, sample::events(right, 1..=2_000)?];
    let together = |stores: [MemoryEventStore; 2]| -> anyhow::Result<f64> {
        let start = Barrier::new(3);
        thread::scope(|scope| {
            let writers: Vec<_> = stores
                .iter()
                .zip(&halves)
                .map(|(store, events)| {
                    let start = &start;
                    scope.spawn(move || {
                        start.wait();
                        save(store, events)
                    })
                })
                .collect();
            start.wait();
            let (took, results) = time(|| writers.into_iter().map(|w| w.join()).collect::<Vec<_>>());
            for result in results {
                result.map_err(|_| anyhow::anyhow!("a writer panicked"))??;
            }
            Ok(2.0 * halves[0].len() as f64 / took.as_secs_f64())
        })
    };
    let [shared, separate] = medians(
        ROUNDS,
        [
            &mut || {
                let store = MemoryEventStore::new();
                together([store.clone(), store])
            },
            &mut || together([MemoryEventStore::new(), MemoryEventStore::new()]),
        ],
    )?;
    report.add(
        Row::new("memory: two threads, different actors, one store", shared, "saves/s")
            .against(separate)
            .goal(Goal::AtLeast(0.85))
            .note(
                "against two threads with a store each; what they share is one counter, whose cache line each save fetches \
                 from the other core (it alone gives all events one order)",
            ),
    );
    Ok(())
}
