//! Several handles on one storage: what one saves all see, and no cache is ever trusted too far.

use aether_core::{Commit, Expected, Head, ReadFrom, Version};

use crate::store::Fixture;
use crate::store::support::{Fresh, actor, event, events_of, series, v};

pub(crate) async fn see_each_other(fixture: &dyn Fixture) {
    let a = Fresh::open(fixture).await;
    let b = a.another().await;
    let order = actor("order-1");
    // Both look first, so that both have something to remember.
    for handle in [&*a, &b] {
        assert_eq!(handle.head(&order).await, Head::NONE);
        assert!(handle.events(&order).await.is_empty());
    }
    for version in 1..=20 {
        let (writer, reader) = if version % 2 == 0 { (&*a, &b) } else { (&b, &*a) };
        let saved = writer.save_event(&event(&order, version)).await;
        assert_eq!(reader.head(&order).await, saved.head, "a read after the acknowledgement sees the save");
        assert_eq!(reader.events(&order).await.len() as u64, version);
        assert_eq!(reader.backward(&order, Version::MAX).await[0].position, saved.position);
        assert_eq!(reader.commits(&order).await.len() as u64, version);
        assert_eq!(reader.all_from(ReadFrom::Start, 99).await.len() as u64, version);
        assert_eq!(reader.actors("order").await, std::slice::from_ref(&order));
    }
}

pub(crate) async fn never_save_from_a_stale_cache(fixture: &dyn Fixture) {
    let a = Fresh::open(fixture).await;
    let b = a.another().await;
    let order = actor("order-1");
    let mut at = a.save_event(&event(&order, 1)).await.head;
    for round in 1..=10 {
        let (stale, fresh) = if round % 2 == 0 { (&*a, &b) } else { (&b, &*a) };
        let current = round * 3 - 2;
        // What `stale` knows ends here; `fresh` goes on.
        assert_eq!(stale.version(&order).await, current);
        let next = fresh.save_events(&series(&order, [current + 1, current + 3])).await.head;
        let exact = event(&order, current + 9);
        for (expected, why) in [
            (Expected::Exact(v(current)), "exactly where it was"),
            (Expected::At(at), "at the head that it had"),
            (Expected::NoEvents, "as if new"),
        ] {
            let conflict = stale.conflict(&Commit::event(&exact).expecting(expected)).await;
            assert_eq!(conflict.current, v(current + 3), "expected {why}: the conflict is not up to date");
        }
        let late = series(&order, [current + 2, current + 4]);
        stale.conflict(&Commit::events(&late)).await;
        at = next;
    }
    assert_eq!(a.versions(&order).await.len(), 21);
}

pub(crate) async fn save_over_each_other(fixture: &dyn Fixture) {
    let a = Fresh::open(fixture).await;
    let b = a.another().await;
    let order = actor("order-1");
    // By the plain rule a save over somebody's commit stands, so a stale cache must not refuse it either.
    for version in 1..=30 {
        let writer = if version % 3 == 0 { &*a } else { &b };
        writer.save_event(&event(&order, version)).await;
    }
    let noted = b.head(&order).await;
    b.save(&Commit::note_only(&order, noted, b"note")).await;
    a.save(&Commit::event(&event(&order, 31)).expecting(Expected::Exact(v(30)))).await;
    assert_eq!(b.versions(&order).await, (1..=31).collect::<Vec<_>>());
}

pub(crate) async fn opened_again_find_everything(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    store.save_each(&order, 1..=3).await;
    let (events, commits, head) =
        (store.events(&order).await, store.commits(&order).await, store.head(&order).await);
    // The storage stays open through a handle on nothing in particular, as a server would.
    let keeper = store.another().await;
    let storage = store.close();
    let reopened = events_of(storage.open().await, fixture.patience());
    assert_eq!(reopened.events(&order).await, events);
    assert_eq!(reopened.commits(&order).await, commits);
    assert_eq!(reopened.head(&order).await, head);
    assert!(reopened.confirm(&order, head).await);
    let next = event(&order, 4);
    reopened.save(&Commit::event(&next).expecting(Expected::At(head))).await;
    assert_eq!(keeper.version(&order).await, 4);
}
