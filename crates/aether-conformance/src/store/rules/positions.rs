//! Rules of a subscription's positions: those that pass, and those that have expired.

pub(crate) mod positions_go_by {
    //! Every position goes by, whatever stands there.

    use crate::store::Fixture;
    use crate::store::support::{
        Fresh, Known, Reader, Store, a_log, actor, all_until, assert_same, mark, matching, note, save_next,
    };
    use aether_core::{Delivery, EventFilter, Position, SubscribeFrom, SubscribeOptions};

    /// Filters that let something through, and one that does not.
    fn filters() -> [EventFilter; 4] {
        [
            EventFilter::all(),
            EventFilter::category("order").types(["Paid"]),
            EventFilter::actor(&actor("invoice-a")),
            EventFilter::category("nobody"),
        ]
    }

    /// Readers with each of the filters, from the start and from now on.
    async fn readers(store: &Store) -> Vec<Reader> {
        let mut readers = Vec::new();
        for filter in filters() {
            for from in [SubscribeFrom::Start, SubscribeFrom::Now] {
                let options = SubscribeOptions::from(from).filter(filter.clone());
                readers.push(store.subscribe(options).await);
            }
        }
        readers
    }

    pub(crate) async fn whoever_they_are_of(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let mut readers = readers(&store).await;
        for what in [
            &[("order-a", "Placed")][..],
            &[("invoice-a", "Paid"), ("invoice-a", "Placed")],
            &[("order-b", "Paid"), ("order-b", "Placed")],
        ] {
            let position = save_next(&store, what).await.position;
            // Nothing else is saved meanwhile, so this one has to be said by itself.
            all_until(&mut readers, position).await;
        }
    }

    pub(crate) async fn of_commits_without_events(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let mut readers = readers(&store).await;
        for id in ["order-a", "order-a", "invoice-b"] {
            let position = note(&store, id).await.position;
            all_until(&mut readers, position).await;
        }
    }

    pub(crate) async fn of_several_actors(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let mut readers = readers(&store).await;
        for what in [
            &[("order-a", "Placed"), ("invoice-a", "Paid")][..],
            &[("invoice-a", "Paid"), ("order-a", "Paid"), ("parcel-a", "Sent")],
        ] {
            let position = save_next(&store, what).await.position;
            all_until(&mut readers, position).await;
        }
    }

    /// Everything that a subscription delivers of a log.
    async fn deliveries(store: &Store, filter: &EventFilter, log: &Known) -> Vec<Delivery> {
        let mut reader = store.subscribe(SubscribeOptions::default().filter(filter.clone())).await;
        let mut deliveries = Vec::new();
        while reader.position().is_none_or(|position| position < log.last) {
            deliveries.push(reader.next().await);
        }
        deliveries
    }

    pub(crate) async fn never_before_an_event(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let log = a_log(fixture, &store).await;
        for filter in filters() {
            let expected = matching(&log.all, &filter);
            let (mut delivered, mut last) = (0, None::<Position>);
            for delivery in deliveries(&store, &filter, &log).await {
                delivered += usize::from(matches!(delivery, Delivery::Event(_)));
                let Some(position) = delivery.position() else { continue };
                assert!(last.is_none_or(|last| last < position), "positions ascend strictly: {position}");
                last = Some(position);
                let due = expected.iter().filter(|event| event.position <= position).count();
                assert_eq!(
                    delivered, due,
                    "{position} went by, and so many events up to it came ({filter:?})"
                );
            }
        }
    }

    pub(crate) async fn and_resuming_there_skips_nothing(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let log = a_log(fixture, &store).await;
        let end = mark(&store).await.position;
        let all = store.all().await;
        for filter in filters() {
            let passed =
                deliveries(&store, &filter, &log).await.into_iter().filter_map(|delivery| match delivery {
                    Delivery::Passed(position) => Some(position),
                    _ => None,
                });
            let passed: Vec<Position> = passed.collect();
            for position in passed {
                for filter in [EventFilter::all(), filter.clone()] {
                    let options =
                        SubscribeOptions::from(SubscribeFrom::After(position)).filter(filter.clone());
                    let read = store.subscribe(options).await.until(end).await;
                    let mut expected = matching(&all, &filter);
                    expected.retain(|event| event.position > position);
                    assert_same(
                        &read,
                        &expected,
                        format_args!("{filter:?} after {position}, which had gone by"),
                    );
                }
            }
        }
    }
}

pub(crate) mod expired_positions {
    //! Positions after which events have expired: a subscription says so, and never goes on without them.

    use crate::store::Fixture;
    use crate::store::rules::retention::{open, until, until_expired};
    use crate::store::support::{Fresh, OrFail, actor, assert_same, event, json, mark, payload_event};
    use aether_core::{Delivery, EventFilter, ReadError, SubscribeFrom, SubscribeOptions};

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
}
