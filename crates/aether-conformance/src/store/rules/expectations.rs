//! What a save expects: `Ascending`, `Exact`, `NoEvents`, `At`.

use aether_core::{Commit, Event, Expected, Head};

use crate::store::Fixture;
use crate::store::support::{Fresh, actor, event, series, v};

fn expecting(event: &Event, expected: Expected) -> Commit<'_> {
    Commit::event(event).expecting(expected)
}

pub(crate) async fn ascending_saves_over_what_it_has_not_seen(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    store.save_each(&order, [5, 7]).await;
    store.save(&expecting(&event(&order, 10), Expected::Ascending)).await;
    assert_eq!(store.versions(&order).await, [5, 7, 10]);
}

pub(crate) async fn exact_saves_at_its_version(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    store.save(&expecting(&event(&order, 5), Expected::Exact(v(0)))).await;
    store.save(&expecting(&event(&order, 6), Expected::Exact(v(5)))).await;
    store.save(&expecting(&event(&order, 9), Expected::Exact(v(6)))).await;
    assert_eq!(store.versions(&order).await, [5, 6, 9]);
}

pub(crate) async fn exact_refuses_any_other_version(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    store.conflict(&expecting(&event(&order, 10), Expected::Exact(v(1)))).await;
    store.save_each(&order, [5, 7]).await;
    for other in [0, 5, 6, 8, 9] {
        store.conflict(&expecting(&event(&order, 10), Expected::Exact(v(other)))).await;
    }
    assert_eq!(store.versions(&order).await, [5, 7]);
}

pub(crate) async fn no_events_saves_the_first(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    store.save(&Commit::events(&series(&order, [1, 2])).expecting(Expected::NoEvents)).await;
    assert_eq!(store.versions(&order).await, [1, 2]);
}

pub(crate) async fn no_events_refuses_a_second(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    store.save_event(&event(&order, 1)).await;
    store.conflict(&expecting(&event(&order, 2), Expected::NoEvents)).await;
    assert_eq!(store.versions(&order).await, [1]);
}

pub(crate) async fn at_saves_on_its_head(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    let first = store.save(&expecting(&event(&order, 1), Expected::At(Head::NONE))).await;
    let second = store.save(&expecting(&event(&order, 2), Expected::At(first.head))).await;
    assert_eq!(store.head(&order).await, second.head, "the head of the save is not the one that is read");
    let read = store.head(&order).await;
    store.save(&expecting(&event(&order, 9), Expected::At(read))).await;
    let loaded = store.commits(&order).await.pop().map(|commit| commit.head).unwrap_or_default();
    store.save(&expecting(&event(&order, 10), Expected::At(loaded))).await;
    assert_eq!(store.versions(&order).await, [1, 2, 9, 10]);
}

pub(crate) async fn at_refuses_any_other_head(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let (order, other) = (actor("order-1"), actor("order-2"));
    let old = store.save_event(&event(&order, 1)).await.head;
    let foreign = store.save_event(&event(&other, 2)).await.head;
    store.save_event(&event(&order, 2)).await;
    for head in [Head::NONE, old, foreign] {
        store.conflict(&expecting(&event(&order, 3), Expected::At(head))).await;
    }
    assert_eq!(store.versions(&order).await, [1, 2]);
}

pub(crate) async fn at_sees_commits_without_events(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    let before = store.save_event(&event(&order, 1)).await.head;
    let noted = store.save(&Commit::note_only(&order, before, b"refused")).await.head;
    store.conflict(&expecting(&event(&order, 2), Expected::At(before))).await;
    store.conflict(&Commit::note_only(&order, before, b"late")).await;
    store.save(&expecting(&event(&order, 2), Expected::At(noted))).await;
}

pub(crate) async fn exact_saves_over_a_commit_without_events(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    let head = store.save_event(&event(&order, 4)).await.head;
    store.save(&Commit::note_only(&order, head, b"nothing to do")).await;
    store.conflict(&expecting(&event(&order, 5), Expected::Exact(v(3)))).await;
    store.save(&expecting(&event(&order, 5), Expected::Exact(v(4)))).await;
    assert_eq!(store.versions(&order).await, [4, 5]);
}

pub(crate) async fn no_events_saves_over_a_commit_without_events(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    store.save(&Commit::note_only(&order, Head::NONE, b"refused")).await;
    store.save(&expecting(&event(&order, 1), Expected::NoEvents)).await;
    assert_eq!(store.versions(&order).await, [1]);
    store.conflict(&expecting(&event(&order, 2), Expected::NoEvents)).await;
}

pub(crate) async fn the_plain_rule_always_holds(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    let head = store.save_event(&event(&order, 5)).await.head;
    for late in [3, 5] {
        store.conflict(&expecting(&event(&order, late), Expected::Exact(v(5)))).await;
        store.conflict(&expecting(&event(&order, late), Expected::At(head))).await;
    }
    assert_eq!(store.versions(&order).await, [5]);
}
