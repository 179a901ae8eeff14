//! Rules of repeated saves: event ids, and commits that are sent again.

pub(crate) mod ids {
    //! Actor ids: any characters, none of which acts, and never taken for another's.

    use crate::store::Fixture;
    use crate::store::support::{Fresh, actor, json, payload_event};
    use aether_core::{ActorId, InvalidActorId};

    /// Saves events that say whose they are, all actors by turns, and reads each actor alone.
    async fn are_told_apart(fixture: &dyn Fixture, ids: &[String]) {
        let store = Fresh::open(fixture).await;
        for version in [1, 2] {
            for (number, id) in ids.iter().enumerate() {
                let data = json(format!("[{number},{version}]"));
                store.save_event(&payload_event(&actor(id), version, data)).await;
            }
        }
        for (number, id) in ids.iter().enumerate() {
            let actor = actor(id);
            let read = store.events(&actor).await;
            assert!(
                read.iter().all(|event| *event.actor() == actor),
                "an event of {id:?} came back as another's"
            );
            let data: Vec<_> = read.iter().filter_map(|event| event.payload().bytes().cloned()).collect();
            assert_eq!(data, [format!("[{number},1]"), format!("[{number},2]")], "the events of {id:?}");
            assert_eq!(store.version(&actor).await, 2, "the version of {id:?}");
            assert_eq!(store.commits(&actor).await.len(), 2, "the commits of {id:?}");
        }
        assert_eq!(store.all().await.len(), 2 * ids.len());
    }

    fn owned(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|&id| id.to_owned()).collect()
    }

    pub(crate) async fn with_odd_characters_are_apart(fixture: &dyn Fixture) {
        let ids = [
            "order-a b",
            "order-a.b",
            "order-a_b",
            "order-a/b",
            "order-a\\b",
            "order-a%b",
            "order-a%20b",
            "order-a%2Eb",
            "order-ab",
            "order-a\tb",
            "order-a\nb",
            "order-a\0b",
            "order-a:b",
            "order-a~b",
            "order-~",
            "order-~~",
            "a b-1",
            "a.b-1",
            "order-A",
            "Order-A",
            "order-\"quoted\"",
            "order-{}",
            "order-$",
            "$JS-API",
            "_INBOX-1",
            "order- ",
            " order-1",
            "order-1 ",
            "=barrier-1",
            "order-=",
        ];
        are_told_apart(fixture, &owned(&ids)).await;
    }

    pub(crate) async fn in_unicode_are_apart(fixture: &dyn Fixture) {
        // The last two look the same and are not: one letter, and a letter with a combining mark.
        let ids = [
            "订单-一",
            "заказ-1",
            "order-🦀",
            "order-ß",
            "order-ss",
            "order-\u{200b}",
            "order-\u{e9}",
            "order-e\u{301}",
        ];
        are_told_apart(fixture, &owned(&ids)).await;
    }

    pub(crate) async fn with_wildcards_are_literal(fixture: &dyn Fixture) {
        let ids = [
            "order-1",
            "order-*",
            "order->",
            "*-1",
            ">-1",
            "*",
            ">",
            "*-*",
            "order-1.>",
            "order-*.x",
            "order-1*",
        ];
        are_told_apart(fixture, &owned(&ids)).await;
    }

    pub(crate) async fn of_the_dash_forms_are_apart(fixture: &dyn Fixture) {
        are_told_apart(
            fixture,
            &owned(&["order", "order-", "-order", "-", "--", "order--", "-order-", "order-1-2"]),
        )
        .await;
    }

    pub(crate) async fn go_up_to_the_length_limit(fixture: &dyn Fixture) {
        let room = ActorId::MAX_ENCODED - "order.".len();
        let plain = "x".repeat(room - 1);
        // Every byte of these takes three when encoded.
        let encoded = ".".repeat(room / 3 - 1);
        let ids = [
            format!("order-{plain}a"),
            format!("order-{plain}b"),
            format!("order-{plain}"),
            format!("order-{encoded}."),
            format!("order-{encoded} "),
        ];
        for over in [format!("order-{plain}ab"), format!("order-{}", ".".repeat(room / 3 + 1))] {
            assert!(
                matches!(ActorId::new(over), Err(InvalidActorId::TooLong { .. })),
                "an id over the limit"
            );
        }
        are_told_apart(fixture, &ids).await;
    }
}

pub(crate) mod resend {
    //! A commit saved again: the same success, no second copy, whatever has been saved on top of it.

    use crate::store::Fixture;
    use crate::store::support::{Fresh, OrFail, Store, actor, event, series, v};
    use aether_core::{Commit, Event, Expected, Head, Saved};

    /// Saves the commit again and asserts that it is the same success and changes nothing.
    async fn again(store: &Store, commit: &Commit<'_>, first: &Saved) {
        let all = store.all().await;
        let saved = store.save(commit).await;
        assert_eq!(&saved, first, "saved again, the commit is reported differently");
        assert_eq!(store.all().await, all, "saved again, the commit is there twice");
        for part in commit.parts().iter().flat_map(|parts| parts.iter()) {
            let commits = store.commits(part.actor()).await;
            let same =
                commits.iter().filter(|stored| Some(stored.head) == saved.head_of(part.actor())).count();
            assert_eq!(same, 1, "the commit is in the log of {} once", part.actor());
        }
    }

    pub(crate) async fn is_the_same_success(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        for events in [series(&order, [1]), series(&order, [2, 3, 7])] {
            let commit = Commit::events(&events).with_note(b"note");
            let first = store.save(&commit).await;
            for _ in 0..3 {
                again(&store, &commit, &first).await;
            }
        }
        assert_eq!(store.versions(&order).await, [1, 2, 3, 7]);
        assert_eq!(store.commits(&order).await.len(), 2);
        // Made anew from equal events it is the same commit too.
        let rebuilt: Vec<Event> = store.events(&order).await.into_iter().map(|event| event.event).collect();
        store.save_events(&rebuilt[1..]).await;
        assert_eq!(
            store.commits(&order).await.len(),
            2,
            "events with the ids and versions of stored ones are stored"
        );
    }

    pub(crate) async fn is_found_below_others(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let (order, other) = (actor("order-1"), actor("order-2"));
        store.save_event(&event(&order, 1)).await;
        let events = series(&order, [2, 3]);
        let commit = Commit::events(&events);
        let first = store.save(&commit).await;
        for version in 4..20 {
            store.save_event(&event(&other, version)).await;
            store.save_event(&event(&order, version)).await;
            let head = store.head(&order).await;
            store.save(&Commit::note_only(&order, head, b"on top")).await;
            if version < 6 || version == 19 {
                again(&store, &commit, &first).await;
            }
        }
    }

    pub(crate) async fn is_found_through_another_handle(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        let events = series(&order, [1, 2]);
        let commit = Commit::events(&events).expecting(Expected::NoEvents);
        let first = store.save(&commit).await;
        let other = store.another().await;
        again(&other, &commit, &first).await;
        other.save_event(&event(&order, 3)).await;
        again(&store, &commit, &first).await;
        again(&store.another().await, &commit, &first).await;
    }

    pub(crate) async fn needs_no_expectation_any_more(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        let [placed, paid, shipped] = [1, 2, 3].map(|version| event(&order, version));
        let none = Commit::event(&placed).expecting(Expected::NoEvents);
        let first = store.save(&none).await;
        again(&store, &none, &first).await;
        let exact = Commit::event(&paid).expecting(Expected::Exact(v(1)));
        let second = store.save(&exact).await;
        again(&store, &exact, &second).await;
        let at = Commit::event(&shipped).expecting(Expected::At(second.head));
        let third = store.save(&at).await;
        again(&store, &at, &third).await;
        store.save_event(&event(&order, 4)).await;
        for (commit, saved) in [(none, first), (exact, second), (at, third)] {
            again(&store, &commit, &saved).await;
        }
    }

    pub(crate) async fn works_without_events(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        let head = store.save_event(&event(&order, 1)).await.head;
        let note = Commit::note_only(&order, head, b"refused");
        let first = store.save(&note).await;
        again(&store, &note, &first).await;
        store.save_event(&event(&order, 2)).await;
        let head = store.head(&order).await;
        store.save(&Commit::note_only(&order, head, b"another")).await;
        again(&store, &note, &first).await;
        assert_eq!(store.commits(&order).await.len(), 4);
        // One with the same note, decided on the same head, is another commit.
        store.conflict(&Commit::note_only(&order, first.head, b"refused")).await;
    }

    pub(crate) async fn works_for_several_actors(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let (a, b, c) = (actor("order-a"), actor("order-b"), actor("order-c"));
        let head = store.save_event(&event(&c, 5)).await.head;
        let events = [event(&a, 1), event(&b, 1), event(&a, 2)];
        let commit = Commit::events(&events)
            .expecting(Expected::NoEvents)
            .expecting_of(&b, Expected::Exact(v(0)))
            .expecting_of(&c, Expected::At(head))
            .with_note_of(&c, b"note");
        let first = store.save(&commit).await;
        again(&store, &commit, &first).await;
        store.save_event(&event(&b, 2)).await;
        again(&store, &commit, &first).await;
        store.save_events(&[event(&a, 3), event(&c, 6)]).await;
        again(&store, &commit, &first).await;
        assert_eq!(store.versions(&a).await, [1, 2, 3]);
    }

    pub(crate) async fn of_a_part_is_a_conflict(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        let events = series(&order, 1..=4);
        store.save_events(&events[..2]).await;
        let all = store.all().await;
        // Some of it is stored, and the rest is not.
        for overlap in [&events[..3], &events[1..3], &events[1..]] {
            let conflict = store.conflict(&Commit::events(overlap)).await;
            assert_eq!(conflict.current, v(2));
        }
        store.save_event(&event(&order, 9)).await;
        store.conflict(&Commit::events(&events[1..])).await;
        assert_eq!(store.all().await.len(), all.len() + 1, "the rest of an overlapping commit was saved");
        assert_eq!(store.versions(&order).await, [1, 2, 9]);
    }

    pub(crate) async fn of_a_part_of_the_actors_is_a_conflict(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let (a, b, c) = (actor("order-a"), actor("order-b"), actor("order-c"));
        let events = [event(&a, 1), event(&b, 1), event(&c, 1)];
        store.save_events(&events[..2]).await;
        store.conflict(&Commit::events(&events)).await;
        store.conflict(&Commit::events(&events[1..])).await;
        assert_eq!(store.head(&c).await, Head::NONE, "the rest of an overlapping commit was saved");
        assert_eq!(store.all().await.len(), 2);
    }

    pub(crate) async fn of_other_events_is_a_conflict(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        // The same versions and data, but not the same events: somebody else was faster.
        store.save_events(&series(&order, [1, 2])).await;
        let late = series(&order, [1, 2]);
        for expected in
            [Expected::Ascending, Expected::NoEvents, Expected::Exact(v(0)), Expected::At(Head::NONE)]
        {
            let conflict = store.conflict(&Commit::events(&late).expecting(expected)).await;
            assert_eq!((conflict.current, conflict.attempted), (v(2), v(1)));
        }
        assert_eq!(store.commits(&order).await.len(), 1);
    }

    pub(crate) async fn goes_by_actor_and_id(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let (a, b) = (actor("order-a"), actor("order-b"));
        let of_a = event(&a, 1);
        let of_b = Event::builder(&b, v(1), "Happened").id(of_a.id()).build().or_fail("making an event");
        store.save_event(&of_a).await;
        store.save_event(&of_b).await;
        assert_eq!(store.versions(&b).await, [1], "another actor's event with the same id was dropped");
        assert_eq!(store.all().await.len(), 2);
    }

    pub(crate) async fn is_found_under_a_thousand_commits(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        let first = event(&order, 1);
        let commit = Commit::event(&first).expecting(Expected::NoEvents);
        let saved = store.save(&commit).await;
        store.save_each(&order, 2..=1_001).await;
        assert_eq!(store.save(&commit).await, saved, "it is 1,000 commits back");
        assert_eq!(store.versions(&order).await.len(), 1_001);
        store.save_each(&order, 1_002..=1_100).await;
        // 1,099 commits back it is not looked for any more, and never stored a second time.
        store.conflict(&commit).await;
        assert_eq!(store.versions(&order).await.len(), 1_100);
    }
}
