//! `confirm`: the proof that a head is still the last.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aether_core::{Commit, Expected, Head};
use futures_util::future::join_all;

use crate::store::Fixture;
use crate::store::support::{Fresh, OrFail, WRITERS, actor, event, v};

pub(crate) async fn is_true_while_the_head_is_last(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let (order, other) = (actor("order-1"), actor("order-2"));
    for version in [1, 2] {
        let head = store.save_event(&event(&order, version)).await.head;
        store.save_event(&event(&other, version)).await;
        for _ in 0..3 {
            assert!(
                store.confirm(&order, head).await,
                "the head of version {version} is last, and was denied"
            );
        }
    }
    let head = store.head(&order).await;
    let noted = store.save(&Commit::note_only(&order, head, b"note")).await.head;
    assert!(store.confirm(&order, noted).await, "a commit without events is the last, and was denied");
}

pub(crate) async fn is_false_after_an_event(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    let old = store.save_event(&event(&order, 1)).await.head;
    store.save_event(&event(&order, 2)).await;
    assert!(!store.confirm(&order, old).await, "a head with an event after it was confirmed");
}

pub(crate) async fn is_false_after_a_commit_without_events(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    let old = store.save_event(&event(&order, 1)).await.head;
    store.save(&Commit::note_only(&order, old, b"note")).await;
    assert!(!store.confirm(&order, old).await, "a head with a commit after it was confirmed");
}

pub(crate) async fn knows_an_actor_without_commits(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let (order, other) = (actor("order-1"), actor("order-2"));
    let foreign = store.save_event(&event(&other, 1)).await.head;
    assert!(store.confirm(&order, Head::NONE).await, "an actor without commits has no head");
    assert!(!store.confirm(&order, foreign).await, "another actor's head was confirmed");
    store.save_event(&event(&order, 1)).await;
    assert!(!store.confirm(&order, Head::NONE).await, "an actor with a commit has a head");
}

pub(crate) async fn leaves_no_trace(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let (order, nobody) = (actor("order-1"), actor("order-2"));
    let head = store.save_event(&event(&order, 1)).await.head;
    for _ in 0..3 {
        store.confirm(&order, head).await;
        store.confirm(&order, Head::NONE).await;
        store.confirm(&nobody, Head::NONE).await;
    }
    assert_eq!(store.head(&order).await, head, "confirming moved the head");
    assert_eq!(store.commits(&order).await.len(), 1, "confirming left a commit");
    assert_eq!(store.all().await.len(), 1, "confirming left an event");
    assert_eq!(store.head(&nobody).await, Head::NONE, "confirming made a head");
    assert_eq!(store.actors("order").await, std::slice::from_ref(&order), "confirming made an actor");
    let next = event(&order, 2);
    store.save(&Commit::event(&next).expecting(Expected::At(head))).await;
}

pub(crate) async fn sees_the_saves_of_other_handles(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let other = store.another().await;
    let order = actor("order-1");
    let head = store.save_event(&event(&order, 1)).await.head;
    assert!(other.confirm(&order, head).await);
    let newer = other.save_event(&event(&order, 2)).await.head;
    assert!(!store.confirm(&order, head).await, "another handle had saved");
    assert!(store.confirm(&order, newer).await);
}

/// In each round one writer saves and the others, who know the head before, must be denied; meanwhile all of
/// them confirm whatever they know, and no head may be confirmed after a later one was acknowledged.
pub(crate) async fn is_never_true_behind_racing_writers(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    let handles = store.handles(WRITERS).await;
    let mut head = store.save_event(&event(&order, 1)).await.head;
    for round in 0..10 {
        // The sequence of the latest acknowledged commit; heads of one actor are ordered by it.
        let acknowledged = Arc::new(AtomicU64::new(head.sequence()));
        let racers = handles.iter().cloned().enumerate().map(|(writer, handle)| {
            let (order, acknowledged) = (order.clone(), acknowledged.clone());
            tokio::spawn(async move {
                if writer == round % WRITERS {
                    let next = event(&order, head.version().get() + 1);
                    let commit = Commit::event(&next).expecting(Expected::At(head));
                    let saved = handle.save(&commit).await;
                    acknowledged.fetch_max(saved.head.sequence(), Ordering::SeqCst);
                }
                for _ in 0..5 {
                    let known = acknowledged.load(Ordering::SeqCst);
                    let confirmed = handle.confirm(&order, head).await;
                    assert!(
                        !confirmed || known == head.sequence(),
                        "round {round}: {head:?} was confirmed after a later commit had been acknowledged"
                    );
                }
            })
        });
        for racer in join_all(racers).await {
            racer.or_fail("a racing writer");
        }
        let old = std::mem::replace(&mut head, store.head(&order).await);
        assert_eq!(head.version(), v(old.version().get() + 1));
        for handle in &handles {
            assert!(
                !handle.confirm(&order, old).await,
                "round {round}: the head before the last was confirmed"
            );
        }
    }
}
