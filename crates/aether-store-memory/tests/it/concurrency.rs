//! What holds while many threads write: order, atomicity, and that nobody loses or doubles anything.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use aether_core::{
    ActorId, Commit, Event, EventStore, EventStoreExt, Expected, Head, Position, ReadFrom, RecordedEvent,
    Version,
};
use aether_store_memory::MemoryEventStore;
use futures_executor::block_on;
use futures_util::TryStreamExt;

const WRITERS: u64 = 4;
const EACH: u64 = 2_000;

fn actor(number: u64) -> ActorId {
    ActorId::new(format!("stress-{number}")).unwrap()
}

fn event(actor: &ActorId, version: u64) -> Event {
    Event::new(actor, Version::new(version), "Happened", &version).unwrap()
}

fn read_all(store: &MemoryEventStore, from: ReadFrom) -> Vec<RecordedEvent> {
    block_on(store.get_all(from, usize::MAX).try_collect()).unwrap()
}

fn read(store: &MemoryEventStore, actor: &ActorId) -> Vec<RecordedEvent> {
    block_on(store.get_events(actor, Version::ZERO).try_collect()).unwrap()
}

/// Runs the writers, and a check beside them until they are done, and once more after that.
fn beside_writers(write: impl Fn(u64) + Sync, check: impl Fn() + Sync) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let checker = scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                check();
            }
            check();
        });
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                scope.spawn({
                    let write = &write;
                    move || write(writer)
                })
            })
            .collect();
        let results: Vec<_> = writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Release);
        checker.join().unwrap();
        results.into_iter().for_each(|result| result.unwrap());
    });
}

#[test]
fn a_reader_of_all_sees_every_actor_without_holes_and_all_that_was_acknowledged() {
    let store = MemoryEventStore::new();
    let acknowledged: Vec<AtomicU64> = (0..WRITERS).map(|_| AtomicU64::new(0)).collect();
    let write = |writer: u64| {
        let actor = actor(writer);
        for version in 1..=EACH {
            block_on(store.save_event(&event(&actor, version))).unwrap();
            acknowledged[writer as usize].store(version, Ordering::Release);
        }
    };
    beside_writers(write, || {
        let before: Vec<u64> = acknowledged.iter().map(|version| version.load(Ordering::Acquire)).collect();
        let mut seen: HashMap<ActorId, u64> = HashMap::new();
        for (sequence, event) in (1..).zip(read_all(&store, ReadFrom::Start)) {
            assert_eq!(event.position, Position::new(sequence, 0), "no position is passed over");
            let version = seen.entry(event.actor().clone()).or_default();
            *version += 1;
            assert_eq!(event.version().get(), *version);
        }
        for (writer, before) in (0..).zip(before) {
            assert!(seen.get(&actor(writer)).copied().unwrap_or(0) >= before, "read your writes");
        }
    });
}

#[test]
fn a_reader_that_goes_on_from_its_last_position_meets_every_event_once() {
    let store = MemoryEventStore::new();
    let seen = std::sync::Mutex::new((ReadFrom::Start, 0));
    let write = |writer: u64| {
        let actor = actor(writer);
        for version in 0..EACH / 2 {
            let pair = [event(&actor, 2 * version + 1), event(&actor, 2 * version + 2)];
            block_on(store.save_events(&pair)).unwrap();
        }
    };
    beside_writers(write, || {
        let mut seen = seen.lock().unwrap();
        // A limit that is odd stops in the middle of commits.
        let page: Vec<_> = block_on(store.get_all(seen.0, 33).try_collect()).unwrap();
        if let Some(last) = page.last() {
            *seen = (ReadFrom::After(last.position), seen.1 + page.len());
        }
    });
    let (from, count) = *seen.lock().unwrap();
    assert_eq!(count + read_all(&store, from).len(), (WRITERS * EACH) as usize);
}

#[test]
fn writers_on_one_actor_save_every_version_once() {
    let store = MemoryEventStore::new();
    let one = actor(1);
    let saved: Vec<Vec<Event>> = thread::scope(|scope| {
        let write = || {
            let mut won = Vec::new();
            while won.len() < EACH as usize {
                let version = block_on(store.get_latest_version(&one)).unwrap();
                let next = event(&one, version.get() + 1);
                match block_on(store.save_expecting(std::slice::from_ref(&next), Expected::Exact(version))) {
                    Ok(_) => won.push(next),
                    Err(lost) => {
                        let conflict = lost.version_conflict().expect("only conflicts");
                        assert!(conflict.current >= next.version() && conflict.attempted == next.version());
                    }
                }
            }
            won
        };
        let writers: Vec<_> = (0..WRITERS).map(|_| scope.spawn(write)).collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let mut saved: Vec<Event> = saved.into_iter().flatten().collect();
    saved.sort_by_key(Event::version);
    let stored: Vec<Event> = read(&store, &one).into_iter().map(|recorded| recorded.event).collect();
    assert_eq!(stored, saved);
}

#[test]
fn commits_over_several_actors_are_whole_for_every_reader() {
    let store = MemoryEventStore::new();
    let write = |writer: u64| {
        for round in 0..EACH {
            // Neighbours in both orders, so that two writers lock the same pair the other way round.
            let (a, b) = (actor(writer), actor((writer + 1) % WRITERS));
            let (a, b) = if round % 2 == 0 { (a, b) } else { (b, a) };
            let versions = [&a, &b].map(|id| block_on(store.get_latest_version(id)).unwrap().get());
            let pair = [event(&a, versions[0] + 1), event(&b, versions[1] + 1)];
            if let Err(lost) = block_on(store.save_events(&pair)) {
                assert!(lost.is_version_conflict());
            }
        }
    };
    beside_writers(write, || {
        let events = read_all(&store, ReadFrom::Start);
        assert_eq!(events.len() % 2, 0);
        for pair in events.chunks(2) {
            assert_eq!(pair[0].position.sequence(), pair[1].position.sequence());
            let marks = pair.iter().map(|event| event.marks.as_ref().unwrap());
            assert!(marks.zip(0..).all(|(marks, index)| marks.index == index && marks.id == pair[0].id()));
        }
    });
    for writer in 0..WRITERS {
        let versions: Vec<u64> = read(&store, &actor(writer)).iter().map(|e| e.version().get()).collect();
        assert!(!versions.is_empty());
        assert!(versions.windows(2).all(|pair| pair[0] + 1 == pair[1]));
    }
}

#[test]
fn commits_over_the_same_actors_in_opposite_orders_never_wait_for_each_other() {
    const ROUNDS: u64 = 200;
    let store = MemoryEventStore::new();
    let (done, finished) = mpsc::channel();
    for downwards in [false, true] {
        let (store, done) = (store.clone(), done.clone());
        thread::spawn(move || {
            for round in 0..ROUNDS {
                // Versions of its own: each round is saved or refused, and both are fine here.
                let version = 2 * round + 1 + u64::from(downwards);
                let mut events: Vec<_> = (0..100).map(|number| event(&actor(number), version)).collect();
                if downwards {
                    events.reverse();
                }
                let _either = block_on(store.save_events(&events));
            }
            done.send(()).unwrap();
        });
    }
    for _ in 0..2 {
        finished.recv_timeout(Duration::from_secs(60)).expect("two commits wait for each other");
    }
}

#[test]
fn only_one_of_many_decisions_on_a_head_stands() {
    let store = MemoryEventStore::new();
    let one = actor(1);
    block_on(store.save_event(&event(&one, 1))).unwrap();
    for _ in 0..200 {
        let head = block_on(store.get_head(&one)).unwrap();
        let stands: usize = thread::scope(|scope| {
            let decide = || {
                let note = Commit::note_only(&one, head, b"answered");
                let saved = block_on(store.save(&note)).is_ok();
                assert_eq!(
                    block_on(store.save(&note)).is_ok(),
                    saved,
                    "the same commit has the same outcome"
                );
                assert!(!block_on(store.confirm(&one, head)).unwrap());
                usize::from(saved)
            };
            let writers: Vec<_> = (0..WRITERS).map(|_| scope.spawn(decide)).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).sum()
        });
        assert_eq!(stands, 1);
    }
    let commits: Vec<_> = block_on(store.get_commits(&one, Head::NONE).try_collect()).unwrap();
    assert_eq!(commits.len(), 201);
    assert_eq!(read(&store, &one).len(), 1, "notes are invisible to readers of events");
}
