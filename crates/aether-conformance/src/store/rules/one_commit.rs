//! Rules of a commit: its events, its notes, and reading it as it was saved.

pub(crate) mod atomicity {
    //! A commit of one actor: all its events or none.

    use crate::store::Fixture;
    use crate::store::support::{Fresh, OrFail, Store, actor, event, series, v};
    use aether_core::{Commit, Event, Head, Rule};

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
}

pub(crate) mod commits {
    //! Reading an actor's commits, and its head.

    use crate::store::Fixture;
    use crate::store::support::{Fresh, actor, event, numbers, series};
    use aether_core::{Commit, Head};

    pub(crate) async fn are_read_as_they_were_saved(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        let first = store.save_events(&series(&order, [1, 2])).await.head;
        let second = store.save(&Commit::note_only(&order, first, b"note")).await.head;
        store.save_event(&event(&actor("order-2"), 1)).await;
        let third = store.save(&Commit::event(&event(&order, 5)).with_note(b"with it")).await.head;
        let commits = store.commits(&order).await;
        let versions: Vec<_> = commits.iter().map(|commit| numbers(&commit.events)).collect();
        assert_eq!(versions, [vec![1, 2], vec![], vec![5]]);
        let heads: Vec<_> = commits.iter().map(|commit| commit.head).collect();
        assert_eq!(heads, [first, second, third], "each commit has the head that its save reported");
        let notes: Vec<_> = commits.iter().map(|commit| commit.note.as_deref()).collect();
        assert_eq!(notes, [None, Some(&b"note"[..]), Some(&b"with it"[..])]);
        assert!(commits[1].id.is_some(), "a commit without events has an id");
        assert!(commits[0].id.is_none() && commits[2].id.is_none(), "its events name a commit that has some");
    }

    pub(crate) async fn are_read_after_a_head(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        let mut heads = vec![Head::NONE];
        for version in 1..=5 {
            heads.push(store.save_events(&series(&order, [version * 10, version * 10 + 1])).await.head);
            let noted = store.save(&Commit::note_only(&order, heads[heads.len() - 1], b"note")).await.head;
            heads.push(noted);
            store.save_event(&event(&actor("order-2"), version)).await;
        }
        for (index, &after) in heads.iter().enumerate() {
            let read: Vec<_> =
                store.commits_after(&order, after).await.iter().map(|commit| commit.head).collect();
            assert_eq!(read, heads[index + 1..], "the commits after {after:?}");
        }
    }

    pub(crate) async fn end_with_the_head(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        assert!(store.commits(&order).await.is_empty(), "an actor without commits has commits");
        let mut head = Head::NONE;
        for version in 1..=4 {
            let saved = if version % 2 == 0 {
                store.save(&Commit::note_only(&order, head, b"note")).await
            } else {
                store.save_event(&event(&order, version)).await
            };
            head = saved.head;
            assert_eq!(store.head(&order).await, head, "the head is not the one of the last save");
            assert_eq!(store.commits(&order).await.last().map(|commit| commit.head), Some(head));
        }
    }
}

pub(crate) mod notes {
    //! Notes: opaque bytes beside the events, and commits that have nothing else.

    use crate::store::Fixture;
    use crate::store::support::{Fresh, actor, event, series, v};
    use aether_core::{Commit, Expected, Head, ReadFrom};
    use bytes::Bytes;

    pub(crate) async fn come_back_unchanged(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        let every_byte: Vec<u8> = (0..=255).collect();
        let long = every_byte.repeat(16);
        let notes: [&[u8]; 4] = [b"paid", &every_byte, &long, b"{\"json\": null}"];
        for (version, note) in (1..).zip(notes) {
            store.save(&Commit::event(&event(&order, version)).with_note(note)).await;
        }
        let head = store.head(&order).await;
        store.save(&Commit::note_only(&order, head, &every_byte)).await;
        let read: Vec<_> = store.commits(&order).await.into_iter().map(|commit| commit.note).collect();
        let sent: Vec<_> =
            notes.into_iter().chain([&*every_byte]).map(|note| Some(Bytes::copy_from_slice(note))).collect();
        assert!(read == sent, "the notes came back changed: {read:?}");
    }

    pub(crate) async fn empty_is_not_absent(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        store.save(&Commit::event(&event(&order, 1)).with_note(b"")).await;
        let head = store.save_event(&event(&order, 2)).await.head;
        store.save(&Commit::note_only(&order, head, b"")).await;
        let read: Vec<_> = store.commits(&order).await.into_iter().map(|commit| commit.note).collect();
        assert_eq!(
            read,
            [Some(Bytes::new()), None, Some(Bytes::new())],
            "an empty note, no note, an empty note"
        );
    }

    pub(crate) async fn are_invisible_to_readers_of_events(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        let head = store.save(&Commit::note_only(&order, Head::NONE, b"first")).await.head;
        let events = series(&order, [1, 2]);
        let head = store
            .save(&Commit::events(&events).expecting(Expected::At(head)).with_note(b"second"))
            .await
            .head;
        store.save(&Commit::note_only(&order, head, b"third")).await;
        let ids: Vec<_> = events.iter().map(|event| event.id()).collect();
        let seen = |read: Vec<aether_core::RecordedEvent>| -> Vec<_> {
            read.iter().map(|event| event.id()).collect()
        };
        assert_eq!(seen(store.events(&order).await), ids, "read by actor");
        assert_eq!(seen(store.all().await), ids, "read with all events");
        assert_eq!(seen(store.all_from(ReadFrom::Start, 2).await), ids, "a note counted against the limit");
        let mut backward = seen(store.backward(&order, aether_core::Version::MAX).await);
        backward.reverse();
        assert_eq!(backward, ids, "read backward");
    }

    pub(crate) async fn alone_move_the_head_and_not_the_version(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        let before = store.save_event(&event(&order, 7)).await;
        let noted = store.save(&Commit::note_only(&order, before.head, b"refused")).await;
        assert_eq!(noted.version, v(7), "a commit without events changed the version");
        assert_ne!(noted.head, before.head, "a commit without events left the head where it was");
        assert!(noted.position > before.position, "the commit is not after the one before it");
        assert_eq!(store.head(&order).await, noted.head);
        assert_eq!(store.version(&order).await, 7);
        store.save_event(&event(&order, 8)).await;
        assert_eq!(store.versions(&order).await, [7, 8]);
    }

    pub(crate) async fn can_be_an_actors_first(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        let noted = store.save(&Commit::note_only(&order, Head::NONE, b"refused")).await;
        assert_eq!(noted.version, v(0));
        assert_eq!(store.head(&order).await, noted.head);
        assert_ne!(noted.head, Head::NONE);
        assert!(store.events(&order).await.is_empty());
        assert_eq!(store.commits(&order).await.len(), 1);
        store.conflict(&Commit::note_only(&order, Head::NONE, b"late")).await;
        store.save_event(&event(&order, 1)).await;
    }

    pub(crate) async fn of_several_actors_stay_with_theirs(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let (a, b, c) = (actor("order-a"), actor("order-b"), actor("order-c"));
        let events = [event(&a, 1), event(&b, 1), event(&c, 1)];
        store.save(&Commit::events(&events).with_note_of(&c, b"of c").with_note(b"of a")).await;
        for (actor, note) in [(&a, Some("of a")), (&b, None), (&c, Some("of c"))] {
            let commits = store.commits(actor).await;
            assert_eq!(commits.len(), 1);
            assert_eq!(commits[0].note.as_deref(), note.map(str::as_bytes), "the note of {actor}");
        }
    }
}
