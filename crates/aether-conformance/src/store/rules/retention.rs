//! Retention by age: what is gone is said to be gone.

use std::future::Future;
use std::time::Duration;

use aether_core::{
    ActorId, ActorSnapshot, Commit, Expected, Head, ReadError, ReadFrom, RecordedEvent, SnapshotSaved,
    Version,
};
use futures_util::TryStreamExt;

use crate::store::support::{Fresh, OrFail, Store, actor, event, numbers, v};
use crate::store::{Fixture, StorageOptions};

const MAX_AGE: Duration = Duration::from_secs(2);
/// How long after their time events may still be there.
const GRACE: Duration = Duration::from_secs(20);

pub(super) async fn open(fixture: &dyn Fixture) -> Fresh {
    Fresh::open_with(fixture, StorageOptions { max_age: Some(MAX_AGE), ..StorageOptions::default() }).await
}

/// Asks until there is an answer.
pub(super) async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(MAX_AGE + GRACE, asking).await.or_fail(format_args!("waiting until {what}"))
}

/// Waits until all events of all actors have expired.
pub(super) async fn until_expired(store: &Store) {
    // A reader of several events may come upon a hole while they expire, and be told so.
    let first = || store.all_from(ReadFrom::Start, 1);
    until("everything has expired", || async { first().await.is_empty().then_some(()) }).await;
}

pub(crate) async fn lets_versions_start_over(fixture: &dyn Fixture) {
    let store = open(fixture).await;
    let order = actor("order-1");
    store.save_each(&order, [1, 2, 7]).await;
    assert_eq!(store.versions(&order).await, [1, 2, 7], "nothing has expired yet");
    until_expired(&store).await;
    assert_eq!(store.head(&order).await, Head::NONE, "the actor is new");
    assert!(store.commits(&order).await.is_empty());
    store.save(&Commit::event(&event(&order, 1)).expecting(Expected::NoEvents)).await;
    assert_eq!(store.versions(&order).await, [1]);
}

pub(crate) async fn keeps_versions_above_the_snapshots(fixture: &dyn Fixture) {
    let store = open(fixture).await;
    let snapshots = store.snapshots().await;
    let order = actor("order-1");
    let head = store.save_each(&order, 1..=5).await.pop().or_fail("saving five events").head;
    let snapshot = ActorSnapshot::new(&order, v(5), "paid").or_fail("making a snapshot").with_head(head);
    let saved = snapshots.save_snapshot(&snapshot).await.or_fail("saving a snapshot");
    assert_eq!(saved, SnapshotSaved::Stored);
    until_expired(&store).await;
    // The same handle, and one that remembers nothing.
    for handle in [store.clone(), store.handles(2).await.remove(1)] {
        for late in [1, 5] {
            let conflict = handle.conflict(&Commit::event(&event(&order, late))).await;
            assert_eq!(conflict.current, v(5), "the snapshot's version is a lower bound");
        }
        handle.conflict(&Commit::event(&event(&order, 6)).expecting(Expected::NoEvents)).await;
        handle.conflict(&Commit::event(&event(&order, 6)).expecting(Expected::Exact(v(4)))).await;
    }
    let loaded = snapshots.load_snapshot(&order).await.or_fail("loading the snapshot");
    assert_eq!(loaded.map(|snapshot| snapshot.version), Some(v(5)), "the snapshot outlives the events");
    store.save(&Commit::event(&event(&order, 6)).expecting(Expected::Exact(v(5)))).await;
}

/// Saves version after version, so that the newest are always there while the oldest expire, until a read
/// from the start is refused; the versions saved and where the refusal says that reading works.
async fn until_partly_expired(store: &Store, order: &ActorId) -> Version {
    let mut version = 0;
    let deadline = tokio::time::Instant::now() + MAX_AGE + GRACE;
    loop {
        version += 1;
        store.save_event(&event(order, version)).await;
        match store.try_events(order, Version::ZERO).await {
            Ok(events) => {
                assert_eq!(numbers(&events).first(), Some(&1), "expired events were left out in silence")
            }
            Err(ReadError::HistoryIncomplete(incomplete)) => {
                assert_eq!(&incomplete.actor, order);
                return incomplete.first_available.or_fail("finding what can still be read");
            }
            Err(other) => panic!("the history was to be incomplete, not: {other}"),
        }
        assert!(tokio::time::Instant::now() < deadline, "nothing has expired after {:?}", MAX_AGE + GRACE);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

pub(crate) async fn leaves_no_hole_unsaid(fixture: &dyn Fixture) {
    let store = open(fixture).await;
    let order = actor("order-1");
    let mut first = until_partly_expired(&store, &order).await;
    // More may expire between the answer and the next question.
    loop {
        assert!(first > v(1), "version 1 cannot be read, yet it is said to be");
        assert!(store.version(&order).await > first.get(), "the newest are there");
        match store.try_events(&order, first).await {
            Ok(events) => {
                let read = numbers(&events);
                let expected: Vec<u64> = (first.get()..first.get() + read.len() as u64).collect();
                assert!(!read.is_empty(), "reading works from {first}, but there is nothing");
                assert_eq!(read, expected, "read from the first available version {first}");
                break;
            }
            Err(ReadError::HistoryIncomplete(incomplete)) => {
                let later = incomplete.first_available.or_fail("finding what can still be read");
                assert!(later > first, "reading works from {first}, said the error, and does not");
                first = later;
            }
            Err(other) => panic!("the history was to be incomplete, not: {other}"),
        }
    }
    // The version rule stands while the newest are there.
    let conflict = store.conflict(&Commit::event(&event(&order, 1))).await;
    assert!(conflict.current > first, "the actor is not where it was: {conflict}");
}

pub(crate) async fn stops_a_reader_backward_at_the_hole(fixture: &dyn Fixture) {
    let store = open(fixture).await;
    let order = actor("order-1");
    until_partly_expired(&store, &order).await;
    let newest = store.version(&order).await;
    let (read, error) = until("a reader backward comes to the hole", || async {
        let mut stream = store.raw().get_events_backward(&order, Version::MAX);
        let mut read: Vec<RecordedEvent> = Vec::new();
        loop {
            match stream.try_next().await {
                Ok(Some(event)) => read.push(event),
                Ok(None) => {
                    // Whole is no hole: a replica may still have what another one has expired.
                    let whole: Vec<u64> = (1..=newest).rev().collect();
                    assert_eq!(numbers(&read), whole, "the reader went past the hole in silence");
                    return None;
                }
                Err(error) => return Some((read, error)),
            }
        }
    })
    .await;
    assert!(
        matches!(error, ReadError::HistoryIncomplete(_)),
        "the history was to be incomplete, not: {error}"
    );
    let expected: Vec<u64> = (1..=newest).rev().take(read.len()).collect();
    assert!(!read.is_empty(), "the newest are there");
    assert_eq!(numbers(&read), expected, "newest first, down to the hole");
}

pub(crate) async fn tells_readers_of_all_what_they_miss(fixture: &dyn Fixture) {
    let store = open(fixture).await;
    let orders = ["order-1", "order-2"].map(actor);
    let old = store.save_event(&event(&orders[0], 1)).await.position;
    store.save_event(&event(&orders[0], 2)).await;
    let mut version = 0;
    let mut after = until("the events after a position have expired", || {
        version += 1;
        let (store, next) = (&store, event(&orders[1], version));
        async move {
            store.save_event(&next).await;
            let read: Result<Vec<RecordedEvent>, _> =
                store.raw().get_all(ReadFrom::After(old), 9).try_collect().await;
            match read {
                Ok(events) => {
                    let first = events.first().map(|event| (event.actor().as_str(), event.version().get()));
                    assert_eq!(first, Some(("order-1", 2)), "expired events were left out in silence");
                    None
                }
                Err(ReadError::PositionExpired { position, first_available }) => {
                    assert_eq!(position, old, "the error names another position");
                    Some(first_available)
                }
                Err(other) => panic!("the position was to be expired, not: {other}"),
            }
        }
    })
    .await;
    assert!(after > old, "what is left comes after what has expired");
    // A replica may still have what another one has expired, and more may expire while it is read.
    let left = until("what has expired is gone everywhere", || async {
        let read: Result<Vec<_>, _> = store.raw().get_all(ReadFrom::Start, 99).try_collect().await;
        match read {
            Ok(left) => left.iter().all(|event| event.actor() == &orders[1]).then_some(left),
            Err(ReadError::PositionExpired { .. }) => None,
            Err(other) => panic!("reading from the start was to work, not: {other}"),
        }
    })
    .await;
    assert!(!left.is_empty(), "from the start, what is left is read");
    // More may expire between the answer and the next question.
    loop {
        match store.raw().get_all(ReadFrom::After(after), 99).try_collect::<Vec<_>>().await {
            Ok(read) => {
                assert!(!read.is_empty(), "there is something after {after}");
                break;
            }
            Err(ReadError::PositionExpired { first_available, .. }) => {
                assert!(first_available > after, "what is left is read after {after}, said the error");
                after = first_available;
            }
            Err(other) => panic!("reading on after {after} was to work, not: {other}"),
        }
    }
}
