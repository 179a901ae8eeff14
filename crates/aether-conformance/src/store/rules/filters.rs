//! Which events a subscription delivers.

use aether_core::{ActorPattern, EventFilter, SubscribeFrom, SubscribeOptions};

use crate::store::Fixture;
use crate::store::support::{
    Fresh, a_log, actor, after, all_until, assert_same, event, mark, matching, save_next,
};

/// Asserts that a subscription delivers what the filter lets through, of what is there and of what is saved then; how
/// many events there were.
async fn holds(fixture: &dyn Fixture, store: &Fresh, filter: EventFilter) -> usize {
    let log = a_log(fixture, store).await;
    let mut replay = store.subscribe(SubscribeOptions::default().filter(filter.clone())).await;
    let mut live = store.subscribe(SubscribeOptions::from(SubscribeFrom::Now).filter(filter.clone())).await;
    let expected = log.matching(&filter);
    assert_same(&replay.until(log.last).await, &expected, format_args!("{filter:?}, of what was there"));
    a_log(fixture, store).await;
    let end = mark(store).await.position;
    let next = matching(&after(store, log.last).await, &filter);
    for read in all_until([&mut live, &mut replay], end).await {
        assert_same(&read, &next, format_args!("{filter:?}, as it was saved"));
    }
    expected.len()
}

pub(crate) async fn take_a_category(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    for id in ["orders-1", "order", "order-", "order-x-y", "Order-1", "invoice"] {
        store.save_event(&event(&actor(id), 1)).await;
    }
    for category in ["order", "invoice", "orders"] {
        let found = holds(fixture, &store, EventFilter::category(category)).await;
        assert!(found > 0, "there is something of {category}");
    }
    assert_eq!(holds(fixture, &store, EventFilter::category("nobody")).await, 0);
}

pub(crate) async fn take_one_actor(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    for id in ["order-a", "order-b", "invoice-a"] {
        assert!(holds(fixture, &store, EventFilter::actor(&actor(id))).await > 0);
    }
    assert_eq!(holds(fixture, &store, EventFilter::actor(&actor("order-c"))).await, 0);
}

pub(crate) async fn take_ids_literally(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let odd = ["order-*", "*", ">", "order-a.b", "order-a b", "order-", "order", "order-%2A", "order-ä/ö"];
    for id in odd {
        store.save_event(&event(&actor(id), 1)).await;
    }
    let filters = odd.map(|id| EventFilter::actors(ActorPattern::Actor(actor(id))));
    let mut readers = Vec::new();
    for filter in &filters {
        readers.push(store.subscribe(SubscribeOptions::default().filter(filter.clone())).await);
    }
    let end = mark(&store).await.position;
    let all = store.all().await;
    for (filter, read) in filters.iter().zip(all_until(&mut readers, end).await) {
        assert_same(&read, &matching(&all, filter), format_args!("{:?}", filter.pattern()));
    }
}

pub(crate) async fn take_types(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    for types in [&["Paid"][..], &["Placed"], &["Placed", "Paid", "Shipped"]] {
        let found = holds(fixture, &store, EventFilter::all().types(types.iter().copied())).await;
        assert!(found > 0, "there is something of {types:?}");
    }
    // Types are compared as they are.
    assert_eq!(holds(fixture, &store, EventFilter::all().types(["paid", "Pai", "Paid "])).await, 0);
}

pub(crate) async fn take_actors_and_types(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    for filter in [
        EventFilter::category("order").types(["Placed"]),
        EventFilter::category("invoice").types(["Placed", "Paid"]),
        EventFilter::actor(&actor("order-b")).types(["Paid"]),
    ] {
        assert!(holds(fixture, &store, filter.clone()).await > 0, "there is something of {filter:?}");
    }
}

pub(crate) async fn take_types_that_nobody_has(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    for filter in [EventFilter::all(), EventFilter::category("order"), EventFilter::actor(&actor("order-a"))]
    {
        assert_eq!(holds(fixture, &store, filter.clone().types(["Shipped"])).await, 0);
    }
    // Until somebody has them.
    let filter = EventFilter::category("order").types(["Shipped"]);
    let mut reader = store.subscribe(SubscribeOptions::default().filter(filter)).await;
    reader.until_caught_up().await;
    let saved = save_next(&store, &[("order-a", "Paid"), ("order-a", "Shipped"), ("order-a", "Paid")]).await;
    let read = reader.until(saved.position).await;
    assert_eq!(read.len(), 1, "one event of the commit matches");
    assert_eq!(read[0].event_type(), "Shipped");
}

pub(crate) async fn take_nothing_of_no_types(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    assert_eq!(holds(fixture, &store, EventFilter::all().types(<[&str; 0]>::default())).await, 0);
}
