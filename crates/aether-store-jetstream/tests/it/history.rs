//! Reading one actor's history: by links, and by filter where there are none.

use crate::common::{actor, client, collect, config, event, store, versions};
use aether_core::{Commit, EventStore, EventStoreExt, Head, ReadError, Version};
use aether_store_jetstream::JetStreamEventStore;
use futures_util::TryStreamExt;
use std::time::Duration;

#[tokio::test]
async fn a_long_history_is_read_from_anywhere() {
    let store = store().await;
    let (a, b) = (actor("order-1"), actor("order-2"));
    for version in 1..=100 {
        store.save_event(&event(&a, version)).await.unwrap();
        store.save_event(&event(&b, version)).await.unwrap();
    }
    for from in [0, 1, 2, 15, 16, 17, 50, 84, 99, 100, 101] {
        let read = collect(store.get_events(&a, Version::new(from))).await.unwrap();
        assert_eq!(versions(&read), (from.max(1)..=100).collect::<Vec<_>>(), "from {from}");
        let back = collect(store.get_events_backward(&a, Version::new(from))).await.unwrap();
        assert_eq!(versions(&back), (1..=from.min(100)).rev().collect::<Vec<_>>(), "back from {from}");
    }
    let commits: Vec<_> = store.get_commits(&a, Head::NONE).try_collect().await.unwrap();
    assert_eq!(commits.len(), 100);
    for after in [0, 1, 37, 98, 99] {
        let rest: Vec<_> = store.get_commits(&a, commits[after].head).try_collect().await.unwrap();
        assert_eq!(rest, commits[after + 1..]);
    }
}

#[tokio::test]
async fn a_cold_handle_reads_the_same() {
    let config = config();
    let store = JetStreamEventStore::create(client().await, config.clone()).await.unwrap();
    let a = actor("order-1");
    for version in 1..=40 {
        store.save_event(&event(&a, version)).await.unwrap();
    }
    let cold = JetStreamEventStore::open(client().await, config).await.unwrap();
    let read = collect(cold.get_events(&a, Version::ZERO)).await.unwrap();
    assert_eq!(versions(&read), (1..=40).collect::<Vec<_>>());
    assert_eq!(cold.get_latest_version(&a).await.unwrap(), Version::new(40));
}

/// A message as somebody who knows nothing of links would publish it.
async fn publish_foreign(store: &JetStreamEventStore, version: u64) {
    let id = aether_core::Event::new(&actor("order-1"), Version::new(1), "X", &1).unwrap().id();
    let body = format!(
        r#"{{"specversion":"1.0","id":"{id}","type":"Foreign","source":"elsewhere","subject":"order-1",
            "time":"2026-01-02T03:04:05Z","version":"{version}","data":{version}}}"#
    );
    let context = async_nats::jetstream::new(client().await);
    let subject = format!("{}.order.1", store.stream_name());
    context.publish(subject, body.into()).await.unwrap().await.unwrap();
}

#[tokio::test]
async fn commits_of_a_foreign_writer_are_read_by_filter() {
    let store = store().await;
    let a = actor("order-1");
    for version in [1, 2] {
        store.save_event(&event(&a, version)).await.unwrap();
    }
    publish_foreign(&store, 3).await;
    publish_foreign(&store, 4).await;
    let conflict = store.save_event(&event(&a, 4)).await.unwrap_err();
    assert_eq!(conflict.version_conflict().unwrap().current, Version::new(4));
    for version in 5..=40 {
        store.save_event(&event(&a, version)).await.unwrap();
    }
    let read = collect(store.get_events(&a, Version::ZERO)).await.unwrap();
    assert_eq!(versions(&read), (1..=40).collect::<Vec<_>>());
    let back = collect(store.get_events_backward(&a, Version::MAX)).await.unwrap();
    assert_eq!(versions(&back), (1..=40).rev().collect::<Vec<_>>());
    let tail = collect(store.get_events(&a, Version::new(30))).await.unwrap();
    assert_eq!(versions(&tail), (30..=40).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_hole_in_the_history_is_named_and_the_rest_can_be_read() {
    let config = config().erasure_allowed(true);
    let store = JetStreamEventStore::create(client().await, config).await.unwrap();
    let a = actor("order-1");
    let mut sequences = vec![0];
    for version in 1..=30 {
        sequences.push(store.save_event(&event(&a, version)).await.unwrap().head.sequence());
    }
    let context = async_nats::jetstream::new(client().await);
    let stream = context.get_stream(store.stream_name()).await.unwrap();
    stream.delete_message(sequences[12]).await.unwrap();
    let error = collect(store.get_events(&a, Version::ZERO)).await.unwrap_err();
    let ReadError::HistoryIncomplete(incomplete) = error else { panic!("{error}") };
    assert_eq!((incomplete.actor, incomplete.first_available), (a.clone(), Some(Version::new(13))));
    let rest = collect(store.get_events(&a, Version::new(13))).await.unwrap();
    assert_eq!(versions(&rest), (13..=30).collect::<Vec<_>>());
    let back: Vec<_> = {
        use futures_util::StreamExt;
        store.get_events_backward(&a, Version::MAX).collect().await
    };
    assert_eq!(back.iter().filter(|event| event.is_ok()).count(), 18);
    let Some(Err(ReadError::HistoryIncomplete(incomplete))) = back.last() else { panic!("{back:?}") };
    assert_eq!(incomplete.first_available, Some(Version::new(13)));
}

#[tokio::test]
async fn a_stream_that_was_sourced_elsewhere_is_read_by_filter() {
    let store = store().await;
    let a = actor("order-1");
    for version in 1..=40 {
        store.save_event(&event(&actor("order-2"), version)).await.unwrap();
        store.save_event(&event(&a, version)).await.unwrap();
    }
    // The copy has a stream of its own, whose first sequences are missing: all links name other messages.
    let config = config();
    let context = async_nats::jetstream::new(client().await);
    let copy = JetStreamEventStore::create(client().await, config).await.unwrap();
    let all = collect(store.get_all(aether_core::ReadFrom::Start, usize::MAX)).await.unwrap();
    let source = context.get_stream(store.stream_name()).await.unwrap();
    for sequence in 2..=all.len() as u64 {
        let message = source.get_raw_message(sequence).await.unwrap();
        let subject = message.subject.replace(store.stream_name(), copy.stream_name());
        context.publish(subject, message.payload).await.unwrap().await.unwrap();
    }
    let read = collect(copy.get_events(&a, Version::ZERO)).await.unwrap();
    assert_eq!(versions(&read), (1..=40).collect::<Vec<_>>());
    let back = collect(copy.get_events_backward(&a, Version::MAX)).await.unwrap();
    assert_eq!(versions(&back), (1..=40).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_barrier_leaves_nothing_that_readers_see() {
    let store = store().await;
    let a = actor("order-1");
    let saved = store.save(&Commit::event(&event(&a, 1))).await.unwrap();
    for _ in 0..3 {
        assert!(store.confirm(&a, saved.head).await.unwrap());
    }
    let all = collect(store.get_all(aether_core::ReadFrom::Start, 10)).await.unwrap();
    assert_eq!(all.len(), 1);
    let context = async_nats::jetstream::new(client().await);
    let mut stream = context.get_stream(store.stream_name()).await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while stream.info().await.unwrap().state.messages > 1 {
        assert!(tokio::time::Instant::now() < deadline, "barriers stay in the stream");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    store.save_event(&event(&a, 2)).await.unwrap();
    let read = collect(store.get_events(&a, Version::ZERO)).await.unwrap();
    assert_eq!(versions(&read), [1, 2]);
}
