//! Rules of what is interrupted: dropped saves, and outages.

pub(crate) mod cancellation {
    //! Saves that are dropped half way: the whole commit or nothing of it, and a store that is of use after it.

    use crate::store::Fixture;
    use crate::store::support::{Fresh, Store, actor, drop_after, event, series};
    use aether_core::{ActorId, Commit, Event};
    use std::time::Duration;

    /// How far the saves get before they are dropped.
    fn cuts() -> impl Iterator<Item = (usize, Duration)> {
        let polls = (1..=12).map(|polls| (polls, Duration::from_secs(5)));
        let times = [0, 50, 100, 200, 400, 800, 1_500, 3_000]
            .map(|micros| (usize::MAX, Duration::from_micros(micros)));
        polls.chain(times)
    }

    /// Saves the commit and drops it after a while, saves it again, and asserts that it is there, whole and once.
    async fn drop_and_save_again(
        store: &Store,
        commit: &Commit<'_>,
        events: &[Event],
        cut: (usize, Duration),
    ) {
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
}

pub(crate) mod outages {
    //! Subscriptions while the store cannot be reached, and when it has been restarted: they wait, and go on.

    use crate::store::Fixture;
    use crate::store::support::{
        Fresh, OrFail, Reader, Store, a_log, a_long_log, actor, after, all_until, assert_same, mark,
        matching, note, series,
    };
    use aether_core::{Commit, Event, EventFilter, SubscribeFrom, SubscribeOptions};
    use futures_util::future::join_all;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::Duration;

    /// How long a writer waits before it tries again.
    const RETRY: Duration = Duration::from_millis(20);

    /// Filters that let something through, and one that does not.
    fn filters() -> [EventFilter; 3] {
        [
            EventFilter::all(),
            EventFilter::category("order").types(["Paid", "Happened"]),
            EventFilter::category("nobody"),
        ]
    }

    async fn each_filter(store: &Store, from: SubscribeFrom) -> Vec<(EventFilter, Reader)> {
        let mut readers = Vec::new();
        for filter in filters() {
            let options = SubscribeOptions::from(from).filter(filter.clone());
            readers.push((filter, store.subscribe(options).await));
        }
        readers
    }

    pub(crate) async fn lose_nothing(fixture: &dyn Fixture) {
        let store = Fresh::open_for_outages(fixture).await;
        let log = a_log(fixture, &store).await;
        let mut readers = each_filter(&store, SubscribeFrom::After(log.last)).await;
        for (_, reader) in &mut readers {
            reader.until_caught_up().await;
        }
        let mut unread = store.subscribe(SubscribeFrom::Now).await;
        for _ in 0..2 {
            let before = mark(&store).await.position;
            for (_, reader) in &mut readers {
                reader.until(before).await;
            }
            store.storage().cut_off().await.or_fail("cutting off the handles");
            let writer = store.another().await;
            a_log(fixture, &writer).await;
            store.storage().reconnect().await.or_fail("reconnecting the handles");
            let end = mark(&writer).await.position;
            let missed = after(&writer, before).await;
            for (filter, reader) in &mut readers {
                let read = reader.until(end).await;
                assert_same(&read, &matching(&missed, filter), format_args!("cut off meanwhile, {filter:?}"));
                reader.until_caught_up().await;
            }
        }
        let all = after(&store.another().await, log.last).await;
        let end = all.last().or_fail("finding the last event").position;
        assert_same(&unread.until(end).await, &all, "cut off twice before it was read");
    }

    pub(crate) async fn begin_where_they_were_to(fixture: &dyn Fixture) {
        let store = Fresh::open_for_outages(fixture).await;
        let log = a_log(fixture, &store).await;
        let last = log.all.last().or_fail("finding the last event").position;
        let mut readers = Vec::new();
        for from in [SubscribeFrom::Now, SubscribeFrom::After(last), SubscribeFrom::After(log.last)] {
            for (filter, mut reader) in each_filter(&store, from).await {
                // Some have been told that they have caught up, some have not been read at all.
                reader.until_caught_up().await;
                readers.push((filter.clone(), reader));
                let options = SubscribeOptions::from(from).filter(filter.clone());
                readers.push((filter, store.subscribe(options).await));
            }
        }
        store.storage().restart().await.or_fail("restarting the storage");
        let writer = store.another().await;
        note(&writer, "order-a").await;
        let next = a_log(fixture, &writer).await;
        let expected = after(&writer, last).await;
        let read = all_until(readers.iter_mut().map(|(_, reader)| reader), next.last).await;
        for ((filter, reader), read) in readers.iter_mut().zip(read) {
            let what = format_args!("restarted before anything was delivered, {filter:?}");
            assert_same(&read, &matching(&expected, filter), what);
            reader.until_caught_up().await;
        }
    }

    pub(crate) async fn go_on_in_a_replay(fixture: &dyn Fixture) {
        let store = Fresh::open_for_outages(fixture).await;
        // More than what a subscription is likely to have been sent ahead of its reading.
        let log = a_long_log(&store, 8 * 1024).await;
        let orders = EventFilter::category("order");
        let (mut all, mut some, mut unread) = (
            store.subscribe(SubscribeFrom::Start).await,
            store.subscribe(SubscribeOptions::default().filter(orders.clone())).await,
            store.subscribe(SubscribeFrom::Start).await,
        );
        let mut read = all.events(101).await;
        let mut read_some = some.events(51).await;
        store.storage().cut_off().await.or_fail("cutting off the handles");
        store.storage().reconnect().await.or_fail("reconnecting the handles");
        read.extend(all.events(101).await);
        read_some.extend(some.events(51).await);
        store.storage().restart().await.or_fail("restarting the storage");
        read.extend(all.until(log.last).await);
        read_some.extend(some.until(log.last).await);
        assert_same(&read, &log.all, "interrupted in its replay");
        assert_same(&read_some, &log.matching(&orders), "interrupted in its replay of some");
        assert_same(&unread.until(log.last).await, &log.all, "interrupted before its replay");
        for mut reader in [all, some, unread] {
            assert!(reader.until_caught_up().await.is_empty(), "everything had come");
        }
    }

    /// Saves one commit after the other, each until it stands, and some more when it is told to stop.
    async fn write_on(writer: usize, store: Store, saved: Arc<AtomicUsize>, stop: Arc<AtomicBool>) {
        let actor = actor(format!("order-{writer}"));
        let mut left = 5;
        for n in 0.. {
            if left == 0 {
                break;
            }
            if stop.load(Ordering::SeqCst) {
                left -= 1;
            }
            let events: Vec<Event> = series(&actor, [n * 2 + 1, n * 2 + 2]);
            loop {
                match store.try_save(&Commit::events(&events)).await {
                    Ok(_) => break,
                    // It may stand nevertheless; the same commit is recognised.
                    Err(error) if error.is_retryable() => tokio::time::sleep(RETRY).await,
                    Err(error) => Err(error).or_fail("saving through an outage"),
                }
            }
            saved.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn go_on_live(fixture: &dyn Fixture) {
        const LIVE_WRITERS: usize = 3;
        let store = Fresh::open_for_outages(fixture).await;
        let (saved, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let readers = each_filter(&store, SubscribeFrom::Start).await;
        let handles = store.handles(LIVE_WRITERS).await;
        let write = |(writer, handle)| tokio::spawn(write_on(writer, handle, saved.clone(), stop.clone()));
        let writers: Vec<_> = handles.into_iter().enumerate().map(write).collect();
        let more = async |commits: usize| {
            let goal = saved.load(Ordering::SeqCst) + commits;
            while saved.load(Ordering::SeqCst) < goal {
                tokio::time::sleep(RETRY).await;
            }
        };
        // They are read while it happens.
        let follow = |(filter, mut reader): (EventFilter, Reader)| {
            let stop = stop.clone();
            tokio::spawn(async move {
                let mut read = Vec::new();
                while !stop.load(Ordering::SeqCst) {
                    read.extend(reader.next_event().await);
                }
                (filter, reader, read)
            })
        };
        let following: Vec<_> = readers.into_iter().map(follow).collect();
        more(20).await;
        store.storage().restart().await.or_fail("restarting the storage");
        more(20).await;
        stop.store(true, Ordering::SeqCst);
        for writer in join_all(writers).await {
            writer.or_fail("a writer");
        }
        let witness = store.another().await;
        let end = mark(&witness).await.position;
        let all = witness.all().await;
        for reader in join_all(following).await {
            let (filter, mut reader, mut read) = reader.or_fail("a reader");
            read.extend(reader.until(end).await);
            assert_same(&read, &matching(&all, &filter), format_args!("read through a restart, {filter:?}"));
            reader.until_caught_up().await;
        }
    }
}
