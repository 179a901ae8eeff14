//! Subscriptions while servers and connections fail.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::common::{actor, config, event, next, next_event, until, until_caught_up};
use aether_core::{
    Delivery, EventFilter, EventStoreExt, Position, Subscribe, SubscribeFrom, SubscribeOptions, Subscription,
};
use aether_nats_server::{NatsServer, Proxy, Verdict};
use aether_store_jetstream::{Denials, JetStreamConfig, JetStreamEventStore, Timeouts};
use futures_util::StreamExt;
use futures_util::future::join_all;

async fn connect(url: &str) -> async_nats::Client {
    let options = async_nats::ConnectOptions::new().retry_on_initial_connect().max_reconnects(None);
    options.reconnect_delay_callback(|_| Duration::from_millis(50)).connect(url).await.unwrap()
}

async fn save(store: &JetStreamEventStore, version: u64) -> Position {
    store.save_event(&event(&actor("a-1"), version)).await.unwrap().position
}

async fn restart(server: &std::sync::Arc<NatsServer>) {
    let server = server.clone();
    let restarted = tokio::task::spawn_blocking(move || server.kill().and_then(|()| server.restart()));
    restarted.await.unwrap().unwrap();
}

async fn start() -> std::sync::Arc<NatsServer> {
    tokio::task::spawn_blocking(|| NatsServer::builder().start()).await.unwrap().unwrap().into()
}

fn versions(events: &[aether_core::RecordedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.version().get()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_before_the_first_delivery_moves_no_beginning() {
    let server = start().await;
    let store = JetStreamEventStore::create(connect(&server.url()).await, config()).await.unwrap();
    let mut saved = Vec::new();
    for version in 1..=10 {
        saved.push(save(&store, version).await);
    }
    let mut subscriptions: Vec<(Subscription, u64)> = Vec::new();
    for (from, first) in
        [(SubscribeFrom::Start, 1), (SubscribeFrom::After(saved[4]), 6), (SubscribeFrom::Now, 11)]
    {
        subscriptions.push((store.subscribe(&from.into()).await.unwrap(), first));
    }
    // The one that begins now has said that it has, and has delivered nothing.
    assert_eq!(next(&mut subscriptions[2].0).await, Delivery::CaughtUp);
    restart(&server).await;
    let last = save(&store, 11).await;
    for (subscription, first) in &mut subscriptions {
        assert_eq!(versions(&until(subscription, last).await), (*first..=11).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_goes_on_after_a_restart_and_says_that_it_was_behind() {
    let server = start().await;
    let store = JetStreamEventStore::create(connect(&server.url()).await, config()).await.unwrap();
    let mut subscription = store.subscribe(&SubscribeOptions::default()).await.unwrap();
    for version in 1..=5 {
        save(&store, version).await;
    }
    until_caught_up(&mut subscription).await;
    for version in 6..=7 {
        let reading = tokio::spawn(async move {
            let mut told = Vec::new();
            loop {
                let delivery = next(&mut subscription).await;
                told.push(delivery.clone());
                if told.contains(&Delivery::FellBehind) && delivery == Delivery::CaughtUp {
                    return (subscription, told);
                }
            }
        });
        restart(&server).await;
        let last = save(&store, version).await;
        let (back, told) = reading.await.unwrap();
        subscription = back;
        assert_eq!(told.iter().filter(|told| **told == Delivery::FellBehind).count(), 1, "{told:?}");
        let mut events: Vec<_> = told.iter().filter_map(Delivery::position).collect();
        if !events.contains(&last) {
            events.extend(until(&mut subscription, last).await.iter().map(|event| event.position));
        }
        assert!(events.windows(2).all(|pair| pair[0] < pair[1]), "{events:?}");
        assert!(events.contains(&last), "{events:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_is_waited_for() {
    let server = start().await;
    let store = JetStreamEventStore::create(connect(&server.url()).await, config()).await.unwrap();
    let first = save(&store, 1).await;
    let mut subscription = store.subscribe(&SubscribeOptions::default()).await.unwrap();
    until(&mut subscription, first).await;
    assert_eq!(next(&mut subscription).await, Delivery::CaughtUp);
    server.pause().unwrap();
    assert_eq!(next(&mut subscription).await, Delivery::FellBehind);
    server.resume().unwrap();
    assert!(until_caught_up(&mut subscription).await.is_empty());
    let second = save(&store, 2).await;
    assert_eq!(versions(&until(&mut subscription, second).await), [2]);
}

/// Messages that are lost on the way, as a client that is too slow loses them, are noticed and read again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_are_lost_on_the_way_come_all_the_same() {
    const EVENTS: u64 = 500;
    let server = start().await;
    let writer = JetStreamEventStore::create(connect(&server.url()).await, config()).await.unwrap();
    let proxy = Proxy::start(server.addr()).unwrap();
    let lost = AtomicU64::new(0);
    proxy.on_server_message(move |frame| {
        let is_delivery = frame.reply.is_some_and(|reply| reply.starts_with("$JS.ACK."));
        let count = lost.fetch_add(u64::from(is_delivery), Ordering::Relaxed);
        if is_delivery && count % 97 == 13 { Verdict::Drop } else { Verdict::Pass }
    });
    let namespace = writer.namespace().unwrap().to_owned();
    let config = JetStreamConfig::new("events").namespace(namespace);
    let reader = JetStreamEventStore::open(connect(&proxy.url()).await, config).await.unwrap();
    for version in 1..=EVENTS / 2 {
        save(&writer, version).await;
    }
    let mut subscription = reader.subscribe(&SubscribeOptions::default()).await.unwrap();
    let writing = tokio::spawn(async move {
        for version in EVENTS / 2 + 1..=EVENTS {
            save(&writer, version).await;
        }
    });
    for version in 1..=EVENTS {
        assert_eq!(next_event(&mut subscription).await.version().get(), version);
    }
    writing.await.unwrap();
    assert!(proxy.stats().dropped > 3);
}

/// No message follows that would show the gap: the heartbeat does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_message_comes_though_it_was_lost_on_the_way() {
    let server = start().await;
    let writer = JetStreamEventStore::create(connect(&server.url()).await, config()).await.unwrap();
    let proxy = Proxy::start(server.addr()).unwrap();
    let lost = AtomicU64::new(0);
    proxy.on_server_message(move |frame| {
        let is_delivery = frame.reply.is_some_and(|reply| reply.starts_with("$JS.ACK."));
        let is_first = is_delivery && lost.fetch_add(1, Ordering::Relaxed) == 0;
        if is_first { Verdict::Drop } else { Verdict::Pass }
    });
    let namespace = writer.namespace().unwrap().to_owned();
    let config = JetStreamConfig::new("events").namespace(namespace);
    let reader = JetStreamEventStore::open(connect(&proxy.url()).await, config).await.unwrap();
    let mut subscription = reader.subscribe(&SubscribeOptions::default()).await.unwrap();
    assert!(until_caught_up(&mut subscription).await.is_empty());
    let only = save(&writer, 1).await;
    assert_eq!(versions(&until(&mut subscription, only).await), [1]);
    assert_eq!(proxy.stats().dropped, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_lose_nothing() {
    const EVENTS: u64 = 400;
    let server = start().await;
    let writer = JetStreamEventStore::create(connect(&server.url()).await, config()).await.unwrap();
    let proxy = Proxy::start(server.addr()).unwrap();
    let namespace = writer.namespace().unwrap().to_owned();
    let config = JetStreamConfig::new("events").namespace(namespace);
    let reader = JetStreamEventStore::open(connect(&proxy.url()).await, config).await.unwrap();
    let category = SubscribeOptions::default().filter(EventFilter::category("a"));
    let mut subscriptions = Vec::new();
    for options in [SubscribeOptions::default(), category] {
        subscriptions.push(reader.subscribe(&options).await.unwrap());
    }
    let writing = tokio::spawn(async move {
        for version in 1..=EVENTS {
            save(&writer, version).await;
            if version % 50 == 0 {
                proxy.cut();
                tokio::time::sleep(Duration::from_millis(20)).await;
                proxy.restore();
            }
        }
        proxy
    });
    let reading = subscriptions.into_iter().map(|mut subscription| async move {
        for version in 1..=EVENTS {
            assert_eq!(next_event(&mut subscription).await.version().get(), version);
        }
    });
    futures_util::future::join_all(reading).await;
    writing.await.unwrap();
}

/// Events that had come in time, but were not read before the connection went, are checked again when they are read again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_expires_during_an_outage_is_not_passed_over() {
    const OLD: u64 = 20;
    const YOUNG: u64 = 1400;
    let server = start().await;
    let config = config().stream_retention(Duration::from_secs(3));
    let writer = JetStreamEventStore::create(connect(&server.url()).await, config.clone()).await.unwrap();
    let proxy = Proxy::start(server.addr()).unwrap();
    let mut timeouts = Timeouts::default();
    (timeouts.attempt, timeouts.read) = (Duration::from_millis(250), Duration::from_millis(500));
    let config = config.timeouts(timeouts);
    let reader = JetStreamEventStore::open(connect(&proxy.url()).await, config).await.unwrap();
    let mut subscription = reader.subscribe(&SubscribeOptions::default()).await.unwrap();
    assert!(until_caught_up(&mut subscription).await.is_empty());
    // More than may wait; the first of it is older.
    let save_all = async |category: &str, count: u64| {
        let saves = (1..=count).map(|number| {
            let event = event(&actor(&format!("{category}-{number}")), 1);
            let writer = &writer;
            async move { writer.save_event(&event).await.unwrap().position }
        });
        join_all(saves).await.into_iter().reduce(|a, b| if a < b { a } else { b }).unwrap()
    };
    let old = save_all("old", OLD).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    save_all("young", YOUNG).await;
    while next(&mut subscription).await != Delivery::FellBehind {}
    proxy.cut();
    let expired = async {
        while writer.subscribe(&SubscribeOptions::from(SubscribeFrom::After(old))).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let reading = async {
        let mut events = 0;
        loop {
            match subscription.next().await.unwrap() {
                Ok(Delivery::Event(_)) => events += 1,
                Ok(_) => {}
                Err(error) => return (events, error),
            }
        }
    };
    let ((), (events, error)) = tokio::join!(
        async {
            expired.await;
            proxy.restore();
        },
        async { tokio::time::timeout(Duration::from_secs(20), reading).await.unwrap() }
    );
    assert!(matches!(error, aether_core::ReadError::PositionExpired { .. }), "{error}");
    assert!(events < OLD, "{events}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_permission_ends_it() {
    let users = r#"authorization { users: [
        { user: admin, password: p },
        { user: reader, password: p, permissions: {
            publish: { allow: [">"], deny: ["$JS.API.CONSUMER.CREATE.>"] }, subscribe: ">" } } ] }"#;
    let server = tokio::task::spawn_blocking(move || NatsServer::builder().config_extra(users).start());
    let server = server.await.unwrap().unwrap();
    let admin = async_nats::ConnectOptions::with_user_and_password("admin".into(), "p".into());
    let config = config();
    let client = admin.connect(server.url()).await.unwrap();
    JetStreamEventStore::create(client, config.clone()).await.unwrap();
    let denials = Denials::new();
    let options = async_nats::ConnectOptions::with_user_and_password("reader".into(), "p".into());
    let client = denials.watch(options).connect(server.url()).await.unwrap();
    let store = JetStreamEventStore::open(client, config.denials(denials)).await.unwrap();
    let mut subscription = store.subscribe(&SubscribeOptions::default()).await.unwrap();
    let error = subscription.next().await.unwrap().unwrap_err();
    assert!(matches!(error, aether_core::ReadError::PermissionDenied { .. }), "{error}");
    assert!(subscription.next().await.is_none());
}
