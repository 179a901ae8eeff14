//! Several subscriptions, slow ones, and such as are dropped or not waited for.

use aether_core::{Delivery, EventFilter, SubscribeFrom, SubscribeOptions};

use crate::store::Fixture;
use crate::store::support::{
    Fresh, OrFail, WRITERS, a_log, actor, assert_same, mark, matching, race, save_next, typed,
};

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
