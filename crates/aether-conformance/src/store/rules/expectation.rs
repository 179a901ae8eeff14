//! Rules of what a save expects: versions and heads.

pub(crate) mod versions {
    //! Versions: each actor has its own sequence, strictly ascending from above 0.

    use crate::store::Fixture;
    use crate::store::support::{Fresh, actor, event, numbers, series, v};
    use aether_core::{Commit, Expected, Head, Version};

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
}

pub(crate) mod expectations {
    //! What a save expects: `Ascending`, `Exact`, `NoEvents`, `At`.

    use crate::store::Fixture;
    use crate::store::support::{Fresh, actor, event, series, v};
    use aether_core::{Commit, Event, Expected, Head};

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
}
