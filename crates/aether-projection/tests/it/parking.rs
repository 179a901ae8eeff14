//! An event that cannot be applied parks its actor, and nobody else.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use aether_coordination::MemoryCoordination;
use aether_core::ActorId;
use aether_projection::{KvModel, MemoryModel, Projector};
use aether_store_memory::MemoryEventStore;

use crate::common::{PATIENCE, Total, Totals, save, store};

/// One actor's second event is bad; others go on, and once the code is right the actor does so in order.
async fn poison(
    store: &MemoryEventStore,
    projection: &Totals,
    projector: &Projector,
    total: impl AsyncFn(u64) -> Total,
) {
    save(store, "order-bad", 1, "Placed", 1).await;
    save(store, "order-bad", 2, "Bad", 1).await;
    save(store, "order-bad", 3, "Placed", 1).await;
    save(store, "order-good", 1, "Placed", 1).await;
    let last = save(store, "order-good", 2, "Placed", 2).await;
    projector.wait_for(last, PATIENCE).await.unwrap();
    let bad = ActorId::new("order-bad").unwrap();
    let parked = projector.admin().parked().await.unwrap();
    assert_eq!(parked.iter().map(|parked| &parked.actor).collect::<Vec<_>>(), [&bad]);
    assert!(parked[0].parked.error.contains("a bad order"), "{parked:?}");
    let of = |orders, cents| Total { orders, cents, version: 1 };
    assert_eq!((total(1).await, total(2).await), (of(2, 2), of(1, 2)));

    let still_bad = projector.admin().resume(&bad).await.unwrap();
    assert!(!still_bad.is_done(), "{still_bad:?}");
    assert_eq!(total(1).await, of(2, 2));
    projection.is_broken.store(false, Ordering::Relaxed);
    assert!(projector.admin().resume(&bad).await.unwrap().is_done());
    assert_eq!(total(1).await, of(4, 4));
    let after = save(store, "order-bad", 4, "Placed", 1).await;
    projector.wait_for(after, PATIENCE).await.unwrap();
    assert_eq!(total(1).await, of(5, 5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory() {
    let (store, projection) = (store(), Totals::new(1));
    let model = MemoryModel::new(projection.clone());
    let projector = model.projector(store.clone()).run().await.unwrap();
    let total = async |number| Total::clone(&model.view(&crate::common::customer(number)));
    poison(&store, &projection, &projector, total).await;
    projector.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_keys() {
    let (store, projection) = (store(), Totals::new(1));
    let model = KvModel::new(projection.clone(), Arc::new(MemoryCoordination::new()));
    let projector = model.projector(store.clone()).partitions(4).run().await.unwrap();
    let total = async |number| model.get(&crate::common::customer(number)).await.unwrap().unwrap();
    poison(&store, &projection, &projector, total).await;
    projector.stop().await.unwrap();
}
