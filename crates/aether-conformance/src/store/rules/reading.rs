//! Reading events: of one actor forward and backward, and of all actors.

use aether_core::{Commit, Position, ReadFrom, RecordedEvent, Version};
use time::{Duration, OffsetDateTime};

use crate::store::Fixture;
use crate::store::support::{Fresh, OrFail, Store, actor, event, numbers, series, v};

/// Saves commits of one to three events of three actors; all events, in order.
async fn a_log(store: &Store) -> Vec<RecordedEvent> {
    let actors = [actor("order-a"), actor("order-b"), actor("invoice-c")];
    let mut next = [1, 1, 1];
    for n in 0..12_u64 {
        let index = usize::try_from(n % 3).unwrap_or(0);
        let count = 1 + n % 4 % 3;
        store.save_events(&series(&actors[index], next[index]..next[index] + count)).await;
        next[index] += count;
        if n % 5 == 0 {
            let head = store.head(&actors[index]).await;
            store.save(&Commit::note_only(&actors[index], head, b"note")).await;
        }
    }
    store.all().await
}

fn positions(events: &[RecordedEvent]) -> Vec<Position> {
    events.iter().map(|event| event.position).collect()
}

pub(crate) async fn unknown_actor_has_nothing(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    store.save_each(&actor("order-1"), [1, 2]).await;
    let nobody = actor("order-2");
    assert!(store.events(&nobody).await.is_empty());
    assert!(store.events_from(&nobody, v(1)).await.is_empty());
    assert!(store.backward(&nobody, Version::MAX).await.is_empty());
    assert!(store.commits(&nobody).await.is_empty());
    assert_eq!(store.version(&nobody).await, 0);
}

pub(crate) async fn from_is_inclusive(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    store.save_each(&order, [3, 4]).await;
    store.save_events(&series(&order, [6, 8, 9])).await;
    store.save_event(&event(&order, 20)).await;
    let versions = [3, 4, 6, 8, 9, 20];
    for from in (0..=22).chain([u64::MAX]) {
        let expected: Vec<u64> = versions.into_iter().filter(|&version| version >= from).collect();
        assert_eq!(numbers(&store.events_from(&order, v(from)).await), expected, "read from version {from}");
    }
}

pub(crate) async fn backward_is_newest_first(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    store.save_each(&order, [3, 4]).await;
    store.save_events(&series(&order, [6, 8, 9])).await;
    store.save_event(&event(&order, 20)).await;
    let versions = [20, 9, 8, 6, 4, 3];
    for from in (0..=22).chain([u64::MAX]) {
        let expected: Vec<u64> = versions.into_iter().filter(|&version| version <= from).collect();
        assert_eq!(
            numbers(&store.backward(&order, v(from)).await),
            expected,
            "read backward from version {from}"
        );
    }
    let mut backward = store.backward(&order, Version::MAX).await;
    backward.reverse();
    assert_eq!(backward, store.events(&order).await, "the same events in the other order");
}

pub(crate) async fn a_long_history_is_in_order(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let (order, other) = (actor("order-1"), actor("order-2"));
    let mut next = 1;
    for commit in 0..200 {
        let count = 1 + commit % 4;
        store.save_events(&series(&order, next..next + count)).await;
        next += count;
        store.save_event(&event(&other, commit + 1)).await;
    }
    let expected: Vec<u64> = (1..next).collect();
    assert_eq!(store.versions(&order).await, expected);
    let mut backward = numbers(&store.backward(&order, Version::MAX).await);
    backward.reverse();
    assert_eq!(backward, expected, "read backward");
    assert_eq!(numbers(&store.events_from(&order, v(400)).await), (400..next).collect::<Vec<_>>());
    assert_eq!(store.commits(&order).await.len(), 200);
    assert_eq!(store.versions(&other).await.len(), 200);
}

pub(crate) async fn all_are_in_the_order_of_positions(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let all = a_log(&store).await;
    assert_eq!(all.len(), 21, "all events are there");
    assert!(all.windows(2).all(|pair| pair[0].position < pair[1].position), "positions ascend strictly");
    for actor in [actor("order-a"), actor("order-b"), actor("invoice-c")] {
        let own: Vec<_> = all.iter().filter(|event| *event.actor() == actor).cloned().collect();
        assert_eq!(own, store.events(&actor).await, "{actor} read with all others and alone");
    }
}

pub(crate) async fn limit_is_kept(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let all = a_log(&store).await;
    for limit in 0..=all.len() + 1 {
        let read = store.all_from(ReadFrom::Start, limit).await;
        assert_eq!(positions(&read), positions(&all[..limit.min(all.len())]), "with a limit of {limit}");
    }
}

pub(crate) async fn resumes_after_every_position(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let all = a_log(&store).await;
    for (index, event) in all.iter().enumerate() {
        let rest = store.all_from(ReadFrom::After(event.position), usize::MAX).await;
        assert_eq!(
            positions(&rest),
            positions(&all[index + 1..]),
            "read after {}, which may be inside of a commit",
            event.position
        );
    }
}

pub(crate) async fn pages_make_the_whole(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let all = a_log(&store).await;
    for size in [1, 2, 4] {
        let (mut read, mut from) = (Vec::new(), ReadFrom::Start);
        loop {
            let page = store.all_from(from, size).await;
            let Some(last) = page.last() else { break };
            from = ReadFrom::After(last.position);
            read.extend(page);
            assert!(read.len() <= all.len(), "pages of {size} repeat events");
        }
        assert_eq!(read, all, "in pages of {size}");
    }
}

pub(crate) async fn saved_position_is_the_last_events(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    for (first, last) in [(1, 1), (2, 4), (5, 5)] {
        let saved = store.save_events(&series(&order, first..=last)).await;
        let read = store.events_from(&order, v(last)).await;
        assert_eq!(positions(&read), [saved.position], "the position of version {last}");
        assert!(
            store.all_from(ReadFrom::After(saved.position), 9).await.is_empty(),
            "after the position of the last save there is nothing yet"
        );
    }
}

pub(crate) async fn is_the_same_everywhere(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    for event in a_log(&store).await {
        let actor = event.actor();
        let forward = store.events_from(actor, event.version()).await;
        assert_eq!(forward.first(), Some(&event), "read forward");
        let backward = store.backward(actor, event.version()).await;
        assert_eq!(backward.first(), Some(&event), "read backward");
        let commits = store.commits(actor).await;
        assert!(commits.iter().any(|commit| commit.events.contains(&event)), "read by commits: {event:?}");
    }
}

pub(crate) async fn tells_when_it_was_recorded(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    let long_ago = OffsetDateTime::UNIX_EPOCH;
    let old = aether_core::Event::builder(&order, v(1), "Happened").timestamp(long_ago).build();
    let old = old.or_fail("making an event");
    let head = store.save_event(&old).await.head;
    store.save(&Commit::note_only(&order, head, b"note")).await;
    // The store's clock need not be this machine's, only a clock.
    let near = |time: OffsetDateTime| (time - OffsetDateTime::now_utc()).abs() < Duration::DAY;
    let event = store.events(&order).await.remove(0);
    assert!(near(event.recorded_at), "recorded at {}", event.recorded_at);
    assert_eq!(event.timestamp(), long_ago, "when it happened is for whoever made the event to say");
    for commit in store.commits(&order).await {
        assert!(near(commit.recorded_at), "recorded at {}", commit.recorded_at);
    }
    assert_eq!(store.commits(&order).await[0].recorded_at, event.recorded_at);
}
