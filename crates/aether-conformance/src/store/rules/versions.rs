//! Versions: each actor has its own sequence, strictly ascending from above 0.

use aether_core::{Commit, Expected, Head, Version};

use crate::store::Fixture;
use crate::store::support::{Fresh, actor, event, numbers, series, v};

pub(crate) async fn first_is_above_zero(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    assert_eq!(store.head(&order).await, Head::NONE, "an actor without commits has a head");
    let saved = store.save_event(&event(&order, 1)).await;
    assert_eq!(saved.version, v(1), "the save reports another version than it was given");
    assert_eq!(store.version(&order).await, 1, "after a save of version 1");
    assert_eq!(store.versions(&order).await, [1]);
}

pub(crate) async fn equal_is_refused(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    store.save_each(&order, [1, 2]).await;
    store.conflict(&Commit::event(&event(&order, 2))).await;
}

pub(crate) async fn lower_is_refused(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    store.save_each(&order, [2, 5]).await;
    for lower in [1, 2, 3, 4] {
        store.conflict(&Commit::event(&event(&order, lower))).await;
    }
}

pub(crate) async fn gaps_are_allowed(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    store.save_each(&order, [5, 6, 100]).await;
    store.save_events(&series(&order, [102, 1_000])).await;
    assert_eq!(store.versions(&order).await, [5, 6, 100, 102, 1_000]);
}

pub(crate) async fn each_actor_has_its_own(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let (a, b) = (actor("order-a"), actor("order-b"));
    store.save_each(&a, [1, 2, 10]).await;
    store.save_each(&b, [1, 2]).await;
    assert_eq!((store.version(&a).await, store.version(&b).await), (10, 2));
    store.conflict(&Commit::event(&event(&b, 2))).await;
    store.save_event(&event(&b, 3)).await;
}

pub(crate) async fn go_up_to_the_highest(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    let versions = [1, 1 << 31, (1 << 53) + 1, u64::MAX - 1, u64::MAX];
    store.save_each(&order, versions).await;
    assert_eq!(store.versions(&order).await, versions);
    assert_eq!(numbers(&store.events_from(&order, v(u64::MAX)).await), [u64::MAX]);
    store.conflict(&Commit::event(&event(&order, u64::MAX))).await;
    assert_eq!(Version::MAX.next(), store.head(&order).await.version());
}

pub(crate) async fn conflicts_name_all_three(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    let head = store.save_events(&series(&order, [3, 7])).await.head;
    store.save_event(&event(&order, 9)).await;
    let late = series(&order, [5, 11]);
    let ahead = event(&order, 20);
    for (commit, attempted) in [
        (Commit::events(&late), 5),
        (Commit::event(&ahead).expecting(Expected::Exact(v(7))), 20),
        (Commit::event(&ahead).expecting(Expected::NoEvents), 20),
        (Commit::event(&ahead).expecting(Expected::At(head)), 20),
        (Commit::note_only(&order, head, b"late"), 7),
    ] {
        let conflict = store.conflict(&commit).await;
        assert_eq!(conflict.actor, order, "the conflict names another actor");
        assert_eq!(conflict.current, v(9), "the conflict does not say where the actor is");
        assert_eq!(conflict.attempted, v(attempted), "the conflict does not say what was attempted");
    }
}

pub(crate) async fn what_is_refused_leaves_nothing(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    store.save_each(&order, [1, 3]).await;
    let (head, all) = (store.head(&order).await, store.all().await);
    store.conflict(&Commit::event(&event(&order, 3))).await;
    store.conflict(&Commit::event(&event(&order, 2)).with_note(b"lost")).await;
    store.conflict(&Commit::event(&event(&order, 4)).expecting(Expected::Exact(v(2)))).await;
    store.conflict(&Commit::events(&series(&order, [5, 6])).expecting(Expected::NoEvents)).await;
    assert_eq!(store.head(&order).await, head, "a refused save moved the head");
    assert_eq!(store.all().await, all, "a refused save left events");
    assert_eq!(store.commits(&order).await.len(), 2, "a refused save left a commit");
    assert_eq!(store.versions(&order).await, [1, 3]);
    store.save_event(&event(&order, 4)).await;
}
