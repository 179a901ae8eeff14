//! What the memory store says beyond the contract: its options, its positions, and long histories.

use aether_core::{
    ActorId, ActorSnapshot, Clock, Commit, Event, EventStore, EventStoreExt, Expected, Head, Position,
    ReadFrom, SaveError, SnapshotError, SnapshotSaved, SnapshotStore, Version,
};
use aether_store_memory::{MemoryEventStore, MemoryEventStoreBuilder};
use futures_executor::block_on;
use futures_util::TryStreamExt;
use time::OffsetDateTime;

fn actor(id: &str) -> ActorId {
    ActorId::new(id).unwrap()
}

fn event(id: &str, version: u64) -> Event {
    Event::new(&actor(id), Version::new(version), "Happened", &version).unwrap()
}

fn full() -> Vec<Event> {
    vec![event("a-1", 1), event("b-1", 1), event("a-1", 2)]
}

#[test]
fn events_of_several_actors_have_the_positions_of_one_commit() {
    let store = MemoryEventStore::new();
    block_on(store.save_event(&event("c-1", 1))).unwrap();
    let events = full();
    let saved = block_on(store.save_events(&events)).unwrap();
    assert_eq!((saved.position, saved.version), (Position::new(2, 2), Version::new(2)));
    assert_eq!(saved.head_of(&actor("b-1")), Some(Head::new(2, Version::new(1))));
    let all: Vec<_> = block_on(store.get_all(ReadFrom::After(Position::new(1, 0)), 9).try_collect()).unwrap();
    let stored: Vec<_> = all.iter().map(|e| (e.event.clone(), e.position)).collect();
    let expected =
        [(0, 0), (2, 1), (1, 2)].map(|(i, at): (usize, u32)| (events[i].clone(), Position::new(2, at)));
    assert_eq!(stored, expected);
    assert_eq!(block_on(store.save_events(&events)).unwrap(), saved, "sent again");
}

#[test]
fn a_commit_of_which_only_one_actor_has_its_part_is_a_conflict() {
    let store = MemoryEventStore::new();
    let events = full();
    block_on(store.save_event(&events[1])).unwrap();
    let conflict = block_on(store.save_events(&events)).unwrap_err();
    assert_eq!(conflict.version_conflict().unwrap().actor, actor("b-1"));
    assert_eq!(block_on(store.get_head(&actor("a-1"))).unwrap(), Head::NONE);
    assert_eq!(block_on(store.get_actors("a", None, 9)).unwrap(), [], "a refused commit makes no actor");
}

#[test]
fn a_commit_saved_again_is_found_under_others_and_whatever_it_expects() {
    let store = MemoryEventStore::new();
    let first = event("a-1", 1);
    let commit = Commit::event(&first).expecting(Expected::NoEvents);
    let saved = block_on(store.save(&commit)).unwrap();
    for version in 2..600 {
        block_on(store.save_event(&event("a-1", version))).unwrap();
    }
    assert_eq!(block_on(store.save(&commit)).unwrap(), saved);
    let at = Commit::event(&first).expecting(Expected::At(Head::NONE));
    assert_eq!(block_on(store.save(&at)).unwrap(), saved);
}

#[test]
fn a_long_history_is_read_page_by_page_both_ways() {
    let store = MemoryEventStore::new();
    for n in 0..1000 {
        block_on(store.save_events(&[event("a-1", 4 * n + 2), event("a-1", 4 * n + 4)])).unwrap();
    }
    let id = actor("a-1");
    for from in [0, 1, 2, 3, 4, 5, 1023, 1024, 1025, 2048, 3999, 4000, 4001, u64::MAX] {
        let expected: Vec<u64> = (1..=2000).map(|n| 2 * n).filter(|version| *version >= from).collect();
        let events = store.get_events(&id, Version::new(from)).map_ok(|e| e.version().get());
        assert_eq!(block_on(events.try_collect::<Vec<_>>()).unwrap(), expected, "from {from}");
        let expected: Vec<u64> = (1..=2000).rev().map(|n| 2 * n).filter(|version| *version <= from).collect();
        let events = store.get_events_backward(&id, Version::new(from)).map_ok(|e| e.version().get());
        assert_eq!(block_on(events.try_collect::<Vec<_>>()).unwrap(), expected, "back from {from}");
    }
    let after = store.get_commits(&id, Head::new(400, Version::new(1600)));
    let sequences: Vec<u64> = block_on(after.map_ok(|commit| commit.head.sequence()).try_collect()).unwrap();
    assert_eq!(sequences, (401..=1000).collect::<Vec<_>>());
}

#[test]
fn a_stream_ends_at_what_was_last_when_it_began() {
    let store = MemoryEventStore::new();
    block_on(store.save_event(&event("a-1", 1))).unwrap();
    let (one, all) = (store.get_events(&actor("a-1"), Version::ZERO), store.get_all(ReadFrom::Start, 9));
    block_on(store.save_event(&event("a-1", 2))).unwrap();
    assert_eq!(block_on(one.try_collect::<Vec<_>>()).unwrap().len(), 1);
    assert_eq!(block_on(all.try_collect::<Vec<_>>()).unwrap().len(), 1);
}

#[derive(Debug)]
struct At(i64);

impl Clock for At {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0).unwrap()
    }
}

#[test]
fn the_clock_is_injected() {
    let store = MemoryEventStore::builder().clock(At(77)).build();
    block_on(store.save_event(&event("a-1", 1))).unwrap();
    let events: Vec<_> = block_on(store.get_events(&actor("a-1"), Version::ZERO).try_collect()).unwrap();
    assert_eq!(events[0].recorded_at, At(77).now());
}

#[test]
fn a_commit_over_the_limit_is_refused_whole() {
    let event = event("a-1", 1);
    let limit = event.size() + 4;
    let store = MemoryEventStore::builder().max_commit_bytes(limit).build();
    let error = block_on(store.save(&Commit::event(&event).with_note(b"12345"))).unwrap_err();
    assert!(
        matches!(error, SaveError::TooLarge { size, limit: l } if size == limit + 1 && l == limit),
        "{error}"
    );
    assert_eq!(block_on(store.get_head(event.actor())).unwrap(), Head::NONE);
    block_on(store.save(&Commit::event(&event).with_note(b"1234"))).unwrap();
    assert_eq!(MemoryEventStoreBuilder::MAX_COMMIT_BYTES, 1 << 20);
}

#[test]
fn a_full_store_refuses_keeps_what_it_has_and_knows_it() {
    let first = event("a-1", 1);
    let store = MemoryEventStore::builder().max_bytes(2 * first.size() as u64).build();
    let saved = block_on(store.save_event(&first)).unwrap();
    block_on(store.save_event(&event("b-1", 1))).unwrap();
    let refused = block_on(store.save_event(&event("a-1", 2))).unwrap_err();
    assert!(matches!(refused, SaveError::StoreFull { .. }), "{refused}");
    assert_eq!(block_on(store.save_event(&first)).unwrap(), saved, "what stands needs no room");
    assert_eq!(block_on(store.get_all(ReadFrom::Start, 9).try_collect::<Vec<_>>()).unwrap().len(), 2);
}

#[test]
fn a_snapshot_that_is_ahead_of_the_log_counts_as_none_and_is_replaced() {
    let store = MemoryEventStore::new();
    let id = actor("a-1");
    block_on(store.save_event(&event("a-1", 1))).unwrap();
    let head = block_on(store.get_head(&id)).unwrap();
    let foreign =
        ActorSnapshot::new(&id, Version::new(9), &9).unwrap().with_head(Head::new(9, Version::new(9)));
    block_on(store.save_snapshot(&foreign)).unwrap();
    assert_eq!(block_on(store.load_snapshot(&id)).unwrap(), None);
    let own = ActorSnapshot::new(&id, Version::new(1), &1).unwrap().with_head(head);
    assert_eq!(block_on(store.save_snapshot(&own)).unwrap(), SnapshotSaved::Stored);
    assert_eq!(block_on(store.load_snapshot(&id)).unwrap(), Some(own));
}

#[test]
fn a_snapshot_over_the_limit_is_refused() {
    let store = MemoryEventStore::builder().max_commit_bytes(3).build();
    let snapshot = ActorSnapshot::new(&actor("a-1"), Version::new(1), "ab").unwrap();
    let error = block_on(store.save_snapshot(&snapshot)).unwrap_err();
    assert!(matches!(error, SnapshotError::TooLarge { size: 4, limit: 3 }), "{error}");
}
