//! Subscriptions on a server that stays as it is.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::common::{actor, client, collect, config, event, next, next_event, store, until, until_caught_up};
use aether_core::{
    ActorId, Commit, Delivery, Event, EventFilter, EventStore, EventStoreExt, Position, ReadError, ReadFrom,
    RecordedEvent, Subscribe, SubscribeFrom, SubscribeOptions, Subscription, Version,
};
use aether_store_jetstream::JetStreamEventStore;
use futures_util::{FutureExt, StreamExt};

async fn subscribe(
    store: &JetStreamEventStore,
    from: impl Into<SubscribeFrom>,
    filter: EventFilter,
) -> Subscription {
    store.subscribe(&SubscribeOptions::from(from.into()).filter(filter)).await.unwrap()
}

async fn save(store: &JetStreamEventStore, id: &str, version: u64) -> Position {
    store.save_event(&event(&actor(id), version)).await.unwrap().position
}

#[tokio::test]
async fn it_begins_where_it_was_told_to() {
    let store = store().await;
    let mut early = subscribe(&store, SubscribeFrom::Start, EventFilter::all()).await;
    assert_eq!(next(&mut early).await, Delivery::CaughtUp);
    let mut saved = Vec::new();
    for version in 1..=3 {
        saved.push(save(&store, "a-1", version).await);
    }
    let mut from_start = subscribe(&store, SubscribeFrom::Start, EventFilter::all()).await;
    let mut after_first = subscribe(&store, Some(saved[0]), EventFilter::all()).await;
    let mut after_last = subscribe(&store, Some(saved[2]), EventFilter::all()).await;
    let mut now = subscribe(&store, SubscribeFrom::Now, EventFilter::all()).await;
    saved.push(save(&store, "a-1", 4).await);
    assert_eq!(until_caught_up(&mut from_start).await[..3], saved[..3]);
    for (subscription, expected) in [
        (&mut early, &saved[..]),
        (&mut after_first, &saved[1..]),
        (&mut after_last, &saved[3..]),
        (&mut now, &saved[3..]),
    ] {
        let seen = until(subscription, saved[3]).await;
        assert_eq!(seen.iter().map(|event| event.position).collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn only_what_matches_is_delivered_and_the_rest_goes_by() {
    let store = store().await;
    let filters = [
        EventFilter::category("order"),
        EventFilter::actor(&actor("order-1")),
        EventFilter::all().types(["Other"]),
        EventFilter::category("order").types(["Other"]),
    ];
    let mut subscriptions = Vec::new();
    for filter in &filters {
        subscriptions.push(subscribe(&store, SubscribeFrom::Now, filter.clone()).await);
    }
    let mut all = Vec::new();
    for (id, event_type) in [
        ("order-1", "One"),
        ("order-2", "Other"),
        ("orders-1", "Other"),
        ("order-1", "Other"),
        ("x-1", "One"),
    ] {
        let version = store.get_latest_version(&actor(id)).await.unwrap().next();
        let event = aether_core::Event::new(&actor(id), version, event_type, &1).unwrap();
        let saved = store.save_event(&event).await.unwrap();
        all.push((event, saved.position));
        let began = Instant::now();
        for (filter, subscription) in filters.iter().zip(&mut subscriptions) {
            let seen = until(subscription, saved.position).await;
            let (event, _) = all.last().unwrap();
            let expected: Vec<_> = filter.matches(event).then(|| event.id()).into_iter().collect();
            assert_eq!(seen.iter().map(|event| event.id()).collect::<Vec<_>>(), expected, "{filter:?}");
        }
        // Mostly within a second; tests run beside others.
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
    for filter in filters {
        let mut again = subscribe(&store, SubscribeFrom::Start, filter.clone()).await;
        let expected: Vec<_> =
            all.iter().filter(|(event, _)| filter.matches(event)).map(|(_, position)| *position).collect();
        let mut gone_by = None;
        let mut seen = Vec::new();
        loop {
            let delivery = next(&mut again).await;
            gone_by = delivery.position().or(gone_by);
            match delivery {
                Delivery::Event(event) => seen.push(event.position),
                Delivery::CaughtUp => break,
                _ => {}
            }
        }
        assert_eq!(seen, expected, "{filter:?}");
        assert!(
            gone_by >= Some(all[4].1),
            "what was saved before has gone by when it has caught up: {gone_by:?}"
        );
    }
}

#[tokio::test]
async fn a_commit_without_events_goes_by() {
    let store = store().await;
    let a = actor("a-1");
    let head = store.save_event(&event(&a, 1)).await.unwrap().head;
    let mut subscription = subscribe(&store, SubscribeFrom::Now, EventFilter::all()).await;
    assert_eq!(next(&mut subscription).await, Delivery::CaughtUp);
    let empty = store.save(&Commit::note_only(&a, head, b"done")).await.unwrap();
    assert_eq!(next(&mut subscription).await, Delivery::Passed(empty.position));
}

/// Saves a commit over these actors, one event each, but two for the first.
async fn save_over(store: &JetStreamEventStore, ids: &[&str], version: u64) -> Position {
    let mut events: Vec<_> = ids.iter().map(|id| event(&actor(id), version)).collect();
    events.push(event(&actor(ids[0]), version + 1));
    store.save_events(&events).await.unwrap().position
}

fn ids(events: &[RecordedEvent]) -> Vec<&str> {
    events.iter().map(|event| event.actor().as_str()).collect()
}

#[tokio::test]
async fn commits_over_several_actors_come_whole_from_wherever_reading_begins() {
    let store = store().await;
    let actors = ["a-1", "b-1", "a-2", "b-2"];
    let before = save(&store, "x-1", 1).await;
    let position = save_over(&store, &actors, 1).await;
    save(&store, "x-1", 2).await;
    let all = collect(store.get_all(ReadFrom::Start, usize::MAX)).await.unwrap();
    assert_eq!(all.len(), 7);
    for (index, event) in all.iter().enumerate() {
        let mut resumed = subscribe(&store, Some(event.position), EventFilter::all()).await;
        let expected: Vec<_> = all[index + 1..].iter().map(|event| event.position).collect();
        assert_eq!(until_caught_up(&mut resumed).await, expected, "after {}", event.position);
    }
    let mut filtered = subscribe(&store, Some(before), EventFilter::category("a")).await;
    assert_eq!(ids(&until(&mut filtered, position).await), ["a-1", "a-1", "a-2"]);
}

/// Between the first part of a commit and its last, a reader never has to wait: it would see a part of the commit.
#[tokio::test]
async fn commits_over_several_actors_come_whole_while_they_are_saved() {
    const COMMITS: u64 = 50;
    let store = store().await;
    let mut all = subscribe(&store, SubscribeFrom::Now, EventFilter::all()).await;
    let mut some = subscribe(&store, SubscribeFrom::Now, EventFilter::category("a")).await;
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for round in 0..COMMITS {
                save_over(&store, &["a-1", "b-1", "a-2", "b-2"], 2 * round + 1).await;
            }
        }
    });
    for _ in 0..COMMITS {
        for (subscription, expected) in
            [(&mut all, &["a-1", "a-1", "b-1", "a-2", "b-2"][..]), (&mut some, &["a-1", "a-1", "a-2"][..])]
        {
            let mut parts = vec![next_event(subscription).await];
            while parts.len() < expected.len() {
                let Some(Some(Ok(Delivery::Event(event)))) = subscription.next().now_or_never() else {
                    panic!("torn after {parts:?}");
                };
                parts.push(event);
            }
            assert_eq!(ids(&parts), expected);
            let id = parts[0].marks.as_ref().unwrap().id;
            assert!(parts.iter().all(|part| part.marks.as_ref().unwrap().id == id));
        }
    }
    writer.await.unwrap();
}

/// However long the rest takes: what is there of a commit is not delivered, and has not gone by.
#[tokio::test]
async fn half_a_commit_is_held_back_while_nothing_comes() {
    let (whole, torn) = (store().await, store().await);
    save_over(&whole, &["a-1", "b-1"], 1).await;
    let mut subscription = subscribe(&torn, SubscribeFrom::Start, EventFilter::all()).await;
    assert!(until_caught_up(&mut subscription).await.is_empty());
    let context = async_nats::jetstream::new(client().await);
    let parts = context.get_stream(whole.stream_name()).await.unwrap();
    for sequence in 1..=2 {
        let part = parts.get_raw_message(sequence).await.unwrap();
        let subject = part.subject.replace(whole.stream_name(), torn.stream_name());
        let stored = context.publish(subject, part.payload).await.unwrap();
        assert_eq!(stored.await.unwrap().sequence, sequence);
        if sequence == 1 {
            // Several heartbeats.
            let told = tokio::time::timeout(Duration::from_secs(1), subscription.next()).await;
            assert!(told.is_err(), "{told:?}");
        }
    }
    assert_eq!(ids(&until(&mut subscription, Position::new(2, 0)).await), ["a-1", "a-1", "b-1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_where_catching_up_ends() {
    const WRITERS: u64 = 4;
    const EACH: u64 = 300;
    let store = store().await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for version in 1..=EACH {
                    save(&store, &format!("w-{writer}"), version).await;
                }
            })
        })
        .collect();
    let readers: Vec<_> = (0..6)
        .map(|reader| {
            let store = store.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(20 * reader)).await;
                let mut subscription = subscribe(&store, SubscribeFrom::Start, EventFilter::all()).await;
                let mut versions: HashMap<ActorId, u64> = HashMap::new();
                let mut last = Position::new(0, 0);
                for _ in 0..WRITERS * EACH {
                    let event = next_event(&mut subscription).await;
                    assert!(event.position > last);
                    last = event.position;
                    let version = versions.entry(event.actor().clone()).or_default();
                    *version += 1;
                    assert_eq!(event.version(), Version::new(*version));
                }
            })
        })
        .collect();
    for task in writers.into_iter().chain(readers) {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_slow_reader_is_told_and_loses_nothing() {
    const EVENTS: u64 = 3000;
    let store = store().await;
    let mut subscription = subscribe(&store, SubscribeFrom::Start, EventFilter::all()).await;
    assert_eq!(next(&mut subscription).await, Delivery::CaughtUp);
    let a = actor("a-1");
    let events: Vec<_> = (1..=EVENTS).map(|version| event(&a, version)).collect();
    for event in &events {
        store.save_event(event).await.unwrap();
    }
    let (mut fell, mut seen) = (0, Vec::new());
    loop {
        match next(&mut subscription).await {
            Delivery::Event(event) => seen.push(event.version().get()),
            Delivery::FellBehind => fell += 1,
            Delivery::CaughtUp => break,
            _ => {}
        }
    }
    assert_eq!(fell, 1);
    assert_eq!(seen, (1..=EVENTS).collect::<Vec<_>>());
}

/// The number of consumers that the stream has.
async fn consumers(store: &JetStreamEventStore) -> usize {
    let context = async_nats::jetstream::new(client().await);
    context.get_stream(store.stream_name()).await.unwrap().cached_info().state.consumer_count
}

#[tokio::test]
async fn a_subscription_that_is_dropped_frees_its_consumer() {
    let store = store().await;
    save(&store, "a-1", 1).await;
    let mut subscription = subscribe(&store, SubscribeFrom::Start, EventFilter::all()).await;
    next_event(&mut subscription).await;
    assert_eq!(consumers(&store).await, 1);
    drop(subscription);
    let began = Instant::now();
    while consumers(&store).await > 0 {
        assert!(began.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_consumer_that_was_deleted_is_made_again() {
    let store = store().await;
    save(&store, "a-1", 1).await;
    let mut subscription = subscribe(&store, SubscribeFrom::Start, EventFilter::all()).await;
    assert_eq!(until_caught_up(&mut subscription).await.len(), 1);
    let context = async_nats::jetstream::new(client().await);
    let stream = context.get_stream(store.stream_name()).await.unwrap();
    let name = stream.consumer_names().next().await.unwrap().unwrap();
    stream.delete_consumer(&name).await.unwrap();
    let position = save(&store, "a-1", 2).await;
    assert_eq!(until(&mut subscription, position).await.len(), 1);
}

/// The error that ends it, whatever it tells before.
async fn end(subscription: &mut Subscription) -> ReadError {
    loop {
        if let Err(error) = subscription.next().await.unwrap() {
            assert!(subscription.next().await.is_none());
            return error;
        }
    }
}

#[tokio::test]
async fn a_stream_that_was_deleted_ends_it() {
    let store = store().await;
    let mut subscription = subscribe(&store, SubscribeFrom::Start, EventFilter::all()).await;
    assert_eq!(next(&mut subscription).await, Delivery::CaughtUp);
    let context = async_nats::jetstream::new(client().await);
    context.delete_stream(store.stream_name()).await.unwrap();
    let error = end(&mut subscription).await;
    assert!(!error.is_retryable());
    assert!(error.to_string().contains("does not exist any more"), "{error}");
}

#[tokio::test]
async fn a_stream_that_was_made_again_is_another_one() {
    let config = config();
    let store = JetStreamEventStore::create(client().await, config.clone()).await.unwrap();
    save(&store, "a-1", 1).await;
    let mut subscription = subscribe(&store, SubscribeFrom::Start, EventFilter::all()).await;
    assert_eq!(until_caught_up(&mut subscription).await.len(), 1);
    let context = async_nats::jetstream::new(client().await);
    context.delete_stream(store.stream_name()).await.unwrap();
    let again = JetStreamEventStore::create(client().await, config).await.unwrap();
    save(&again, "a-1", 1).await;
    let error = end(&mut subscription).await;
    assert!(matches!(&error, ReadError::Corrupt { .. }) && !error.is_retryable(), "{error}");
}

#[tokio::test]
async fn a_position_that_has_expired_is_an_error() {
    let config = config().stream_retention(Duration::from_millis(500));
    let store = JetStreamEventStore::create(client().await, config).await.unwrap();
    let first = save(&store, "a-1", 1).await;
    save(&store, "a-2", 1).await;
    let mut slow = subscribe(&store, Some(first), EventFilter::all()).await;
    // A reader that has begun, and lags until what is next for it has expired.
    let mut lagging = subscribe(&store, SubscribeFrom::Start, EventFilter::category("a")).await;
    next_event(&mut lagging).await;
    until_all_has_expired(&store).await;
    let last = save(&store, "a-3", 1).await;
    let refused = store.subscribe(&SubscribeOptions::from(SubscribeFrom::After(first))).await;
    assert!(matches!(refused.map(drop), Err(ReadError::PositionExpired { .. })));
    let ended = loop {
        match slow.next().await.unwrap() {
            Ok(delivery) => assert!(!matches!(delivery, Delivery::Event(_)), "skipped in silence"),
            Err(error) => break error,
        }
    };
    assert!(matches!(ended, ReadError::PositionExpired { position, .. } if position == first), "{ended}");
    // What the server had sent in time may still be read.
    let seen = until(&mut lagging, last).await;
    assert_eq!(ids(&seen), ["a-2", "a-3"]);
    let mut from_start = subscribe(&store, SubscribeFrom::Start, EventFilter::all()).await;
    assert_eq!(until_caught_up(&mut from_start).await, [last]);
}

/// Waits until the stream is empty.
async fn until_all_has_expired(store: &JetStreamEventStore) {
    let began = Instant::now();
    let context = async_nats::jetstream::new(client().await);
    let mut stream = context.get_stream(store.stream_name()).await.unwrap();
    while stream.info().await.unwrap().state.messages > 0 {
        assert!(began.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn what_has_expired_is_told_though_nothing_comes_after_it() {
    let config = config().stream_retention(Duration::from_secs(2));
    let store = JetStreamEventStore::create(client().await, config).await.unwrap();
    let first = save(&store, "a-1", 1).await;
    let mut not_begun = subscribe(&store, Some(first), EventFilter::all()).await;
    let mut lagging = subscribe(&store, SubscribeFrom::Start, EventFilter::all()).await;
    assert_eq!(until_caught_up(&mut lagging).await, [first]);
    // More than a subscription takes while it is not read.
    let large = "x".repeat(200 * 1024);
    for version in 1..=48 {
        let large = Event::new(&actor("a-2"), Version::new(version), "Happened", &large).unwrap();
        store.save_event(&large).await.unwrap();
    }
    until_all_has_expired(&store).await;
    let mut seen = 0;
    for subscription in [&mut not_begun, &mut lagging] {
        let error = loop {
            match tokio::time::timeout(Duration::from_secs(40), subscription.next()).await.unwrap().unwrap() {
                Ok(Delivery::Event(_)) => seen += 1,
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert!(matches!(error, ReadError::PositionExpired { .. }), "{error}");
    }
    assert!(seen < 48, "everything was read in time");
}
