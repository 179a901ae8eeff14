//! Commits as a subscription delivers them: together, whole, and marked.

use aether_core::{
    Commit, CommitMarks, Delivery, Event, EventFilter, Expected, RecordedEvent, SubscribeFrom,
    SubscribeOptions,
};

use crate::store::Fixture;
use crate::store::support::{
    Fresh, OrFail, Store, WRITERS, a_log, actor, all_until, assert_same, mark, matching, race, save_next,
    series, v,
};

/// Asserts that the events of each of these commits came next to each other, in this order.
fn assert_contiguous(read: &[RecordedEvent], commits: &[Vec<Event>]) {
    for commit in commits {
        let first = read.iter().position(|event| event.id() == commit[0].id());
        let first =
            first.or_fail(format_args!("finding version {} of {:?}", commit[0].version(), commit[0].actor()));
        let next = read[first..].iter().take(commit.len()).map(|event| &event.event);
        assert!(
            next.eq(commit),
            "another commit's events came between those of one: {:?}",
            ids(&read[first..])
        );
    }
}

/// The actors and versions of the first few events.
fn ids(events: &[RecordedEvent]) -> Vec<String> {
    events.iter().take(8).map(|event| format!("{} {}", event.actor(), event.version())).collect()
}

pub(crate) async fn are_together(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let handles = store.handles(WRITERS).await;
    let mut live = store.subscribe(SubscribeFrom::Now).await;
    let saved: Vec<Vec<Vec<Event>>> = race(&handles, |writer, handle| async move {
        let actor = actor(format!("order-{writer}"));
        let mut saved = Vec::new();
        for n in 0..8 {
            let events = series(&actor, n * 4 + 1..=n * 4 + 4);
            handle.save_events(&events).await;
            saved.push(events);
        }
        saved
    })
    .await;
    let end = mark(&store).await.position;
    let read = live.until(end).await;
    assert_contiguous(&read, &saved.concat());
    assert_same(&read, &store.all().await, "as it was saved by many");
}

/// Commits over two or three actors, by several writers at once; the commits.
async fn race_of_several(store: &Fresh) -> Vec<Vec<Event>> {
    let handles = store.handles(WRITERS).await;
    let saved: Vec<Vec<Vec<Event>>> = race(&handles, |writer, handle| async move {
        let actors = ["order", "invoice", "parcel"].map(|category| actor(format!("{category}-{writer}")));
        let alone = actor(format!("alone-{writer}"));
        let mut saved = Vec::new();
        for n in 0..5 {
            let two = 1 + usize::try_from(n % 2).unwrap_or(0);
            let events = actors[..=two].iter().flat_map(|actor| series(actor, [n * 2 + 1, n * 2 + 2]));
            let events: Vec<Event> = events.collect();
            let commit = Commit::events(&events).expecting_of(&actors[0], Expected::Exact(v(n * 2)));
            handle.save(&commit).await;
            drop(commit);
            saved.push(events);
            // What might come between them.
            handle.save_events(&series(&alone, [n + 1])).await;
        }
        saved
    })
    .await;
    saved.concat()
}

pub(crate) async fn of_several_actors_are_together(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let mut live = store.subscribe(SubscribeFrom::Now).await;
    let saved = race_of_several(&store).await;
    let end = mark(&store).await.position;
    let read = live.until(end).await;
    assert_contiguous(&read, &saved);
    assert_same(&read, &store.all().await, "as it was saved by many");
}

pub(crate) async fn of_several_actors_are_marked(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let mut live = store.subscribe(SubscribeFrom::Now).await;
    let saved = save_next(&store, &[("order-a", "Placed"), ("invoice-a", "Paid"), ("order-a", "Paid")]).await;
    let alone = save_next(&store, &[("order-a", "Placed"), ("order-a", "Paid")]).await;
    let mut replay = store.subscribe(SubscribeFrom::Start).await;
    for reader in [&mut live, &mut replay] {
        let read = reader.until(saved.position).await;
        let marks: Vec<&CommitMarks> = read.iter().filter_map(|event| event.marks.as_deref()).collect();
        assert_eq!((read.len(), marks.len()), (3, 3), "three events, each marked");
        assert_eq!(marks.iter().map(|marks| marks.index).collect::<Vec<_>>(), [0, 0, 1]);
        assert!(marks.iter().all(|other| other.id == marks[0].id), "of one commit: {marks:?}");
        let actors = [actor("order-a"), actor("invoice-a")];
        assert!(marks.iter().all(|marks| marks.actors == actors), "over two actors: {marks:?}");
        let next = reader.until(alone.position).await;
        assert!(next.iter().all(|event| event.marks.is_none()), "a commit of one actor is not marked");
    }
}

/// Asserts that the whole commit is there for whoever reads its actors.
async fn assert_stands(reader: &Store, marks: &CommitMarks) {
    for actor in &marks.actors {
        let found = reader
            .events(actor)
            .await
            .into_iter()
            .find_map(|event| event.marks.filter(|found| found.id == marks.id));
        assert!(found.is_some(), "an event of a commit came, of which the part of {actor} is not there");
    }
}

pub(crate) async fn come_when_they_stand(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let other = store.handles(2).await.remove(1);
    let mut live = store.subscribe(SubscribeFrom::Now).await;
    live.until_caught_up().await;
    let writer = other.clone();
    let writing = tokio::spawn(async move {
        for _ in 0..10 {
            save_next(&writer, &[("order-a", "Placed"), ("invoice-a", "Paid"), ("parcel-a", "Sent")]).await;
        }
    });
    for commit in 0..10 {
        for part in 0..3 {
            let event = live.events(1).await.remove(0);
            let marks = event.marks.as_deref().or_fail("finding the marks of a commit over several actors");
            assert_eq!(marks.index, part, "of commit {commit}, the parts come in order, and all of them");
            if part == 0 {
                assert_stands(&other, marks).await;
            }
        }
    }
    writing.await.or_fail("the writer");
}

pub(crate) async fn of_several_actors_are_resumed_inside(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    a_log(fixture, &store).await;
    let what = [("order-a", "Placed"), ("order-b", "Paid"), ("invoice-a", "Paid"), ("order-b", "Placed")];
    save_next(&store, &what).await;
    let last = save_next(&store, &what).await.position;
    let all = store.all().await;
    let (mut readers, mut expected) = (Vec::new(), Vec::new());
    for (index, event) in all.iter().enumerate().skip(all.len() - 9) {
        for filter in [EventFilter::all(), EventFilter::category("order")] {
            let from = SubscribeFrom::After(event.position);
            readers.push(store.subscribe(SubscribeOptions::from(from).filter(filter.clone())).await);
            expected.push((from, matching(&all[index + 1..], &filter)));
        }
    }
    for (read, (from, expected)) in all_until(&mut readers, last).await.iter().zip(&expected) {
        assert_same(read, expected, format_args!("{from:?}"));
    }
}

pub(crate) async fn come_in_part_to_filtered_readers(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let filters = [
        EventFilter::actor(&actor("order-a")),
        EventFilter::actor(&actor("invoice-a")),
        EventFilter::category("parcel"),
        EventFilter::all().types(["Paid"]),
        EventFilter::category("order").types(["Paid"]),
    ];
    let mut live = Vec::new();
    for filter in &filters {
        let options = SubscribeOptions::from(SubscribeFrom::Now).filter(filter.clone());
        live.push(store.subscribe(options).await);
    }
    for _ in 0..4 {
        save_next(&store, &[("order-a", "Placed"), ("invoice-a", "Paid"), ("order-a", "Paid")]).await;
        save_next(&store, &[("parcel-a", "Sent"), ("order-a", "Paid")]).await;
        save_next(&store, &[("invoice-a", "Placed"), ("parcel-a", "Paid"), ("parcel-b", "Sent")]).await;
    }
    let end = mark(&store).await.position;
    let all = store.all().await;
    let mut replays = Vec::new();
    for filter in &filters {
        replays.push(store.subscribe(SubscribeOptions::default().filter(filter.clone())).await);
    }
    for (what, readers) in [("live", &mut live), ("later", &mut replays)] {
        for (filter, read) in filters.iter().zip(all_until(readers, end).await) {
            let expected = matching(&all, filter);
            assert!(!expected.is_empty() && expected.iter().all(|event| event.marks.is_some()));
            assert_same(&read, &expected, format_args!("{what}, {filter:?}"));
        }
    }
}

pub(crate) async fn may_have_parts_without_events(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let mut live = store.subscribe(SubscribeFrom::Now).await;
    let mut last = mark(&store).await.position;
    let witness = actor("witness-a");
    for n in 1..=5 {
        let events = series(&actor("order-a"), [n * 2 - 1, n * 2]);
        let head = store.head(&witness).await;
        let commit = Commit::events(&events).expecting_of(&witness, Expected::At(head));
        let saved = store.save(&commit).await;
        assert!(saved.position > last, "positions ascend");
        last = saved.position;
        let read = loop {
            let delivery = live.next().await;
            match &delivery {
                Delivery::Event(event) if event.actor().as_str() == "order-a" => break event.clone(),
                _ => {}
            }
        };
        assert_eq!(read.event, events[0], "the part with events comes");
        let rest = live.until(last).await;
        assert_eq!(rest.iter().map(|event| &event.event).collect::<Vec<_>>(), [&events[1]]);
    }
}
