//! Rules of writers and proofs that race.

pub(crate) mod concurrency {
    //! Writers that race, and readers beside them.

    use crate::store::Fixture;
    use crate::store::support::{Fresh, OrFail, Store, WRITERS, actor, event, numbers, race, series, v};
    use aether_core::{ActorId, Commit, Event, Expected, ReadFrom, RecordedEvent, SaveError, Saved};
    use std::collections::HashMap;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Asserts that what was acknowledged is there once, under the version it was given, and nothing else.
    fn assert_stands(stored: &[RecordedEvent], acknowledged: &[Event]) {
        let mut by_id = HashMap::new();
        for event in stored {
            assert!(
                by_id.insert(event.id(), event.event.clone()).is_none(),
                "{} is stored twice",
                event.id()
            );
        }
        for event in acknowledged {
            let found = by_id.get(&event.id());
            assert_eq!(found, Some(event), "an event that was acknowledged is not there as it was saved");
        }
        assert_eq!(stored.len(), acknowledged.len(), "events are stored that nobody was told of");
    }

    /// The conflict that a loser is told of; the truth, as far as can be known.
    fn lost(error: SaveError, attempted: u64) {
        match error {
            SaveError::VersionConflict(conflict) => {
                assert_eq!(conflict.attempted, v(attempted));
                assert!(
                    conflict.current >= v(attempted),
                    "somebody was faster, but is not there: {conflict}"
                );
            }
            other => panic!("a loser was to be told of a version conflict, not: {other}"),
        }
    }

    pub(crate) async fn one_version_has_one_winner(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        let handles = store.handles(WRITERS).await;
        let mut acknowledged = Vec::new();
        for version in 1..=20 {
            // Each kind of expectation is a race of its own.
            let head = store.head(&order).await;
            let expected = match version % 4 {
                0 => Expected::Ascending,
                1 => Expected::At(head),
                _ => Expected::Exact(head.version()),
            };
            let won: Vec<Option<Event>> = race(&handles, |_, handle| {
                let event = event(&order, version);
                async move {
                    let answer = handle.try_save(&Commit::event(&event).expecting(expected)).await;
                    match answer {
                        Ok(saved) => {
                            assert_eq!(saved.version, v(version));
                            Some(event)
                        }
                        Err(error) => {
                            lost(error, version);
                            None
                        }
                    }
                }
            })
            .await;
            let winners: Vec<Event> = won.into_iter().flatten().collect();
            assert_eq!(winners.len(), 1, "{WRITERS} writers saved version {version}, expecting {expected:?}");
            acknowledged.extend(winners);
            assert_stands(&store.events(&order).await, &acknowledged);
        }
    }

    pub(crate) async fn writers_on_one_actor_lose_nothing(fixture: &dyn Fixture) {
        const EACH: usize = 8;
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        let handles = store.handles(WRITERS).await;
        let saved: Vec<Vec<Event>> = race(&handles, |_, handle| {
            let order = order.clone();
            async move {
                let mut saved = Vec::new();
                while saved.len() < EACH {
                    let current = handle.version(&order).await;
                    let event = event(&order, current + 1);
                    let expected = Expected::Exact(v(current));
                    let answer = handle.try_save(&Commit::event(&event).expecting(expected)).await;
                    match answer {
                        Ok(_) => saved.push(event),
                        Err(error) => lost(error, current + 1),
                    }
                }
                saved
            }
        })
        .await;
        let events = store.events(&order).await;
        assert_stands(&events, &saved.concat());
        assert_eq!(numbers(&events), (1..=(WRITERS * EACH) as u64).collect::<Vec<_>>(), "every version once");
    }

    pub(crate) async fn writers_on_many_actors_do_not_conflict(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let handles = store.handles(WRITERS).await;
        let saved: Vec<Vec<Event>> = race(&handles, |writer, handle| async move {
            let mut saved = Vec::new();
            for n in 0..5 {
                let actor = actor(format!("order-{writer}-{n}"));
                for version in 1..=5 {
                    let events = series(&actor, [version * 2 - 1, version * 2]);
                    let expected = Expected::Exact(v(version * 2 - 2));
                    handle.save(&Commit::events(&events).expecting(expected)).await;
                    saved.extend(events);
                }
            }
            saved
        })
        .await;
        let all = store.all().await;
        assert_stands(&all, &saved.concat());
        assert!(all.windows(2).all(|pair| pair[0].position < pair[1].position), "positions ascend strictly");
        assert_eq!(store.actors("order").await.len(), WRITERS * 5);
    }

    /// Who takes part in which commit: the actors of a racing commit over several.
    fn pair(round: u64, writer: usize, actors: &[ActorId]) -> [ActorId; 2] {
        let first = (writer + usize::try_from(round).unwrap_or(0)) % actors.len();
        [actors[first].clone(), actors[(first + 1) % actors.len()].clone()]
    }

    pub(crate) async fn several_actors_race_single_saves(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let actors: Vec<ActorId> = (0..3).map(|n| actor(format!("order-{n}"))).collect();
        let handles = store.handles(WRITERS).await;
        let saved: Vec<Vec<Vec<Event>>> = race(&handles, |writer, handle| {
            let actors = actors.clone();
            async move {
                let mut saved = Vec::new();
                for round in 0..10 {
                    let pair = pair(round, writer, &actors);
                    let pair = if writer % 2 == 0 { &pair[..] } else { &pair[..1] };
                    let mut events = Vec::new();
                    for actor in pair {
                        events.push(event(actor, handle.version(actor).await + 1));
                    }
                    let before = events.iter().map(|event| event.version().get() - 1);
                    let commit =
                        events.iter().zip(before).fold(Commit::events(&events), |commit, (event, before)| {
                            commit.expecting_of(event.actor(), Expected::Exact(v(before)))
                        });
                    let answer = handle.try_save(&commit).await;
                    drop(commit);
                    match answer {
                        Ok(_) => saved.push(events),
                        Err(SaveError::VersionConflict(conflict)) => {
                            let ours = events.iter().find(|event| *event.actor() == conflict.actor);
                            assert_eq!(ours.map(Event::version), Some(conflict.attempted), "{conflict}");
                        }
                        Err(other) => panic!("a loser was to be told of a version conflict, not: {other}"),
                    }
                }
                saved
            }
        })
        .await;
        let saved = saved.concat();
        assert!(saved.iter().any(|commit| commit.len() == 2), "no commit over two actors was ever saved");
        let all = store.all().await;
        assert_stands(&all, &saved.concat());
        for actor in &actors {
            let versions = store.versions(actor).await;
            assert_eq!(
                versions,
                (1..=versions.len() as u64).collect::<Vec<_>>(),
                "every version of {actor} once"
            );
        }
    }

    pub(crate) async fn the_same_commit_from_many_is_saved_once(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        let handles = store.handles(WRITERS).await;
        for version in 1..=10 {
            let next = event(&order, version);
            let saved: Vec<Saved> =
                race(&handles, |_, handle| {
                    let next = next.clone();
                    async move {
                        handle.save(&Commit::event(&next).expecting(Expected::Exact(v(version - 1)))).await
                    }
                })
                .await;
            assert!(
                saved.windows(2).all(|pair| pair[0] == pair[1]),
                "one commit was reported differently: {saved:?}"
            );
            assert_eq!(store.versions(&order).await, (1..=version).collect::<Vec<_>>());
        }
    }

    pub(crate) async fn readers_of_all_miss_nothing(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let handles = store.handles(WRITERS).await;
        let (reader, writers) = handles.split_at(1);
        let done = Arc::new(AtomicBool::new(false));
        let following = tokio::spawn(follow(reader[0].clone(), done.clone()));
        race(writers, |writer, handle| async move {
            let actor = actor(format!("order-{writer}"));
            for version in 1..=40 {
                handle.save_event(&event(&actor, version)).await;
            }
        })
        .await;
        done.store(true, Ordering::SeqCst);
        let followed = following.await.or_fail("the reader beside the writers");
        let all = store.all().await;
        assert_eq!(all.len(), writers.len() * 40);
        assert_eq!(
            followed.len(),
            all.len(),
            "a reader that went on after each position it had seen missed events"
        );
        assert_eq!(followed, all);
    }

    /// Reads on after the last position until the writers are done and nothing is left.
    async fn follow(store: Store, done: Arc<AtomicBool>) -> Vec<RecordedEvent> {
        let (mut seen, mut from): (Vec<RecordedEvent>, _) = (Vec::new(), ReadFrom::Start);
        loop {
            let was_done = done.load(Ordering::SeqCst);
            let page = store.all_from(from, 7).await;
            if let Some(last) = page.last() {
                from = ReadFrom::After(last.position);
                seen.extend(page);
            } else if was_done {
                return seen;
            }
        }
    }
}

pub(crate) mod confirm {
    //! `confirm`: the proof that a head is still the last.

    use crate::store::Fixture;
    use crate::store::support::{Fresh, OrFail, WRITERS, actor, event, v};
    use aether_core::{Commit, Expected, Head};
    use futures_util::future::join_all;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    pub(crate) async fn is_true_while_the_head_is_last(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let (order, other) = (actor("order-1"), actor("order-2"));
        for version in [1, 2] {
            let head = store.save_event(&event(&order, version)).await.head;
            store.save_event(&event(&other, version)).await;
            for _ in 0..3 {
                assert!(
                    store.confirm(&order, head).await,
                    "the head of version {version} is last, and was denied"
                );
            }
        }
        let head = store.head(&order).await;
        let noted = store.save(&Commit::note_only(&order, head, b"note")).await.head;
        assert!(store.confirm(&order, noted).await, "a commit without events is the last, and was denied");
    }

    pub(crate) async fn is_false_after_an_event(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        let old = store.save_event(&event(&order, 1)).await.head;
        store.save_event(&event(&order, 2)).await;
        assert!(!store.confirm(&order, old).await, "a head with an event after it was confirmed");
    }

    pub(crate) async fn is_false_after_a_commit_without_events(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        let old = store.save_event(&event(&order, 1)).await.head;
        store.save(&Commit::note_only(&order, old, b"note")).await;
        assert!(!store.confirm(&order, old).await, "a head with a commit after it was confirmed");
    }

    pub(crate) async fn knows_an_actor_without_commits(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let (order, other) = (actor("order-1"), actor("order-2"));
        let foreign = store.save_event(&event(&other, 1)).await.head;
        assert!(store.confirm(&order, Head::NONE).await, "an actor without commits has no head");
        assert!(!store.confirm(&order, foreign).await, "another actor's head was confirmed");
        store.save_event(&event(&order, 1)).await;
        assert!(!store.confirm(&order, Head::NONE).await, "an actor with a commit has a head");
    }

    pub(crate) async fn leaves_no_trace(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let (order, nobody) = (actor("order-1"), actor("order-2"));
        let head = store.save_event(&event(&order, 1)).await.head;
        for _ in 0..3 {
            store.confirm(&order, head).await;
            store.confirm(&order, Head::NONE).await;
            store.confirm(&nobody, Head::NONE).await;
        }
        assert_eq!(store.head(&order).await, head, "confirming moved the head");
        assert_eq!(store.commits(&order).await.len(), 1, "confirming left a commit");
        assert_eq!(store.all().await.len(), 1, "confirming left an event");
        assert_eq!(store.head(&nobody).await, Head::NONE, "confirming made a head");
        assert_eq!(store.actors("order").await, std::slice::from_ref(&order), "confirming made an actor");
        let next = event(&order, 2);
        store.save(&Commit::event(&next).expecting(Expected::At(head))).await;
    }

    pub(crate) async fn sees_the_saves_of_other_handles(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let other = store.another().await;
        let order = actor("order-1");
        let head = store.save_event(&event(&order, 1)).await.head;
        assert!(other.confirm(&order, head).await);
        let newer = other.save_event(&event(&order, 2)).await.head;
        assert!(!store.confirm(&order, head).await, "another handle had saved");
        assert!(store.confirm(&order, newer).await);
    }

    /// In each round one writer saves and the others, who know the head before, must be denied; meanwhile all of
    /// them confirm whatever they know, and no head may be confirmed after a later one was acknowledged.
    pub(crate) async fn is_never_true_behind_racing_writers(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        let handles = store.handles(WRITERS).await;
        let mut head = store.save_event(&event(&order, 1)).await.head;
        for round in 0..10 {
            // The sequence of the latest acknowledged commit; heads of one actor are ordered by it.
            let acknowledged = Arc::new(AtomicU64::new(head.sequence()));
            let racers = handles.iter().cloned().enumerate().map(|(writer, handle)| {
                let (order, acknowledged) = (order.clone(), acknowledged.clone());
                tokio::spawn(async move {
                    if writer == round % WRITERS {
                        let next = event(&order, head.version().get() + 1);
                        let commit = Commit::event(&next).expecting(Expected::At(head));
                        let saved = handle.save(&commit).await;
                        acknowledged.fetch_max(saved.head.sequence(), Ordering::SeqCst);
                    }
                    for _ in 0..5 {
                        let known = acknowledged.load(Ordering::SeqCst);
                        let confirmed = handle.confirm(&order, head).await;
                        assert!(
                            !confirmed || known == head.sequence(),
                            "round {round}: {head:?} was confirmed after a later commit had been acknowledged"
                        );
                    }
                })
            });
            for racer in join_all(racers).await {
                racer.or_fail("a racing writer");
            }
            let old = std::mem::replace(&mut head, store.head(&order).await);
            assert_eq!(head.version(), v(old.version().get() + 1));
            for handle in &handles {
                assert!(
                    !handle.confirm(&order, old).await,
                    "round {round}: the head before the last was confirmed"
                );
            }
        }
    }
}
