//! Rules of subscriptions: their start, their filters, and several at the same time.

pub(crate) mod subscribing {
    //! Where a subscription begins, and that it delivers what is read.

    use crate::store::Fixture;
    use crate::store::support::{Fresh, a_log, a_long_log, after, assert_same, mark, note, save_next};
    use aether_core::{ReadFrom, SubscribeFrom};

    pub(crate) async fn begins_at_the_start(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let log = a_log(fixture, &store).await;
        let mut reader = store.subscribe(SubscribeFrom::Start).await;
        assert_same(&reader.until(log.last).await, &log.all, "from the start");
        let next = mark(&store).await;
        assert_same(&reader.until(next.position).await, std::slice::from_ref(&next), "what was saved then");
    }

    pub(crate) async fn begins_before_the_first_event(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let mut start = store.subscribe(SubscribeFrom::Start).await;
        let mut now = store.subscribe(SubscribeFrom::Now).await;
        let log = a_log(fixture, &store).await;
        assert_same(&start.until(log.last).await, &log.all, "from the start of a store that was empty");
        assert_same(&now.until(log.last).await, &log.all, "from now on, when the store was empty");
    }

    pub(crate) async fn begins_after_any_position(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let log = a_log(fixture, &store).await;
        for (index, event) in log.all.iter().enumerate() {
            let position = event.position;
            let mut reader = store.subscribe(SubscribeFrom::After(position)).await;
            let read = reader.until(log.last).await;
            assert_same(
                &read,
                &log.all[index + 1..],
                format_args!("after {position}, maybe inside of a commit"),
            );
        }
    }

    pub(crate) async fn begins_after_the_last_position(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let log = a_log(fixture, &store).await;
        let last = save_next(&store, &[("order-a", "Paid"), ("order-a", "Paid")]).await.position;
        let mut at_the_end = store.subscribe(SubscribeFrom::After(last)).await;
        at_the_end.until_caught_up().await;
        // After a commit without events, where no event ever stood.
        let noted = note(&store, "order-a").await.position;
        assert!(noted > last && last > log.last, "the position of a save is above all before it");
        let mut at_the_note = store.subscribe(SubscribeFrom::After(noted)).await;
        at_the_note.until_caught_up().await;
        for _ in 0..3 {
            let next = mark(&store).await;
            let expected = std::slice::from_ref(&next);
            assert_same(&at_the_end.until(next.position).await, expected, "after the last event");
            assert_same(&at_the_note.until(next.position).await, expected, "after the last commit");
        }
    }

    pub(crate) async fn now_is_after_what_is_there(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        for _ in 0..3 {
            let log = a_log(fixture, &store).await;
            let mut reader = store.subscribe(SubscribeFrom::Now).await;
            let next = mark(&store).await;
            let read = reader.until(next.position).await;
            assert_same(&read, std::slice::from_ref(&next), format_args!("from now on, at {}", log.last));
        }
    }

    pub(crate) async fn now_is_when_it_returns(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        a_log(fixture, &store).await;
        for from_the_same_handle in [true, false] {
            let last = store.all().await.pop().map(|event| event.position);
            let mut reader = store.subscribe(SubscribeFrom::Now).await;
            let writer =
                if from_the_same_handle { (*store).clone() } else { store.handles(2).await.remove(1) };
            // Nothing has been read of it yet.
            for _ in 0..5 {
                save_next(&writer, &[("order-a", "Paid"), ("order-a", "Paid")]).await;
            }
            let end = mark(&writer).await.position;
            let expected = store.all_from(last.map_or(ReadFrom::Start, ReadFrom::After), usize::MAX).await;
            assert_same(&reader.until(end).await, &expected, "what was saved after subscribing");
        }
    }

    pub(crate) async fn delivers_what_is_read(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let mut live = store.subscribe(SubscribeFrom::Now).await;
        live.until_caught_up().await;
        let log = a_log(fixture, &store).await;
        let mut replay = store.subscribe(SubscribeFrom::Start).await;
        for (reader, what) in [(&mut live, "as it was saved"), (&mut replay, "when it was there")] {
            let read = reader.until(log.last).await;
            assert_eq!(read.len(), log.all.len(), "the events delivered {what}");
            for (delivered, event) in read.iter().zip(&log.all) {
                assert_eq!(delivered, event, "delivered {what}, and read");
                let alone = store.events_from(event.actor(), event.version()).await;
                assert_eq!(Some(delivered), alone.first(), "delivered {what}, and read by its actor");
            }
        }
    }

    pub(crate) async fn replays_a_long_log(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let log = a_long_log(&store, 0).await;
        let mut reader = store.subscribe(SubscribeFrom::Start).await;
        assert_same(&reader.until(log.last).await, &log.all, "a long log from the start");
        let middle = log.all[log.all.len() / 2].position;
        let mut reader = store.subscribe(SubscribeFrom::After(middle)).await;
        assert_same(
            &reader.until(log.last).await,
            &after(&store, middle).await,
            "a long log from its middle",
        );
    }
}

pub(crate) mod filters {
    //! Which events a subscription delivers.

    use crate::store::Fixture;
    use crate::store::support::{
        Fresh, a_log, actor, after, all_until, assert_same, event, mark, matching, save_next,
    };
    use aether_core::{ActorPattern, EventFilter, SubscribeFrom, SubscribeOptions};

    /// Asserts that a subscription delivers what the filter lets through, of what is there and of what is saved then; how
    /// many events there were.
    async fn holds(fixture: &dyn Fixture, store: &Fresh, filter: EventFilter) -> usize {
        let log = a_log(fixture, store).await;
        let mut replay = store.subscribe(SubscribeOptions::default().filter(filter.clone())).await;
        let mut live =
            store.subscribe(SubscribeOptions::from(SubscribeFrom::Now).filter(filter.clone())).await;
        let expected = log.matching(&filter);
        assert_same(&replay.until(log.last).await, &expected, format_args!("{filter:?}, of what was there"));
        a_log(fixture, store).await;
        let end = mark(store).await.position;
        let next = matching(&after(store, log.last).await, &filter);
        for read in all_until([&mut live, &mut replay], end).await {
            assert_same(&read, &next, format_args!("{filter:?}, as it was saved"));
        }
        expected.len()
    }

    pub(crate) async fn take_a_category(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        for id in ["orders-1", "order", "order-", "order-x-y", "Order-1", "invoice"] {
            store.save_event(&event(&actor(id), 1)).await;
        }
        for category in ["order", "invoice", "orders"] {
            let found = holds(fixture, &store, EventFilter::category(category)).await;
            assert!(found > 0, "there is something of {category}");
        }
        assert_eq!(holds(fixture, &store, EventFilter::category("nobody")).await, 0);
    }

    pub(crate) async fn take_one_actor(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        for id in ["order-a", "order-b", "invoice-a"] {
            assert!(holds(fixture, &store, EventFilter::actor(&actor(id))).await > 0);
        }
        assert_eq!(holds(fixture, &store, EventFilter::actor(&actor("order-c"))).await, 0);
    }

    pub(crate) async fn take_ids_literally(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let odd =
            ["order-*", "*", ">", "order-a.b", "order-a b", "order-", "order", "order-%2A", "order-ä/ö"];
        for id in odd {
            store.save_event(&event(&actor(id), 1)).await;
        }
        let filters = odd.map(|id| EventFilter::actors(ActorPattern::Actor(actor(id))));
        let mut readers = Vec::new();
        for filter in &filters {
            readers.push(store.subscribe(SubscribeOptions::default().filter(filter.clone())).await);
        }
        let end = mark(&store).await.position;
        let all = store.all().await;
        for (filter, read) in filters.iter().zip(all_until(&mut readers, end).await) {
            assert_same(&read, &matching(&all, filter), format_args!("{:?}", filter.pattern()));
        }
    }

    pub(crate) async fn take_types(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        for types in [&["Paid"][..], &["Placed"], &["Placed", "Paid", "Shipped"]] {
            let found = holds(fixture, &store, EventFilter::all().types(types.iter().copied())).await;
            assert!(found > 0, "there is something of {types:?}");
        }
        // Types are compared as they are.
        assert_eq!(holds(fixture, &store, EventFilter::all().types(["paid", "Pai", "Paid "])).await, 0);
    }

    pub(crate) async fn take_actors_and_types(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        for filter in [
            EventFilter::category("order").types(["Placed"]),
            EventFilter::category("invoice").types(["Placed", "Paid"]),
            EventFilter::actor(&actor("order-b")).types(["Paid"]),
        ] {
            assert!(holds(fixture, &store, filter.clone()).await > 0, "there is something of {filter:?}");
        }
    }

    pub(crate) async fn take_types_that_nobody_has(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        for filter in
            [EventFilter::all(), EventFilter::category("order"), EventFilter::actor(&actor("order-a"))]
        {
            assert_eq!(holds(fixture, &store, filter.clone().types(["Shipped"])).await, 0);
        }
        // Until somebody has them.
        let filter = EventFilter::category("order").types(["Shipped"]);
        let mut reader = store.subscribe(SubscribeOptions::default().filter(filter)).await;
        reader.until_caught_up().await;
        let saved =
            save_next(&store, &[("order-a", "Paid"), ("order-a", "Shipped"), ("order-a", "Paid")]).await;
        let read = reader.until(saved.position).await;
        assert_eq!(read.len(), 1, "one event of the commit matches");
        assert_eq!(read[0].event_type(), "Shipped");
    }

    pub(crate) async fn take_nothing_of_no_types(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        assert_eq!(holds(fixture, &store, EventFilter::all().types(<[&str; 0]>::default())).await, 0);
    }
}

pub(crate) mod subscriptions {
    //! Several subscriptions, slow ones, and such as are dropped or not waited for.

    use crate::store::Fixture;
    use crate::store::support::{
        Fresh, OrFail, WRITERS, a_log, actor, assert_same, mark, matching, race, save_next, typed,
    };
    use aether_core::{Delivery, EventFilter, SubscribeFrom, SubscribeOptions};

    pub(crate) async fn are_independent(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let log = a_log(fixture, &store).await;
        let orders = EventFilter::category("order");
        let mut readers = [
            store.subscribe(SubscribeFrom::Start).await,
            store.subscribe(SubscribeFrom::Start).await,
            store.subscribe(SubscribeOptions::default().filter(orders.clone())).await,
        ];
        // The first goes ahead of the others.
        let mut read = readers.each_ref().map(|_| Vec::new());
        read[0] = readers[0].until(log.last).await;
        read[1] = readers[1].events(3).await;
        let end = mark(&store).await.position;
        for (reader, read) in readers.iter_mut().zip(&mut read) {
            read.extend(reader.until(end).await);
        }
        let all = store.all().await;
        assert_same(&read[0], &all, "the one that went ahead");
        assert_same(&read[1], &all, "the one that came after it");
        assert_same(&read[2], &matching(&all, &orders), "the one that filters");
    }

    pub(crate) async fn may_be_dropped(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        a_log(fixture, &store).await;
        let mut stays = store.subscribe(SubscribeFrom::Start).await;
        let mut unread = store.subscribe(SubscribeFrom::Now).await;
        let mut read = stays.events(2).await;
        for round in 0..4 {
            // One that has read nothing, one in the middle of its replay, and one that has caught up.
            drop(store.subscribe(SubscribeFrom::Start).await);
            let mut dropped = store.subscribe(SubscribeFrom::Start).await;
            dropped.events(3).await;
            if round % 2 == 0 {
                dropped.until_caught_up().await;
            }
            drop(dropped);
            read.extend(stays.events(2).await);
            save_next(&store, &[("order-a", "Paid"), ("order-a", "Placed")]).await;
        }
        let end = mark(&store).await;
        read.extend(stays.until(end.position).await);
        assert_same(&read, &store.all().await, "the one that stayed");
        let read = unread.until(end.position).await;
        assert_eq!(read.len(), 9, "one that began before");
        assert_eq!(read.last(), Some(&end));
    }

    pub(crate) async fn may_be_slow(fixture: &dyn Fixture) {
        /// So many that it is worth saying, for any store.
        const COMMITS: u64 = 200;
        let store = Fresh::open(fixture).await;
        let handles = store.handles(WRITERS).await;
        let paid = SubscribeOptions::default().filter(EventFilter::all().types(["Paid"]));
        let mut slow = store.subscribe(SubscribeFrom::Start).await;
        let mut unread = store.subscribe(paid.clone()).await;
        slow.until_caught_up().await;
        let mut read = Vec::new();
        for round in 0..2 {
            // Nobody reads meanwhile.
            race(&handles, |writer, handle| async move {
                let actor = actor(format!("order-{writer}"));
                for n in round * COMMITS..(round + 1) * COMMITS {
                    let events = [typed(&actor, n * 2 + 1, "Placed"), typed(&actor, n * 2 + 2, "Paid")];
                    handle.save_events(&events).await;
                }
            })
            .await;
            let end = mark(&store).await.position;
            read.extend(slow.until(end).await);
            // A reader holds its subscription to not catching up twice without having fallen behind.
            slow.until_caught_up().await;
            assert_same(&read, &store.all().await, "read late");
        }
        let all = store.all().await;
        let end = all.last().or_fail("finding the last event").position;
        assert_same(&unread.until(end).await, &matching(&all, &paid.filter), "not read before all was saved");
        unread.until_caught_up().await;
    }

    pub(crate) async fn need_not_be_waited_for(fixture: &dyn Fixture) {
        const SAVED: usize = 30;
        let store = Fresh::open(fixture).await;
        let log = a_log(fixture, &store).await;
        let mut reader = store.subscribe(SubscribeFrom::Start).await;
        let writer = (*store).clone();
        let writing = tokio::spawn(async move {
            for _ in 0..SAVED {
                mark(&writer).await;
            }
        });
        let mut read = Vec::new();
        while read.len() < log.all.len() + SAVED {
            // Each wait is given up once, and taken up again by whoever waits then.
            let delivery = match reader.next_now() {
                Some(delivery) => delivery,
                None => reader.next().await,
            };
            if let Delivery::Event(event) = delivery {
                read.push(event);
            }
        }
        writing.await.or_fail("the writer");
        assert_same(&read, &store.all().await, "with every wait given up once");
    }

    pub(crate) async fn see_other_handles(fixture: &dyn Fixture) {
        let store = Fresh::open(fixture).await;
        let other = store.another().await;
        let mut readers = [
            store.subscribe(SubscribeFrom::Start).await,
            other.subscribe(SubscribeFrom::Start).await,
            store.subscribe(SubscribeFrom::Now).await,
        ];
        for n in 0..10 {
            let writer = if n % 2 == 0 { &*store } else { &other };
            let position = save_next(writer, &[("order-a", "Placed"), ("order-a", "Paid")]).await.position;
            let last = store.all().await.split_off(n * 2);
            for reader in &mut readers {
                assert_same(&reader.until(position).await, &last, "saved through either handle");
            }
        }
    }

    pub(crate) async fn of_namespaces_are_apart(fixture: &dyn Fixture) {
        let storage = Fresh::open(fixture).await;
        let stores = [
            storage.namespaced("tenant-a", "events").await,
            storage.namespaced("tenant-b", "events").await,
            storage.namespaced("tenant-a", "audit").await,
        ];
        let mut readers = Vec::new();
        for store in &stores {
            readers.push(store.subscribe(SubscribeFrom::Start).await);
        }
        for store in &stores {
            save_next(store, &[("order-a", "Placed"), ("order-a", "Paid")]).await;
        }
        for (store, reader) in stores.iter().zip(&mut readers) {
            let end = mark(store).await.position;
            let read = reader.until(end).await;
            assert_same(&read, &store.all().await, "of its own namespace and stream");
            assert_eq!(read.len(), 3, "and of no other");
        }
    }
}
