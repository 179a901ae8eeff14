//! A commit of one actor: all its events or none.

use aether_core::{Commit, Event, Head, Rule};

use crate::store::Fixture;
use crate::store::support::{Fresh, OrFail, Store, actor, event, series, v};

/// Asserts that the store holds these versions of the actor and no other events.
async fn holds(store: &Store, order: &aether_core::ActorId, versions: &[u64]) {
    assert_eq!(store.versions(order).await, versions, "a part of a refused commit was saved");
    assert_eq!(store.all().await.len(), versions.len(), "a part of a refused commit was saved");
    assert_eq!(store.version(order).await, versions.last().copied().unwrap_or(0));
}

pub(crate) async fn several_events_are_one_commit(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    store.save_event(&event(&order, 1)).await;
    let events = series(&order, [2, 3, 7, 8]);
    let saved = store.save_events(&events).await;
    assert_eq!(saved.version, v(8), "the version after the commit");
    let commits = store.commits(&order).await;
    assert_eq!(commits.len(), 2, "four events saved in one go are one commit");
    let read: Vec<Event> = commits[1].events.iter().map(|event| event.event.clone()).collect();
    assert_eq!(read, events);
    assert_eq!(commits[1].head, saved.head);
    assert_eq!(store.versions(&order).await, [1, 2, 3, 7, 8]);
}

pub(crate) async fn follow_each_other(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let (a, b) = (actor("order-a"), actor("order-b"));
    store.save_events(&series(&a, 1..=3)).await;
    store.save_events(&series(&b, 1..=3)).await;
    store.save_events(&series(&a, 4..=6)).await;
    let read: Vec<_> = store.all().await.iter().map(|e| (e.actor().clone(), e.version().get())).collect();
    let of = |actor: &aether_core::ActorId, versions: std::ops::RangeInclusive<u64>| {
        versions.map(|version| (actor.clone(), version)).collect::<Vec<_>>()
    };
    assert_eq!(read, [of(&a, 1..=3), of(&b, 1..=3), of(&a, 4..=6)].concat());
}

pub(crate) async fn many_events_fit_in_one(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    store.save_events(&series(&order, 1..=500)).await;
    assert_eq!(store.commits(&order).await.len(), 1);
    assert_eq!(store.versions(&order).await, (1..=500).collect::<Vec<_>>());
}

pub(crate) async fn invalid_last_event_saves_nothing(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    for last in [3, 2, 1] {
        let commit = series(&order, [1, 2, 3, last]);
        let invalid = store.invalid(&Commit::events(&commit)).await;
        assert_eq!(invalid.rule(), &Rule::VersionsNotAscending);
        assert_eq!(invalid.field(), "version");
        assert_eq!(invalid.event_id(), Some(commit[3].id()), "the error names another event");
    }
    holds(&store, &order, &[]).await;
    assert_eq!(store.head(&order).await, Head::NONE);
}

pub(crate) async fn duplicate_ids_are_invalid(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    let first = event(&order, 1);
    let twin = Event::builder(&order, v(2), "Happened").id(first.id()).build().or_fail("making an event");
    let invalid = store.invalid(&Commit::events(&[first, twin])).await;
    assert_eq!((invalid.rule(), invalid.field()), (&Rule::DuplicateId, "id"));
    holds(&store, &order, &[]).await;
}

pub(crate) async fn nothing_is_no_commit(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let invalid = store.invalid(&Commit::events(&[])).await;
    assert_eq!(invalid.rule(), &Rule::EmptyCommit);
    assert!(store.all().await.is_empty());
}

pub(crate) async fn without_events_a_head_is_needed(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let (order, other) = (actor("order-1"), actor("order-2"));
    let first = event(&order, 1);
    let commit = Commit::event(&first).with_note_of(&other, b"without a head");
    let invalid = store.invalid(&commit).await;
    assert_eq!(invalid.rule(), &Rule::NoEventsWithoutHead);
    assert_eq!(invalid.actor(), Some(&other));
    holds(&store, &order, &[]).await;
}

pub(crate) async fn partly_late_events_save_nothing(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    store.save_each(&order, [1, 4]).await;
    store.conflict(&Commit::events(&series(&order, [4, 5, 6]))).await;
    store.conflict(&Commit::events(&series(&order, [2, 3, 9]))).await;
    holds(&store, &order, &[1, 4]).await;
}
