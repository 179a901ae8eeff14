//! Rules of storages: several handles, namespaces, and full ones.

pub(crate) mod handles {
    //! Several handles on one storage: what one saves all see, and no cache is ever trusted too far.

    use crate::store::Fixture;
    use crate::store::support::{Fresh, actor, event, events_of, series, v};
    use aether_core::{Commit, Expected, Head, ReadFrom, Version};

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
            assert_eq!(
                reader.head(&order).await,
                saved.head,
                "a read after the acknowledgement sees the save"
            );
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
                assert_eq!(
                    conflict.current,
                    v(current + 3),
                    "expected {why}: the conflict is not up to date"
                );
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
}

pub(crate) mod namespaces {
    //! Namespaces: each a storage of its own, whatever their names have in common.

    use crate::store::Fixture;
    use crate::store::support::{Fresh, Store, actor, event, series};
    use aether_core::{Head, Namespace, sanitise};

    /// Asserts that two stores hold the events of the same actor apart.
    async fn assert_apart(a: &Store, b: &Store, names: &str) {
        let order = actor("order-1");
        a.save_each(&order, [1, 2, 3]).await;
        assert_eq!(b.head(&order).await, Head::NONE, "{names}: a save in one moved the head in the other");
        assert!(b.events(&order).await.is_empty(), "{names}: events of one are read in the other");
        assert!(b.all().await.is_empty(), "{names}: events of one are read in the other");
        assert!(b.actors("order").await.is_empty(), "{names}: an actor of one is listed in the other");
        b.save_event(&event(&order, 1)).await;
        b.save_events(&series(&actor("order-2"), [1, 2])).await;
        assert_eq!(a.versions(&order).await, [1, 2, 3], "{names}");
        assert_eq!(b.versions(&order).await, [1], "{names}");
        assert_eq!((a.all().await.len(), b.all().await.len()), (3, 3), "{names}");
        assert_eq!(a.actors("order").await.len(), 1, "{names}");
    }

    pub(crate) async fn are_apart(fixture: &dyn Fixture) {
        let storage = Fresh::open(fixture).await;
        let a = storage.namespaced("tenant-a", "events").await;
        let b = storage.namespaced("tenant-b", "events").await;
        assert_apart(&a, &b, "two namespaces").await;
    }

    pub(crate) async fn have_streams_that_are_apart(fixture: &dyn Fixture) {
        let storage = Fresh::open(fixture).await;
        let a = storage.namespaced("tenant", "events").await;
        let b = storage.namespaced("tenant", "audit").await;
        assert_apart(&a, &b, "two streams of a namespace").await;
    }

    pub(crate) async fn of_one_name_are_one(fixture: &dyn Fixture) {
        let storage = Fresh::open(fixture).await;
        let order = actor("order-1");
        for name in ["tenant-a", "tenant a", "tenant.b", "*", "tenant/>"] {
            // One that collides with another may be refused, but then always.
            let Ok(first) = storage.try_namespaced(name, "events").await else { continue };
            let (a, b) = (storage.events_of(Ok(first)), storage.namespaced(name, "events").await);
            a.save_event(&event(&order, 1)).await;
            assert_eq!(b.versions(&order).await, [1], "namespace {name:?} opened twice is two");
        }
        storage.namespaced("tenant-a", "events").await.save_event(&event(&order, 2)).await;
    }

    /// The second of two namespaces whose names may look the same to a store is refused, in words that name
    /// both, or it is apart from the first.
    async fn collide(fixture: &dyn Fixture, one: (&str, &str), other: (&str, &str)) {
        let storage = Fresh::open(fixture).await;
        let names = format!("{one:?} and {other:?}");
        let first = storage.namespaced(one.0, one.1).await;
        match storage.try_namespaced(other.0, other.1).await {
            Ok(second) => assert_apart(&first, &storage.events_of(Ok(second)), &names).await,
            Err(error) => {
                let words = error.to_string();
                let named =
                    |name: &str| words.contains(name) || words.contains(&name.escape_debug().to_string());
                let both = named(one.0) && named(other.0);
                assert!(both, "{names}: the second was refused in words that do not name both: {words}");
                let order = actor("order-1");
                first.save_event(&event(&order, 1)).await;
                assert_eq!(first.versions(&order).await, [1], "{names}: the first is of use after it");
            }
        }
    }

    pub(crate) async fn of_colliding_names_are_apart(fixture: &dyn Fixture) {
        for other in ["a b", "a_b", "a/b", "a*b", "a>b", "a\\b"] {
            let same = |name| Namespace::new(name).map(|namespace| namespace.sanitised()).ok();
            assert_eq!(same("a.b"), same(other), "these are to collide");
            collide(fixture, ("a.b", "events"), (other, "events")).await;
        }
    }

    pub(crate) async fn and_streams_of_colliding_names_are_apart(fixture: &dyn Fixture) {
        assert_eq!(sanitise("a_b") + "_" + "c", sanitise("a") + "_" + "b_c", "these are to collide");
        collide(fixture, ("a_b", "c"), ("a", "b_c")).await;
        collide(fixture, ("a", "b_c"), ("a_b", "c")).await;
    }
}

pub(crate) mod capacity {
    //! A full store: refuses, drops nothing, and says so.

    use crate::store::support::{Fresh, actor, payload_event};
    use crate::store::{Fixture, StorageOptions};
    use aether_core::{ActorId, Commit, Event, Payload, SaveError};

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
        // Larger than what was refused: that also had links to its actor's commits, and a smaller one may still fit.
        let other = payload_event(&actor("order-2"), 1, Payload::binary(vec![b'x'; 9 * 1024]));
        for _ in 0..3 {
            let error = store.refused(&Commit::event(&other)).await;
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
}
