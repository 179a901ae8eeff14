//! A full store: refuses, drops nothing, and says so.

use aether_core::{ActorId, Commit, Event, Payload, SaveError};

use crate::store::support::{Fresh, actor, payload_event};
use crate::store::{Fixture, StorageOptions};

const MAX_BYTES: u64 = 256 * 1024;

async fn open(fixture: &dyn Fixture) -> Fresh {
    Fresh::open_with(fixture, StorageOptions { max_bytes: Some(MAX_BYTES), ..StorageOptions::default() })
        .await
}

/// An event that takes a thirtieth of the room.
fn large(actor: &ActorId, version: u64) -> Event {
    payload_event(actor, version, Payload::binary(vec![b'x'; 8 * 1024]))
}

/// Saves until the store is full; what it took, and what it refused.
async fn fill(store: &Fresh, order: &ActorId) -> (Vec<Event>, Event) {
    let mut taken = Vec::new();
    for version in 1.. {
        let next = large(order, version);
        let answer = store.try_save(&Commit::event(&next)).await;
        match answer {
            Ok(_) => taken.push(next),
            Err(SaveError::StoreFull { reason }) => {
                assert!(!reason.is_empty(), "which limit is reached?");
                return (taken, next);
            }
            Err(other) => panic!("the store was to be full, not: {other}"),
        }
        let held = taken.len() * 8 * 1024;
        assert!(held < 4 * 256 * 1024, "the store takes {MAX_BYTES} bytes and has taken {held}");
    }
    unreachable!("versions do not end")
}

pub(crate) async fn full_refuses_and_loses_nothing(fixture: &dyn Fixture) {
    let store = open(fixture).await;
    let order = actor("order-1");
    let (taken, _) = fill(&store, &order).await;
    assert!(taken.len() > 3, "the store was full after {} events of 8 KiB", taken.len());
    for _ in 0..3 {
        let next = large(&actor("order-2"), 1);
        let error = store.refused(&Commit::event(&next)).await;
        assert!(matches!(error, SaveError::StoreFull { .. }), "still full, but: {error}");
    }
    let read: Vec<Event> = store.events(&order).await.into_iter().map(|event| event.event).collect();
    assert!(read == taken, "{} events were taken, {} are there", taken.len(), read.len());
    assert_eq!(store.all().await.len(), taken.len());
}

pub(crate) async fn full_keeps_nothing_of_the_refused(fixture: &dyn Fixture) {
    let store = open(fixture).await;
    let order = actor("order-1");
    let (taken, refused) = fill(&store, &order).await;
    let head = store.head(&order).await;
    assert_eq!(head.version().get(), taken.len() as u64, "a refused save moved the head");
    assert!(store.events_from(&order, refused.version()).await.is_empty(), "a refused event is there");
    assert_eq!(store.commits(&order).await.len(), taken.len());
    // What is stored already needs no room: saved again, it is the same success.
    store.save_event(&taken[taken.len() - 1]).await;
    assert_eq!(store.head(&order).await, head);
}
