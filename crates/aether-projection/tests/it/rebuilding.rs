//! A new version is built while the old one is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aether_coordination::{Coordination, KeyValue, MemoryCoordination};
use aether_projection::KvModel;
use aether_projection::versions::{KvVersions, KvViews, MemoryVersions};
use aether_store_memory::MemoryEventStore;
use tokio::task::JoinHandle;

use crate::common::{PATIENCE, Total, Totals, customer, save_orders, store, totals};

/// Looks again and again until told to stop, and gives how often; a look must never see less than the one before.
fn look<F>(stop: &Arc<AtomicBool>, look: impl Fn() -> F + Send + Sync + 'static) -> JoinHandle<u64>
where
    F: Future<Output = Total> + Send,
{
    let stop = Arc::clone(stop);
    tokio::spawn(async move {
        let (mut looks, mut before) = (0, Total::default());
        while !stop.load(Ordering::Relaxed) {
            let total = look().await;
            assert!(
                total.orders >= before.orders && total.version >= before.version,
                "{total:?} after {before:?}"
            );
            before = total;
            looks += 1;
            tokio::task::yield_now().await;
        }
        looks
    })
}

/// Saves orders until told to stop, beginning with this number; the first number that it has not saved.
fn save_on(
    store: Arc<MemoryEventStore>,
    stop: &Arc<AtomicBool>,
    first: u64,
    next: Arc<AtomicU64>,
) -> JoinHandle<()> {
    let stop = Arc::clone(stop);
    next.store(first, Ordering::Relaxed);
    tokio::spawn(async move {
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            save_orders(&*store, number..number + 1).await;
            tokio::task::yield_now().await;
        }
    })
}

/// A rebuild in memory over so many events, under reads and saves: how often was looked meanwhile.
async fn rebuild_in_memory(events: u64) -> u64 {
    let store = store();
    let last = save_orders(&*store, 0..events).await;
    let versions = Arc::new(MemoryVersions::start(Totals::new(1), store.clone()).await.unwrap());
    versions.wait_for(last, PATIENCE).await.unwrap();
    let (stop, next) = (Arc::new(AtomicBool::new(false)), Arc::default());
    let reader = {
        let versions = Arc::clone(&versions);
        look(&stop, move || {
            let total = Total::clone(&versions.model().view(&customer(1)));
            std::future::ready(total)
        })
    };
    let writer = save_on(store.clone(), &stop, events, Arc::clone(&next));
    versions.rebuild(Totals::new(2)).await.unwrap();
    assert_eq!(versions.model().view(&customer(1)).version, 2);
    stop.store(true, Ordering::Relaxed);
    writer.await.unwrap();
    let looks = reader.await.unwrap();
    let end = next.load(Ordering::Relaxed);
    let last = save_orders(&*store, end..end + 1).await;
    versions.wait_for(last, PATIENCE).await.unwrap();
    let views = versions.model().views();
    for (key, total) in totals(0..=end, 2) {
        assert_eq!(*views[&key], total);
    }
    looks
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory_readers_go_over_at_once() {
    assert!(rebuild_in_memory(5_000).await > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory_readers_go_over_at_once_with_many_events() {
    assert!(rebuild_in_memory(262_144).await > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory_only_another_version_is_a_rebuild_and_only_one_at_a_time() {
    let store = store();
    let last = save_orders(&*store, 0..5_000).await;
    let versions = MemoryVersions::start(Totals::new(1), store.clone()).await.unwrap();
    versions.wait_for(last, PATIENCE).await.unwrap();
    let error = versions.rebuild(Totals::new(1)).await.unwrap_err();
    assert!(!error.is_already_rebuilding() && !error.is_retryable(), "{error}");
    let (first, second) = tokio::join!(versions.rebuild(Totals::new(2)), versions.rebuild(Totals::new(3)));
    first.unwrap();
    assert!(second.unwrap_err().is_already_rebuilding());
    versions.rebuild(Totals::new(3)).await.unwrap();
    versions.stop().await.unwrap();
}

fn kv(version: u32, coordination: &Arc<MemoryCoordination>) -> KvVersions<Totals> {
    let coordination: Arc<dyn Coordination> = coordination.clone();
    KvVersions::new(KvModel::new(Totals::new(version), coordination))
        .retire_after(Duration::from_millis(1_500))
}

fn reader(coordination: &Arc<MemoryCoordination>) -> KvViews<Total> {
    KvViews::new("totals", coordination.clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_keys_readers_go_over_at_once_and_the_old_views_go() {
    let (store, coordination) = (store(), Arc::new(MemoryCoordination::new()));
    let last = save_orders(&*store, 0..3_000).await;
    let old = kv(1, &coordination).release(store.clone(), |builder| builder).await.unwrap();
    old.wait_for(last, PATIENCE).await.unwrap();
    let views = reader(&coordination);
    assert_eq!(views.version().await.unwrap(), Some(1));
    let stop = Arc::new(AtomicBool::new(false));
    // One who remembers which version is current, and one who asks each time.
    let (remembering, asking) = (views.clone(), coordination.clone());
    let looking = [
        look(&stop, move || {
            let views = remembering.clone();
            async move { views.get(&customer(1)).await.unwrap().unwrap() }
        }),
        look(&stop, move || {
            let views = reader(&asking);
            async move { views.get(&customer(1)).await.unwrap().unwrap() }
        }),
    ];
    let new = kv(2, &coordination).release(store.clone(), |builder| builder.partitions(4)).await.unwrap();
    assert_eq!(views.version().await.unwrap(), Some(2));
    let last = save_orders(&*store, 3_000..3_100).await;
    new.wait_for(last, PATIENCE).await.unwrap();
    stop.store(true, Ordering::Relaxed);
    for looking in looking {
        assert!(looking.await.unwrap() > 0);
    }
    assert_eq!(views.views().await.unwrap(), totals(0..3_100, 2));
    // The old projector still runs, and has written nothing since.
    let below = aether_coordination::Key::root("projections").child("totals").child("view");
    assert!(coordination.entries(&below.child("1")).await.unwrap().is_empty());
    assert_eq!(coordination.entries(&below.child("2")).await.unwrap().len(), 10);
    let error = kv(1, &coordination).release(store, |builder| builder).await.unwrap_err();
    assert!(error.to_string().contains("version 2 is current"), "{error}");
    drop(old);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_keys_a_rebuild_that_was_killed_goes_on_and_another_one_is_refused() {
    let (store, coordination) = (store(), Arc::new(MemoryCoordination::new()));
    let last = save_orders(&*store, 0..3_000).await;
    let old = kv(1, &coordination).release(store.clone(), |builder| builder).await.unwrap();
    old.wait_for(last, PATIENCE).await.unwrap();
    let views = reader(&coordination);
    let quick = |builder: aether_projection::ProjectorBuilder| {
        builder.max_batch(50).group(|group| {
            group.suspect_after(Duration::from_secs(1)).pulse_every(Duration::from_millis(100))
        })
    };
    for _ in 0..3 {
        let half = kv(2, &coordination);
        let release = half.release(store.clone(), quick);
        let _ = tokio::time::timeout(Duration::from_millis(30), release).await;
        let current = views.get(&customer(1)).await.unwrap().unwrap();
        assert!(current.version == 2 || current.orders == 300, "{current:?}");
    }
    if views.version().await.unwrap() == Some(1) {
        let error = kv(3, &coordination).release(store.clone(), quick).await.unwrap_err();
        assert!(error.is_already_rebuilding(), "{error}");
    }
    let new = kv(2, &coordination).release(store.clone(), quick).await.unwrap();
    new.wait_for(last, PATIENCE).await.unwrap();
    assert_eq!(views.views().await.unwrap(), totals(0..3_000, 2));
    let newest = kv(3, &coordination).release(store.clone(), quick).await.unwrap();
    newest.wait_for(last, PATIENCE).await.unwrap();
    assert_eq!(views.views().await.unwrap(), totals(0..3_000, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_keys_a_version_that_nobody_will_finish_is_abandoned() {
    let (store, coordination) = (store(), Arc::new(MemoryCoordination::new()));
    let last = save_orders(&*store, 0..100).await;
    let old = kv(1, &coordination).release(store.clone(), |builder| builder).await.unwrap();
    old.wait_for(last, PATIENCE).await.unwrap();
    let building = aether_coordination::Key::root("projections").child("totals").child("building");
    coordination.put(&building, "2".into(), aether_coordination::Condition::Absent).await.unwrap();
    let three = kv(3, &coordination);
    assert!(three.release(store.clone(), |builder| builder).await.unwrap_err().is_already_rebuilding());
    three.abandon().await.unwrap();
    let new = three.release(store.clone(), |builder| builder).await.unwrap();
    new.wait_for(last, PATIENCE).await.unwrap();
    assert_eq!(reader(&coordination).views().await.unwrap(), totals(0..100, 3));
}
