//! Rules of lists of actors, by category.

pub(crate) mod actors {
    //! Commits over several actors: stored actor by actor, marked, all or nothing.

    use crate::store::Fixture;
    use crate::store::support::{Fresh, OrFail, actor, event, series, v};
    use aether_core::{ActorId, Commit, Event, Expected, Head, MAX_ACTORS, RecordedEvent, Rule, SaveError};

    fn abc() -> (ActorId, ActorId, ActorId) {
        (actor("order-a"), actor("order-b"), actor("invoice-c"))
    }

    fn seen(events: &[RecordedEvent]) -> Vec<(&str, u64)> {
        events.iter().map(|event| (event.actor().as_str(), event.version().get())).collect()
    }

    pub(crate) async fn are_stored_one_by_one(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let (a, b, c) = abc();
        store.save_event(&event(&b, 1)).await;
        store.save_events(&[event(&c, 4), event(&a, 1), event(&b, 2), event(&c, 5), event(&a, 2)]).await;
        store.save_event(&event(&a, 3)).await;
        let all = store.all().await;
        assert_eq!(
            seen(&all),
            [
                ("order-b", 1),
                ("invoice-c", 4),
                ("invoice-c", 5),
                ("order-a", 1),
                ("order-a", 2),
                ("order-b", 2),
                ("order-a", 3)
            ],
            "the events are stored actor by actor, as the actors first come, and nothing comes between"
        );
        assert!(all.windows(2).all(|pair| pair[0].position < pair[1].position), "positions ascend");
    }

    pub(crate) async fn are_all_there(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let (a, b, c) = abc();
        let events = [event(&a, 1), event(&b, 7), event(&a, 2), event(&c, 3)];
        store.save_events(&events).await;
        assert_eq!(store.versions(&a).await, [1, 2]);
        assert_eq!(store.versions(&b).await, [7]);
        assert_eq!(store.versions(&c).await, [3]);
        for event in &events {
            let found = store.events_from(event.actor(), event.version()).await;
            assert_eq!(found.first().map(|found| &found.event), Some(event), "it came back changed");
        }
    }

    pub(crate) async fn are_marked(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let (a, b, c) = abc();
        let before = store.save_event(&event(&c, 1)).await.head;
        let events = [event(&a, 1), event(&b, 1), event(&a, 2)];
        // `c` takes part without an event.
        store.save(&Commit::events(&events).expecting_of(&c, Expected::At(before))).await;
        for (index, actor) in (0..).zip([&a, &b]) {
            for read in [store.events(actor).await, store.backward(actor, aether_core::Version::MAX).await] {
                for event in read {
                    let marks = event.marks.as_ref().or_fail(format_args!("finding the marks of {actor}"));
                    assert_eq!(marks.id, events[0].id(), "a commit has the id of its first event");
                    assert_eq!(marks.index, index, "which part of the commit {actor} is");
                    assert_eq!(marks.actors, [a.clone(), b.clone(), c.clone()], "who is in the commit");
                }
            }
        }
        for event in &store.all().await[1..] {
            assert_eq!(event.marks.as_ref().map(|marks| marks.id), Some(events[0].id()));
        }
        for actor in [&a, &b, &c] {
            let last = store.commits(actor).await.pop().or_fail("finding the commit");
            assert_eq!(last.id, Some(events[0].id()), "the id of the commit as {actor} has it");
        }
    }

    pub(crate) async fn alone_are_not_marked(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let (a, ..) = abc();
        store.save_events(&series(&a, [1, 2])).await;
        assert!(
            store.events(&a).await.iter().all(|event| event.marks.is_none()),
            "a commit of one actor is marked"
        );
        assert!(
            store.all().await.iter().all(|event| event.marks.is_none()),
            "a commit of one actor is marked"
        );
        assert!(store.commits(&a).await.iter().all(|commit| commit.id.is_none()), "it has an id of its own");
    }

    pub(crate) async fn in_conflict_save_nothing(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let (a, b, c) = abc();
        for actor in [&a, &b, &c] {
            store.save_event(&event(actor, 1)).await;
        }
        let all = store.all().await;
        for late in 0..3 {
            let version = |index| if index == late { 1 } else { 2 };
            let events = [event(&a, version(0)), event(&b, version(1)), event(&c, version(2))];
            let conflict = store.conflict(&Commit::events(&events)).await;
            assert_eq!(&conflict.actor, events[late].actor(), "the conflict names another actor");
            assert_eq!((conflict.current, conflict.attempted), (v(1), v(1)));
            assert_eq!(
                store.all().await,
                all,
                "a part of the commit was saved although actor {late} conflicts"
            );
        }
        for actor in [&a, &b, &c] {
            assert_eq!(store.commits(actor).await.len(), 1);
            store.save_event(&event(actor, 2)).await;
        }
    }

    pub(crate) async fn have_expectations_of_their_own(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let (a, b, c) = abc();
        let old = store.save_event(&event(&a, 1)).await.head;
        let head = store.save_event(&event(&a, 2)).await.head;
        store.save_event(&event(&b, 5)).await;
        let events = [event(&a, 10), event(&b, 10), event(&c, 10)];
        let commit = |at, exact| {
            Commit::events(&events)
                .expecting(Expected::At(at))
                .expecting_of(&b, Expected::Exact(v(exact)))
                .expecting_of(&c, Expected::NoEvents)
        };
        assert_eq!(store.conflict(&commit(old, 5)).await.actor, a);
        assert_eq!(store.conflict(&commit(head, 4)).await.actor, b);
        store.save(&commit(head, 5)).await;
        let again = [event(&a, 11), event(&c, 11)];
        let conflict = store.conflict(&Commit::events(&again).expecting_of(&c, Expected::NoEvents)).await;
        assert_eq!((conflict.actor, conflict.current), (c.clone(), v(10)));
        assert_eq!(store.versions(&a).await, [1, 2, 10]);
    }

    pub(crate) async fn may_take_part_without_events(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let (a, b, _) = abc();
        let old = store.save_event(&event(&b, 1)).await.head;
        let first = event(&a, 1);
        let saved = store
            .save(&Commit::event(&first).expecting_of(&b, Expected::At(old)).with_note_of(&b, b"n"))
            .await;
        let head = store.head(&b).await;
        assert_ne!(head, old, "a commit without events moves the head of its actor");
        assert_eq!(saved.head_of(&b), Some(head));
        assert_eq!(head.version(), v(1));
        assert_eq!(store.versions(&b).await, [1]);
        let second = event(&a, 2);
        let conflict = store.conflict(&Commit::event(&second).expecting_of(&b, Expected::At(old))).await;
        assert_eq!(conflict.actor, b);
        assert_eq!(store.versions(&a).await, [1], "a part of a refused commit was saved");
        store.save(&Commit::event(&second).expecting_of(&b, Expected::At(head))).await;
    }

    pub(crate) async fn get_their_heads_back(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let (a, b, c) = abc();
        let saved = store.save_events(&[event(&b, 3), event(&a, 1), event(&b, 4), event(&c, 9)]).await;
        for actor in [&a, &b, &c] {
            assert_eq!(saved.head_of(actor), Some(store.head(actor).await), "the head of {actor}");
        }
        assert_eq!((saved.head, saved.version), (store.head(&b).await, v(4)), "the first actor's");
        let last = store.all().await.pop().or_fail("reading the last event");
        assert_eq!(saved.position, last.position, "whoever has read up to it has read the commit");
        for actor in [&a, &b, &c] {
            let head = saved.head_of(actor).unwrap_or_default();
            assert!(store.confirm(actor, head).await, "the head of {actor} is its last");
            let next = event(actor, 20);
            store.save(&Commit::event(&next).expecting(Expected::At(head))).await;
        }
    }

    pub(crate) async fn are_a_hundred_at_most(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let events: Vec<Event> = (0..=MAX_ACTORS).map(|n| event(&actor(format!("order-{n}")), 1)).collect();
        let invalid = store.invalid(&Commit::events(&events)).await;
        assert_eq!(invalid.rule(), &Rule::TooManyActors { actors: MAX_ACTORS + 1 });
        assert!(store.all().await.is_empty(), "a part of a refused commit was saved");
        store.save_events(&events[..MAX_ACTORS]).await;
        assert_eq!(store.all().await.len(), MAX_ACTORS);
    }

    pub(crate) async fn unsupported_are_refused_as_such(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let (a, b, _) = abc();
        match store.refused(&Commit::events(&[event(&a, 1), event(&b, 1)])).await {
            SaveError::Unsupported(_) => {}
            other => panic!("a commit over several actors was to be unsupported, not: {other}"),
        }
        assert!(store.all().await.is_empty(), "a part of a refused commit was saved");
        assert_eq!(store.head(&a).await, Head::NONE);
        store.save_event(&event(&a, 1)).await;
    }
}

pub(crate) mod categories {
    //! The actors of a category, page by page.

    use crate::store::Fixture;
    use crate::store::support::{Fresh, Store, actor, event};
    use aether_core::{ActorId, Commit, Head};

    async fn save_first_of(store: &Store, ids: &[&str]) -> Vec<ActorId> {
        let mut actors: Vec<ActorId> = ids.iter().map(actor).collect();
        for actor in &actors {
            store.save_event(&event(actor, 1)).await;
        }
        actors.sort_by_key(ActorId::subject);
        actors
    }

    pub(crate) async fn list_their_actors_in_order(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        assert!(store.actors("order").await.is_empty(), "a category without actors has actors");
        let actors =
            save_first_of(&store, &["order-10", "order-9", "order-é", "order-a.b", "order-a b", "order-Z"])
                .await;
        store.save_each(&actors[0], [2, 3]).await;
        assert_eq!(store.actors("order").await, actors, "once each, ordered by their subjects");
    }

    pub(crate) async fn are_paged(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let ids: Vec<String> = (0..25).map(|n| format!("order-{n}")).collect();
        let actors = save_first_of(&store, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
        for limit in [1, 4, 25, 26] {
            let mut read: Vec<ActorId> = Vec::new();
            loop {
                let page = store.actors_after("order", read.last(), limit).await;
                assert!(page.len() <= limit, "more than the limit of {limit}");
                if page.is_empty() {
                    break;
                }
                read.extend(page);
                assert!(read.len() <= actors.len(), "pages of {limit} repeat actors");
            }
            assert_eq!(read, actors, "in pages of {limit}");
        }
        assert!(store.actors_after("order", None, 0).await.is_empty(), "a limit of none");
    }

    pub(crate) async fn go_on_after_an_actor_that_is_not_there(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let actors = save_first_of(&store, &["order-a", "order-c", "order-e"]).await;
        assert_eq!(store.actors_after("order", Some(&actor("order-b")), 9).await, actors[1..]);
        assert_eq!(store.actors_after("order", Some(&actor("order-d")), 9).await, actors[2..]);
        assert!(store.actors_after("order", Some(&actor("order-f")), 9).await.is_empty());
    }

    pub(crate) async fn are_apart(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let ids = [
            "order-1",
            "order-2-3",
            "order",
            "order-",
            "-order",
            "-",
            "orders-1",
            "order.x-1",
            "order*-1",
            "*-1",
            ">-1",
            "Order-1",
            "a.b-1",
            "a b-1",
            "a_b-1",
            "%-1",
            "ö-1",
        ];
        save_first_of(&store, &ids).await;
        for category in [
            "order", "", "orders", "order.x", "order*", "*", ">", "Order", "a.b", "a b", "a_b", "%", "ö", "x",
        ] {
            let mut expected: Vec<ActorId> =
                ids.iter().map(actor).filter(|actor| actor.category() == category).collect();
            expected.sort_by_key(ActorId::subject);
            assert_eq!(store.actors(category).await, expected, "the actors of category {category:?}");
        }
    }

    pub(crate) async fn list_actors_without_events(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        store.save(&Commit::note_only(&order, Head::NONE, b"refused")).await;
        assert_eq!(store.actors("order").await, [order], "it has a commit");
    }
}
