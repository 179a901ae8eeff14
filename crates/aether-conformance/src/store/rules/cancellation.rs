//! Saves that are dropped half way: the whole commit or nothing of it, and a store that is of use after it.

use std::time::Duration;

use aether_core::{ActorId, Commit, Event};

use crate::store::Fixture;
use crate::store::support::{Fresh, Store, actor, drop_after, event, series};

/// How far the saves get before they are dropped.
fn cuts() -> impl Iterator<Item = (usize, Duration)> {
    let polls = (1..=12).map(|polls| (polls, Duration::from_secs(5)));
    let times =
        [0, 50, 100, 200, 400, 800, 1_500, 3_000].map(|micros| (usize::MAX, Duration::from_micros(micros)));
    polls.chain(times)
}

/// Saves the commit and drops it after a while, saves it again, and asserts that it is there, whole and once.
async fn drop_and_save_again(store: &Store, commit: &Commit<'_>, events: &[Event], cut: (usize, Duration)) {
    drop_after(store.try_save(commit), cut.0, cut.1).await;
    let all = store.all().await;
    let there = all.iter().filter(|stored| events.iter().any(|event| event.id() == stored.id())).count();
    assert!(
        there == 0 || there == events.len(),
        "a save dropped after {cut:?} left {there} of {} events",
        events.len()
    );
    store.save(commit).await;
    let all = store.all().await;
    for event in events {
        let copies: Vec<_> = all.iter().filter(|stored| stored.id() == event.id()).collect();
        assert_eq!(
            copies.len(),
            1,
            "dropped after {cut:?} and saved again, an event is there {} times",
            copies.len()
        );
        assert_eq!(&copies[0].event, event);
    }
}

pub(crate) async fn leaves_the_whole_or_nothing(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    let mut next = 1;
    for cut in cuts() {
        let events = series(&order, next..next + 3);
        next += 3;
        drop_and_save_again(&store, &Commit::events(&events), &events, cut).await;
    }
    assert_eq!(store.versions(&order).await, (1..next).collect::<Vec<_>>());
}

pub(crate) async fn leaves_all_actors_or_none(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let actors: Vec<ActorId> = (0..3).map(|n| actor(format!("order-{n}"))).collect();
    for (version, cut) in (1..).zip(cuts()) {
        let events: Vec<Event> = actors.iter().map(|actor| event(actor, version)).collect();
        drop_and_save_again(&store, &Commit::events(&events), &events, cut).await;
    }
}

pub(crate) async fn leaves_the_store_usable(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    let mut version = 0;
    for cut in cuts() {
        // Many at once, so that some are dropped while they wait for others.
        let dropped = (1..=8).map(|n| event(&order, version + n)).collect::<Vec<_>>();
        let saves = dropped.iter().map(|event| {
            let store = &store;
            async move { drop_after(store.try_save(&Commit::event(event)), cut.0, cut.1).await }
        });
        futures_util::future::join_all(saves).await;
        version += 10;
        let alive = tokio::time::timeout(Duration::from_secs(30), async {
            store.save_event(&event(&order, version)).await;
            store.save_event(&event(&actor("order-2"), version)).await;
            let head = store.head(&order).await;
            store.confirm(&order, head).await
        });
        assert_eq!(alive.await, Ok(true), "after saves dropped after {cut:?} the store does not answer");
    }
    let versions = store.versions(&order).await;
    assert!(versions.windows(2).all(|pair| pair[0] < pair[1]), "versions ascend: {versions:?}");
}
