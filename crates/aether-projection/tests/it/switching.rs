//! The last moment of a rebuild: nobody sees a later view before the switch than after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aether_core::{
    Delivery, EventStore, Position, ReadError, Subscribe, SubscribeOptions, Subscription, delegate_store,
};
use aether_projection::versions::MemoryVersions;
use aether_store_memory::MemoryEventStore;
use async_trait::async_trait;
use futures_util::StreamExt;
use tokio::sync::watch;

use crate::common::{PATIENCE, Totals, customer, save_orders, store, totals};

/// A store that can hold back whoever subscribes from now on.
#[derive(Debug)]
struct Holding {
    store: Arc<MemoryEventStore>,
    holds: AtomicBool,
    /// Up to where those may read who are held back.
    gate: watch::Sender<Position>,
}

#[async_trait]
impl Subscribe for Holding {
    async fn subscribe(&self, options: &SubscribeOptions) -> Result<Subscription, ReadError> {
        let deliveries = self.store.subscribe(options).await?;
        if !self.holds.load(Ordering::Relaxed) {
            return Ok(deliveries);
        }
        let gate = self.gate.subscribe();
        let held = deliveries.then(move |delivery| {
            let mut gate = gate.clone();
            async move {
                if let Some(position) = delivery.as_ref().ok().and_then(Delivery::position) {
                    gate.wait_for(|open| position <= *open).await.unwrap();
                }
                delivery
            }
        });
        Ok(held.boxed())
    }
}

impl EventStore for Holding {
    delegate_store!(self => self.store; save, confirm, get_head, get_events, get_events_backward, get_commits,
        get_all, get_actors);
}

#[tokio::test]
async fn what_the_old_version_saw_while_the_new_one_was_made_the_new_one_has_too() {
    let gate = watch::Sender::new(Position::new(0, 0));
    let holding = Arc::new(Holding { store: store(), holds: AtomicBool::new(false), gate });
    let first = save_orders(&*holding, 0..100).await;
    let versions = Arc::new(MemoryVersions::start(Totals::new(1), holding.clone()).await.unwrap());
    versions.wait_for(first, PATIENCE).await.unwrap();
    // The new version comes to where the old one is now, and no further, while the old one goes on.
    holding.holds.store(true, Ordering::Relaxed);
    let rebuild = {
        let versions = Arc::clone(&versions);
        tokio::spawn(async move { versions.rebuild(Totals::new(2)).await })
    };
    tokio::time::timeout(PATIENCE, async {
        while holding.gate.receiver_count() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    let second = save_orders(&*holding, 100..200).await;
    versions.wait_for(second, PATIENCE).await.unwrap();
    holding.gate.send_replace(first);
    // Once the old one stands still, what is saved does not come into it.
    let mut saved = 200;
    tokio::time::timeout(PATIENCE, async {
        while versions.progress().retried == 0 && !rebuild.is_finished() {
            save_orders(&*holding, saved..saved + 1).await;
            saved += 1;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    assert!(!rebuild.is_finished(), "the new version took over before it was as far as the old one");
    let before = versions.model().view(&customer(1));
    assert!(before.version == 1 && before.orders >= 20, "{before:?}");
    holding.gate.send_replace(Position::new(u64::MAX, 0));
    rebuild.await.unwrap().unwrap();
    let after = versions.model().view(&customer(1));
    assert!(after.version == 2 && after.orders >= before.orders, "{after:?} after {before:?}");
    let last = save_orders(&*holding, saved..saved + 1).await;
    versions.wait_for(last, PATIENCE).await.unwrap();
    for (key, total) in totals(0..=saved, 2) {
        assert_eq!(*versions.model().view(&key), total);
    }
}
