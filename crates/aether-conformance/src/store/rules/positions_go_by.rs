//! Every position goes by, whatever stands there.

use aether_core::{Delivery, EventFilter, Position, SubscribeFrom, SubscribeOptions};

use crate::store::Fixture;
use crate::store::support::{
    Fresh, Known, Reader, Store, a_log, actor, all_until, assert_same, mark, matching, note, save_next,
};

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
            assert_eq!(delivered, due, "{position} went by, and so many events up to it came ({filter:?})");
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
                let options = SubscribeOptions::from(SubscribeFrom::After(position)).filter(filter.clone());
                let read = store.subscribe(options).await.until(end).await;
                let mut expected = matching(&all, &filter);
                expected.retain(|event| event.position > position);
                assert_same(&read, &expected, format_args!("{filter:?} after {position}, which had gone by"));
            }
        }
    }
}
