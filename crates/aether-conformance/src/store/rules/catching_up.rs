//! `CaughtUp`, and the seam between what was there and what comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use std::time::Duration;

use aether_core::{EventFilter, Position, RecordedEvent, SubscribeFrom, SubscribeOptions};
use futures_util::future::join_all;

use crate::store::Fixture;
use crate::store::support::{
    Fresh, OrFail, Reader, Store, WRITERS, a_log, actor, after, assert_same, event, mark, matching, typed,
};

/// How long a writer waits between two commits.
const PACE: Duration = Duration::from_millis(1);

pub(crate) async fn is_said_when_all_was_delivered(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let log = a_log(fixture, &store).await;
    let mut reader = store.subscribe(SubscribeFrom::Start).await;
    assert_same(&reader.until_caught_up().await, &log.all, "what was there when it began");
    let middle = log.all[log.all.len() / 2].position;
    let mut reader = store.subscribe(SubscribeFrom::After(middle)).await;
    assert_same(&reader.until_caught_up().await, &after(&store, middle).await, "what was there after it");
}

pub(crate) async fn is_said_once(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    a_log(fixture, &store).await;
    let mut reader = store.subscribe(SubscribeFrom::Start).await;
    reader.until_caught_up().await;
    // One at a time, so that it has no reason to fall behind; if it does, it says so before it catches up again.
    for _ in 0..20 {
        let next = mark(&store).await;
        assert_same(&reader.until(next.position).await, std::slice::from_ref(&next), "one at a time");
    }
}

pub(crate) async fn is_said_of_an_empty_store(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    for from in [SubscribeFrom::Start, SubscribeFrom::Now] {
        let mut reader = store.subscribe(from).await;
        assert!(reader.until_caught_up().await.is_empty(), "there is nothing");
    }
}

pub(crate) async fn is_said_where_nothing_is_left(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let log = a_log(fixture, &store).await;
    let last = log.all.last().or_fail("finding the last event").position;
    for from in [SubscribeFrom::After(last), SubscribeFrom::After(log.last), SubscribeFrom::Now] {
        let mut reader = store.subscribe(from).await;
        assert!(reader.until_caught_up().await.is_empty(), "nothing is left {from:?}");
    }
}

pub(crate) async fn is_said_where_nothing_matches(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    a_log(fixture, &store).await;
    for filter in [EventFilter::category("nobody"), EventFilter::all().types(["Shipped"])] {
        for from in [SubscribeFrom::Start, SubscribeFrom::Now] {
            let mut reader = store.subscribe(SubscribeOptions::from(from).filter(filter.clone())).await;
            assert!(reader.until_caught_up().await.is_empty(), "nothing matches {filter:?}");
        }
    }
}

/// Saves one commit after the other until it is told to stop, and some more.
async fn write_on(writer: usize, store: Store, saved: Arc<AtomicUsize>, stop: Arc<AtomicBool>) {
    let actor = actor(format!("order-{writer}"));
    let (mut version, mut left) = (0, 5);
    while left > 0 {
        if stop.load(Ordering::SeqCst) {
            left -= 1;
        }
        let (first, second) = (typed(&actor, version + 1, "Placed"), event(&actor, version + 2));
        store.save_events(&[first, second]).await;
        version += 2;
        saved.fetch_add(1, Ordering::SeqCst);
        // A store that never waits would have a log of any length by the time that others have their turn.
        tokio::time::sleep(PACE).await;
    }
}

/// Waits until so many commits more have been saved.
async fn more(saved: &AtomicUsize, commits: usize) {
    let goal = saved.load(Ordering::SeqCst) + commits;
    while saved.load(Ordering::SeqCst) < goal {
        tokio::time::sleep(PACE).await;
    }
}

/// The last position that is there, as somebody sees who reads.
async fn last_of(store: &Store) -> Position {
    store.all().await.last().or_fail("finding what the writers saved").position
}

/// A subscription that is begun while others save.
struct Begun {
    reader: Reader,
    options: SubscribeOptions,
    /// The last position that was there when subscribing returned, or an earlier one.
    before: Position,
    read: Vec<RecordedEvent>,
}

/// Subscribes and reads on beyond the seam.
async fn across_the_seam(store: Store, options: SubscribeOptions) -> Begun {
    let before = last_of(&store).await;
    let mut reader = store.subscribe(options.clone()).await;
    let mut read = reader.until_caught_up().await;
    read.extend(reader.events(3).await);
    Begun { reader, options, before, read }
}

pub(crate) async fn is_seamless(fixture: &dyn Fixture) {
    const ROUNDS: usize = 5;
    let store = Fresh::open(fixture).await;
    let mut handles = store.handles(WRITERS).await;
    let subscriber = handles.remove(0);
    let (saved, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let write = |(writer, handle)| tokio::spawn(write_on(writer, handle, saved.clone(), stop.clone()));
    let writers: Vec<_> = handles.into_iter().enumerate().map(write).collect();
    let mut readers = Vec::new();
    for _ in 0..ROUNDS {
        more(&saved, 5).await;
        let seen = SubscribeFrom::After(last_of(&subscriber).await);
        let placed = EventFilter::all().types(["Placed"]);
        for options in [
            SubscribeOptions::default(),
            SubscribeOptions::from(seen).filter(placed.clone()),
            SubscribeOptions::from(SubscribeFrom::Now),
            SubscribeOptions::from(SubscribeFrom::Now).filter(placed),
        ] {
            readers.push(tokio::spawn(across_the_seam(subscriber.clone(), options)));
        }
    }
    let begun: Vec<Begun> =
        join_all(readers).await.into_iter().map(|reader| reader.or_fail("a reader")).collect();
    stop.store(true, Ordering::SeqCst);
    for writer in join_all(writers).await {
        writer.or_fail("a writer");
    }
    let end = mark(&store).await.position;
    let all = store.all().await;
    for Begun { mut reader, options, before, mut read } in begun {
        read.extend(reader.until(end).await);
        let mut expected = matching(&all, &options.filter);
        match options.from {
            SubscribeFrom::After(position) => expected.retain(|event| event.position > position),
            // Where exactly it began only the store knows, but that was after what was there before.
            SubscribeFrom::Now => {
                let first = read.first().or_fail("finding the first event from now on").position;
                assert!(first > before, "from now on: {first} came, when {before} was there already");
                expected.retain(|event| event.position >= first);
            }
            _ => {}
        }
        assert_same(&read, &expected, format_args!("across the seam, {options:?}"));
        reader.until_caught_up().await;
    }
}
