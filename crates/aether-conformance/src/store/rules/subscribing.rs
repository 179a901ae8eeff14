//! Where a subscription begins, and that it delivers what is read.

use aether_core::{ReadFrom, SubscribeFrom};

use crate::store::Fixture;
use crate::store::support::{Fresh, a_log, a_long_log, after, assert_same, mark, note, save_next};

pub(crate) async fn begins_at_the_start(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let log = a_log(fixture, &store).await;
    let mut reader = store.subscribe(SubscribeFrom::Start).await;
    assert_same(&reader.until(log.last).await, &log.all, "from the start");
    let next = mark(&store).await;
    assert_same(&reader.until(next.position).await, std::slice::from_ref(&next), "what was saved then");
}

pub(crate) async fn begins_before_the_first_event(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let mut start = store.subscribe(SubscribeFrom::Start).await;
    let mut now = store.subscribe(SubscribeFrom::Now).await;
    let log = a_log(fixture, &store).await;
    assert_same(&start.until(log.last).await, &log.all, "from the start of a store that was empty");
    assert_same(&now.until(log.last).await, &log.all, "from now on, when the store was empty");
}

pub(crate) async fn begins_after_any_position(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let log = a_log(fixture, &store).await;
    for (index, event) in log.all.iter().enumerate() {
        let position = event.position;
        let mut reader = store.subscribe(SubscribeFrom::After(position)).await;
        let read = reader.until(log.last).await;
        assert_same(&read, &log.all[index + 1..], format_args!("after {position}, maybe inside of a commit"));
    }
}

pub(crate) async fn begins_after_the_last_position(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let log = a_log(fixture, &store).await;
    let last = save_next(&store, &[("order-a", "Paid"), ("order-a", "Paid")]).await.position;
    let mut at_the_end = store.subscribe(SubscribeFrom::After(last)).await;
    at_the_end.until_caught_up().await;
    // After a commit without events, where no event ever stood.
    let noted = note(&store, "order-a").await.position;
    assert!(noted > last && last > log.last, "the position of a save is above all before it");
    let mut at_the_note = store.subscribe(SubscribeFrom::After(noted)).await;
    at_the_note.until_caught_up().await;
    for _ in 0..3 {
        let next = mark(&store).await;
        let expected = std::slice::from_ref(&next);
        assert_same(&at_the_end.until(next.position).await, expected, "after the last event");
        assert_same(&at_the_note.until(next.position).await, expected, "after the last commit");
    }
}

pub(crate) async fn now_is_after_what_is_there(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    for _ in 0..3 {
        let log = a_log(fixture, &store).await;
        let mut reader = store.subscribe(SubscribeFrom::Now).await;
        let next = mark(&store).await;
        let read = reader.until(next.position).await;
        assert_same(&read, std::slice::from_ref(&next), format_args!("from now on, at {}", log.last));
    }
}

pub(crate) async fn now_is_when_it_returns(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    a_log(fixture, &store).await;
    for from_the_same_handle in [true, false] {
        let last = store.all().await.pop().map(|event| event.position);
        let mut reader = store.subscribe(SubscribeFrom::Now).await;
        let writer = if from_the_same_handle { (*store).clone() } else { store.handles(2).await.remove(1) };
        // Nothing has been read of it yet.
        for _ in 0..5 {
            save_next(&writer, &[("order-a", "Paid"), ("order-a", "Paid")]).await;
        }
        let end = mark(&writer).await.position;
        let expected = store.all_from(last.map_or(ReadFrom::Start, ReadFrom::After), usize::MAX).await;
        assert_same(&reader.until(end).await, &expected, "what was saved after subscribing");
    }
}

pub(crate) async fn delivers_what_is_read(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let mut live = store.subscribe(SubscribeFrom::Now).await;
    live.until_caught_up().await;
    let log = a_log(fixture, &store).await;
    let mut replay = store.subscribe(SubscribeFrom::Start).await;
    for (reader, what) in [(&mut live, "as it was saved"), (&mut replay, "when it was there")] {
        let read = reader.until(log.last).await;
        assert_eq!(read.len(), log.all.len(), "the events delivered {what}");
        for (delivered, event) in read.iter().zip(&log.all) {
            assert_eq!(delivered, event, "delivered {what}, and read");
            let alone = store.events_from(event.actor(), event.version()).await;
            assert_eq!(Some(delivered), alone.first(), "delivered {what}, and read by its actor");
        }
    }
}

pub(crate) async fn replays_a_long_log(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let log = a_long_log(&store, 0).await;
    let mut reader = store.subscribe(SubscribeFrom::Start).await;
    assert_same(&reader.until(log.last).await, &log.all, "a long log from the start");
    let middle = log.all[log.all.len() / 2].position;
    let mut reader = store.subscribe(SubscribeFrom::After(middle)).await;
    assert_same(&reader.until(log.last).await, &after(&store, middle).await, "a long log from its middle");
}
