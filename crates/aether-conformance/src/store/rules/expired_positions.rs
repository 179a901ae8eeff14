//! Positions after which events have expired: a subscription says so, and never goes on without them.

use aether_core::{Delivery, EventFilter, ReadError, SubscribeFrom, SubscribeOptions};

use super::retention::{open, until, until_expired};
use crate::store::Fixture;
use crate::store::support::{Fresh, OrFail, actor, assert_same, event, json, mark, payload_event};

pub(crate) async fn are_refused(fixture: &dyn Fixture) {
    let store: Fresh = open(fixture).await;
    let order = actor("order-1");
    let old = store.save_event(&event(&order, 1)).await.position;
    let (store, mut version) = (&store, 1);
    until("the events after a position have expired", || {
        version += 1;
        let next = event(&order, version);
        async move {
            store.save_event(&next).await;
            // Not by reading: a replica may have expired what another one still has.
            store.try_subscribe(SubscribeFrom::After(old)).await.is_err().then_some(())
        }
    })
    .await;
    let mut first_available = old;
    for filter in [EventFilter::all(), EventFilter::category("nobody"), EventFilter::actor(&order)] {
        let options = SubscribeOptions::from(SubscribeFrom::After(old)).filter(filter);
        match store.try_subscribe(options).await {
            Err(ReadError::PositionExpired { position, first_available: first }) => {
                assert_eq!(position, old, "the error names another position");
                first_available = first;
            }
            Err(other) => panic!("the position was to be expired, not: {other}"),
            Ok(_) => panic!("subscribed after a position of which the next event has expired"),
        }
    }
    assert!(first_available > old, "what is left comes after what has expired");
    let mut start = store.subscribe(SubscribeFrom::Start).await;
    // More may expire between the answer and the next question, and while it is read.
    let (end, left) = loop {
        let end = mark(store).await;
        let read = async {
            let mut reader = store.try_subscribe(SubscribeFrom::After(first_available)).await?;
            reader.try_until(end.position).await
        };
        let error = match read.await {
            Ok(left) => break (end, left),
            Err(error) => error,
        };
        match error.downcast_ref::<ReadError>() {
            Some(ReadError::PositionExpired { first_available: first, .. }) => {
                assert!(
                    *first > first_available,
                    "what is left comes after {first_available}, said the error"
                );
                first_available = *first;
            }
            _ => panic!("following what comes after {first_available} was to work, not: {error}"),
        }
    };
    assert_eq!(left.last(), Some(&end), "what is left can be followed");
    let left = start.until(end.position).await;
    assert_eq!(left.last(), Some(&end), "so it can from the start");
    assert!(left[0].version().get() > 2, "expired events came back");
    until_expired(store).await;
    loop {
        let next = mark(store).await;
        match start.try_until(next.position).await {
            Ok(read) => {
                assert_same(&read, std::slice::from_ref(&next), "whoever keeps up misses nothing");
                return;
            }
            // Whoever does not is told so.
            Err(error) => match error.downcast_ref::<ReadError>() {
                Some(ReadError::PositionExpired { .. }) => {
                    start = store.subscribe(SubscribeFrom::Now).await;
                }
                _ => panic!("whoever keeps up misses nothing, but: {error}"),
            },
        }
    }
}

pub(crate) async fn end_a_reader_that_lags(fixture: &dyn Fixture) {
    const EVENTS: u64 = 48;
    let store = open(fixture).await;
    let order = actor("order-1");
    let mut reader = store.subscribe(SubscribeFrom::Now).await;
    reader.until_caught_up().await;
    // More than a subscription needs to hold, though it may.
    let large = format!("\"{}\"", "x".repeat(200 * 1024));
    for version in 1..=EVENTS {
        store.save_event(&payload_event(&order, version, json(large.clone()))).await;
    }
    until_expired(&store).await;
    store.save_event(&event(&order, EVENTS + 1)).await;
    let mut last = 0;
    while last <= EVENTS {
        match reader.try_next().await {
            Ok(Delivery::Event(event)) => {
                last += 1;
                assert_eq!(event.version().get(), last, "expired events were left out in silence");
            }
            Ok(_) => {}
            Err(error) => match error.downcast_ref::<ReadError>() {
                Some(ReadError::PositionExpired { .. }) => return,
                _ => Err(error).or_fail("reading on"),
            },
        }
    }
}
