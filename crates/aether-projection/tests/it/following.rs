//! Following a store: everything, once, and read your writes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aether_coordination::MemoryCoordination;
use aether_projection::{KvModel, MemoryModel};

use crate::common::{PATIENCE, Total, Totals, save, save_orders, save_together, store, totals};

fn views(model: &MemoryModel<Totals>) -> Vec<(String, Total)> {
    let views: BTreeMap<String, Total> =
        model.views().into_iter().map(|(key, view)| (key, Total::clone(&view))).collect();
    views.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_memory_model_equals_a_replay_and_shows_what_was_waited_for() {
    let store = store();
    save_orders(&*store, 0..3_000).await;
    let model = MemoryModel::new(Totals::new(1));
    let projector = model.projector(store.clone()).max_batch(100).run().await.unwrap();
    let last = save_orders(&*store, 3_000..3_500).await;
    projector.wait_for(last, PATIENCE).await.unwrap();
    assert_eq!(views(&model), totals(0..3_500, 1));
    for number in 3_500..3_600 {
        let position = save(&*store, &format!("order-{number}"), 1, "Placed", number).await;
        projector.wait_for(position, PATIENCE).await.unwrap();
        assert_eq!(views(&model), totals(0..=number, 1));
    }
    // What the projection does not look at goes by as well.
    let other = save(&*store, "invoice-1", 1, "Sent", 1).await;
    projector.wait_for(other, PATIENCE).await.unwrap();
    assert_eq!(views(&model), totals(0..3_600, 1));
    let mut progress = projector.watch();
    let handled = progress.wait_for(|progress| progress.handled == 3_600 && progress.read == Some(other));
    let progress = tokio::time::timeout(PATIENCE, handled).await.unwrap().unwrap().clone();
    assert_eq!((progress.parked, progress.unfinished, progress.caught_up), (0, 0, true), "{progress:?}");
    assert!(progress.handled_through >= Some(other), "{progress:?}");
    projector.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_what_does_not_come_ends() {
    let store = store();
    let model = MemoryModel::new(Totals::new(1));
    let projector = model.projector(store.clone()).run().await.unwrap();
    let far = aether_core::Position::new(1_000_000, 0);
    let error = projector.wait_for(far, Duration::from_millis(100)).await.unwrap_err();
    assert!(error.is_timed_out(), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projector_that_is_dropped_and_run_again_goes_on() {
    let store = store();
    let (memory, coordination) = (MemoryModel::new(Totals::new(1)), Arc::new(MemoryCoordination::new()));
    let keys = KvModel::new(Totals::new(1), coordination);
    for round in 0..4 {
        let numbers = round * 500..(round + 1) * 500;
        let last = save_orders(&*store, numbers.clone()).await;
        let projectors = [memory.projector(store.clone()), keys.projector(store.clone())].map(|builder| {
            builder.max_batch(7).group(|group| {
                group.suspect_after(Duration::from_secs(1)).pulse_every(Duration::from_millis(100))
            })
        });
        for builder in projectors {
            let projector = builder.run().await.unwrap();
            projector.wait_for(last, PATIENCE).await.unwrap();
            // As if the process had died.
            drop(projector);
        }
        assert_eq!(views(&memory), totals(0..numbers.end, 1));
        assert_eq!(keys.views().await.unwrap(), totals(0..numbers.end, 1));
    }
}

/// Commits over several actors, each of which changes two customers by the same amount: no reader sees one without the
/// other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_sees_commits_whole() {
    let store = store();
    let model = MemoryModel::new(Totals::new(1));
    let projector = model.projector(store.clone()).run().await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (model, done) = (model.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            let mut looks = 0_u64;
            while !done.load(Ordering::Relaxed) {
                let orders: u64 = model.views().values().map(|total| total.orders).sum();
                assert_eq!(orders % 3, 0, "a part of a commit");
                looks += 1;
                tokio::task::yield_now().await;
            }
            looks
        })
    };
    let mut last = None;
    for number in 0..500 {
        let actors = [format!("order-a{number}"), format!("order-b{number}"), format!("order-c{number}")];
        let actors = actors.each_ref().map(String::as_str);
        last = Some(save_together(&*store, &actors, 1, number).await);
        if number % 50 == 0 {
            projector.wait_for(last.unwrap(), PATIENCE).await.unwrap();
        }
    }
    projector.wait_for(last.unwrap(), PATIENCE).await.unwrap();
    done.store(true, Ordering::Relaxed);
    assert!(reader.await.unwrap() > 0);
    assert_eq!(model.views().values().map(|total| total.orders).sum::<u64>(), 1_500);
}
