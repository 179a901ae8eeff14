//! The bus within one process.

use std::sync::Arc;
use std::time::Duration;

use aether_bus::{
    Broadcaster, BusDelivery, BusOptions, BusSubscription, EventBus, Lag, MemoryEventBus, NamespacePattern,
    Published,
};
use aether_core::{ActorId, Event, EventFilter, EventStoreExt, Namespace, Version};
use aether_store_memory::MemoryEventStore;
use proptest::prelude::*;
use tokio::time::timeout;

fn ns(name: &str) -> Namespace {
    Namespace::new(name).unwrap()
}

fn event(version: u64) -> Event {
    Event::new(&ActorId::new("order-1").unwrap(), Version::new(version), "Placed", &version).unwrap()
}

async fn next(subscription: &mut BusSubscription) -> Option<BusDelivery> {
    timeout(Duration::from_secs(10), subscription.recv()).await.unwrap()
}

async fn version(subscription: &mut BusSubscription) -> u64 {
    next(subscription).await.unwrap().into_event().unwrap().version().get()
}

#[tokio::test]
async fn events_reach_only_whom_they_match() {
    let bus = MemoryEventBus::new();
    let all = BusOptions::new();
    let mut one = bus.subscribe(&ns("a.b").into(), all.clone()).unwrap();
    let mut odd = bus.subscribe(&ns("a.*").into(), all.clone()).unwrap();
    let mut wild = bus.subscribe(&"a.*".parse().unwrap(), all).unwrap();
    let mut invoices = bus.subscribe(&ns("a.b").into(), EventFilter::category("invoice").into()).unwrap();
    for (version, name) in [(1, "a.b"), (2, "a b"), (3, "a_b"), (4, "a.*"), (5, "a.b.c"), (6, "a.b")] {
        bus.publish(&ns(name), &event(version)).await.unwrap();
    }
    drop(bus);
    for (subscription, expected) in
        [(&mut one, vec![1, 6]), (&mut odd, vec![4]), (&mut wild, vec![1, 4, 6]), (&mut invoices, vec![])]
    {
        for version_expected in expected {
            assert_eq!(version(subscription).await, version_expected);
        }
        assert!(next(subscription).await.is_none());
    }
}

#[tokio::test]
async fn who_is_too_slow_is_told_how_many_it_missed() {
    let bus = MemoryEventBus::new();
    let mut slow = bus.subscribe(&ns("a").into(), Lag::DropOldest { capacity: 4 }.into()).unwrap();
    for version in 1..=100 {
        bus.publish(&ns("a"), &event(version)).await.unwrap();
    }
    let mut expected = 1;
    while expected <= 100 {
        match next(&mut slow).await.unwrap() {
            BusDelivery::Missed(events) => expected += events,
            delivery => {
                assert_eq!(delivery.into_event().unwrap().version().get(), expected);
                expected += 1;
            }
        }
    }
}

#[tokio::test]
async fn who_blocks_slows_the_publisher_and_misses_nothing() {
    let bus = MemoryEventBus::new();
    let mut slow = bus.subscribe(&ns("a").into(), Lag::Block { capacity: 2 }.into()).unwrap();
    let mut quick = bus.subscribe(&ns("a").into(), BusOptions::new()).unwrap();
    bus.publish(&ns("a"), &event(1)).await.unwrap();
    bus.publish(&ns("a"), &event(2)).await.unwrap();
    let third = event(3);
    let tenant = ns("a");
    let mut publishing = Box::pin(bus.publish(&tenant, &third));
    assert!(timeout(Duration::from_millis(50), &mut publishing).await.is_err());
    // Given up: nobody has got it.
    drop(publishing);
    let publisher = tokio::spawn({
        let bus = bus.clone();
        async move { bus.publish(&ns("a"), &event(4)).await }
    });
    assert_eq!(version(&mut slow).await, 1);
    publisher.await.unwrap().unwrap();
    assert_eq!((version(&mut slow).await, version(&mut slow).await), (2, 4));
    for expected in [1, 2, 4] {
        assert_eq!(version(&mut quick).await, expected);
    }
}

#[tokio::test]
async fn a_subscriber_that_leaves_frees_the_publisher() {
    let bus = MemoryEventBus::new();
    let slow = bus.subscribe(&ns("a").into(), Lag::Block { capacity: 1 }.into()).unwrap();
    bus.publish(&ns("a"), &event(1)).await.unwrap();
    let publisher = tokio::spawn(async move { bus.publish(&ns("a"), &event(2)).await });
    tokio::task::yield_now().await;
    assert!(!publisher.is_finished());
    drop(slow);
    timeout(Duration::from_secs(10), publisher).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_broadcast_waits_for_nobody_and_tells_who_missed_it() {
    let bus = MemoryEventBus::new();
    let mut slow = bus.subscribe(&ns("a").into(), Lag::Block { capacity: 2 }.into()).unwrap();
    for version in 1..=5 {
        bus.broadcast(&ns("a"), &event(version)).unwrap();
    }
    assert_eq!((version(&mut slow).await, version(&mut slow).await), (1, 2));
    assert!(matches!(next(&mut slow).await, Some(BusDelivery::Missed(3))));
    bus.broadcast(&ns("a"), &event(6)).unwrap();
    assert_eq!(version(&mut slow).await, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_publishers_and_subscribers_lose_nothing() {
    const EACH: u64 = 2000;
    let bus = MemoryEventBus::new();
    let mut readers = Vec::new();
    for index in 0..12 {
        let lag =
            if index % 3 == 0 { Lag::Block { capacity: 8 } } else { Lag::DropOldest { capacity: 8192 } };
        let pattern: NamespacePattern =
            if index % 2 == 0 { "t.*".parse().unwrap() } else { ns("t.1").into() };
        let mut subscription = bus.subscribe(&pattern, lag.into()).unwrap();
        readers.push(tokio::spawn(async move {
            let mut last = std::collections::HashMap::new();
            let mut count = 0;
            while let Some(delivery) = subscription.recv().await {
                let event = delivery.into_event().unwrap();
                let before = last.insert(event.namespace().clone(), event.version());
                assert_eq!(event.version().get(), before.map_or(1, |before| before.get() + 1));
                count += 1;
            }
            (index, count)
        }));
    }
    let publishers: Vec<_> = (0..3)
        .map(|tenant| {
            let bus = bus.clone();
            tokio::spawn(async move {
                for version in 1..=EACH {
                    bus.publish(&ns(&format!("t.{tenant}")), &event(version)).await.unwrap();
                }
            })
        })
        .collect();
    drop(bus);
    for publisher in publishers {
        publisher.await.unwrap();
    }
    for reader in readers {
        let (index, count) = timeout(Duration::from_secs(30), reader).await.unwrap().unwrap();
        assert_eq!(count, if index % 2 == 0 { 3 * EACH } else { EACH });
    }
}

#[tokio::test]
async fn saved_events_are_published_and_a_refused_one_is_not() {
    let bus = MemoryEventBus::new();
    let store = Published::new(Arc::new(MemoryEventStore::new()), Arc::new(bus.clone()), ns("a"));
    let mut events = bus.subscribe(&ns("a").into(), BusOptions::new()).unwrap();
    store.save_events(&[event(1), event(2)]).await.unwrap();
    store.save_event(&event(2)).await.unwrap_err();
    store.save_event(&event(3)).await.unwrap();
    for expected in 1..=3 {
        assert_eq!(version(&mut events).await, expected);
    }
    assert_eq!(store.unpublished(), 0);
}

#[tokio::test]
async fn a_bus_is_used_without_knowing_which() {
    let bus: Arc<dyn EventBus> = Arc::new(MemoryEventBus::new());
    let mut events = bus.subscribe(&NamespacePattern::all(), BusOptions::new()).await.unwrap();
    bus.publish(&ns("a"), &event(1)).await.unwrap();
    assert_eq!(version(&mut events).await, 1);
}

proptest! {
    #[test]
    fn no_event_reaches_another_namespace(names in proptest::collection::vec("[ab.*> _]{1,4}", 2..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let bus = MemoryEventBus::new();
            let mut subscriptions: Vec<_> = names
                .iter()
                .map(|name| (name, bus.subscribe(&ns(name).into(), BusOptions::new()).unwrap()))
                .collect();
            for name in &names {
                bus.publish(&ns(name), &event(1)).await.unwrap();
            }
            drop(bus);
            for (name, subscription) in &mut subscriptions {
                let mut count = 0;
                while let Some(delivery) = next(subscription).await {
                    assert_eq!(delivery.into_event().unwrap().namespace().as_str(), name.as_str());
                    count += 1;
                }
                assert_eq!(count, names.iter().filter(|other| other == name).count());
            }
        });
    }
}
