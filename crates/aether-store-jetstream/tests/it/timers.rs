//! Timers: what is left in the stream, and what was measured about schedules.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::common::{actor, client, config};
use aether_core::{DueTimer, DueTimers, Timer, TimerId, Timers};
use aether_nats_server::shared_r3;
use aether_store_jetstream::{JetStreamTimers, JetStreamTimersConfig};
use async_nats::ServerAddr;
use async_nats::jetstream::{self, stream::State};
use futures_util::StreamExt;
use futures_util::future::join_all;
use time::OffsetDateTime;

async fn timers() -> JetStreamTimers {
    JetStreamTimers::create(client().await, config()).await.unwrap()
}

fn timer(name: &str, at: OffsetDateTime, payload: &'static str) -> Timer {
    Timer::new(TimerId::new(&actor("order-1"), name).unwrap(), at, payload).unwrap()
}

fn past(name: &str) -> Timer {
    timer(name, OffsetDateTime::UNIX_EPOCH, "past")
}

async fn next(due: &mut DueTimers) -> DueTimer {
    tokio::time::timeout(Duration::from_secs(20), due.next()).await.unwrap().unwrap().unwrap()
}

async fn state(timers: &JetStreamTimers) -> State {
    let context = jetstream::new(client().await);
    context.get_stream(timers.stream_name()).await.unwrap().cached_info().state.clone()
}

/// Waits until the stream has so many messages.
async fn until_messages(timers: &JetStreamTimers, messages: u64) {
    let there = async {
        while state(timers).await.messages != messages {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), there).await.unwrap();
}

#[tokio::test]
async fn what_is_over_leaves_nothing_behind() {
    let timers = timers().await;
    let mut due = timers.due().await.unwrap();
    let later = OffsetDateTime::now_utc() + Duration::from_secs(3600);
    timers.set(&timer("kept", later, "")).await.unwrap();
    for name in ["a", "b", "c"] {
        timers.set(&timer(name, later, "first")).await.unwrap();
        timers.set(&timer(name, later, "second")).await.unwrap();
    }
    assert_eq!(state(&timers).await.messages, 4, "what was replaced is still there");
    timers.cancel(&past("a").id).await.unwrap();
    timers.cancel(&past("a").id).await.unwrap();
    assert_eq!(state(&timers).await.messages, 3, "what was cancelled is still there");
    for name in ["b", "c"] {
        timers.set(&past(name)).await.unwrap();
        let came = next(&mut due).await;
        assert_eq!(came.timer(), &past(name));
        came.done().await.unwrap();
    }
    until_messages(&timers, 1).await;
    assert_eq!(state(&timers).await.subjects_count, 1);
}

#[tokio::test]
async fn a_timer_that_was_replaced_in_its_listeners_hands_is_acknowledged_at_once() {
    let timers = timers().await;
    let mut due = timers.due().await.unwrap();
    timers.set(&past("t")).await.unwrap();
    let held = next(&mut due).await;
    let second = timer("t", OffsetDateTime::now_utc(), "second");
    timers.set(&second).await.unwrap();
    let acknowledged = tokio::time::timeout(Duration::from_secs(3), held.done()).await;
    acknowledged.unwrap().unwrap();
    let came = next(&mut due).await;
    assert_eq!(came.timer(), &second, "acknowledging the first one took the second one away");
    came.done().await.unwrap();
    until_messages(&timers, 0).await;
}

/// Replaced on their own subjects, some of these would be lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timers_that_are_replaced_while_they_are_sent_are_not_lost() {
    const TIMERS: usize = 2000;
    let urls: Vec<ServerAddr> = shared_r3().unwrap().iter().map(|url| url.parse().unwrap()).collect();
    let cluster = async_nats::connect(urls).await.unwrap();
    let timers = JetStreamTimers::create(cluster.clone(), config().replicas(3)).await.unwrap();
    let mut due = timers.due().await.unwrap();
    let first = OffsetDateTime::now_utc() + Duration::from_secs(3);
    let replacing = (0..TIMERS).map(|n| {
        let timers = timers.clone();
        tokio::spawn(async move {
            let name = format!("t{n}");
            timers.set(&timer(&name, first, "first")).await.unwrap();
            // Somewhere around the moment in which the server sends it.
            let replaced = first + Duration::from_millis(n as u64 * 7 % 400);
            let wait = (replaced - OffsetDateTime::now_utc()).try_into().unwrap_or_default();
            tokio::time::sleep(wait).await;
            let second = OffsetDateTime::now_utc() + Duration::from_secs(2);
            timers.set(&timer(&name, second, "second")).await.unwrap();
        })
    });
    let replacing = join_all(replacing);
    let listening = async {
        let mut came: BTreeMap<TimerId, usize> = BTreeMap::new();
        while came.len() < TIMERS {
            let due = next(&mut due).await;
            if due.timer().payload == "second" {
                *came.entry(due.timer().id.clone()).or_default() += 1;
            }
            due.done().await.unwrap();
        }
        came
    };
    let (replaced, came) = tokio::join!(replacing, listening);
    replaced.into_iter().for_each(Result::unwrap);
    assert!(came.values().all(|times| *times == 1), "one came twice");
    jetstream::new(cluster).delete_stream(timers.stream_name()).await.unwrap();
}

#[tokio::test]
async fn what_is_no_timer_is_dropped_and_holds_up_nothing() {
    let timers = timers().await;
    let mut due = timers.due().await.unwrap();
    let stream = timers.stream_name();
    let context = jetstream::new(client().await);
    for foreign in ["due.order.1.t.0", "due.order", "due.order.1.t.0.more"] {
        let stored = context.publish(format!("{stream}.{foreign}"), "no timer".into()).await.unwrap();
        stored.await.unwrap();
    }
    timers.set(&past("t")).await.unwrap();
    let came = next(&mut due).await;
    assert_eq!((came.timer(), came.attempt()), (&past("t"), 1));
    came.done().await.unwrap();
    until_messages(&timers, 0).await;
}

#[tokio::test]
async fn a_consumer_that_was_deleted_is_made_again() {
    let timers = timers().await;
    let mut due = timers.due().await.unwrap();
    timers.set(&past("first")).await.unwrap();
    next(&mut due).await.done().await.unwrap();
    let context = jetstream::new(client().await);
    let stream = context.get_stream(timers.stream_name()).await.unwrap();
    stream.delete_consumer("due").await.unwrap();
    timers.set(&past("second")).await.unwrap();
    let came = next(&mut due).await;
    assert_eq!(came.timer(), &past("second"));
    came.done().await.unwrap();
}

#[tokio::test]
async fn listening_ends_when_the_stream_is_gone() {
    let timers = timers().await;
    let mut due = timers.due().await.unwrap();
    timers.set(&past("first")).await.unwrap();
    next(&mut due).await.done().await.unwrap();
    jetstream::new(client().await).delete_stream(timers.stream_name()).await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(30), due.next()).await.unwrap();
    let error = ended.unwrap().unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(due.next().await.is_none());
}

#[tokio::test]
async fn what_nobody_reads_goes_to_somebody_else() {
    let ack_wait = Duration::from_secs(1);
    let config = JetStreamTimersConfig::from(config()).ack_wait(ack_wait);
    let timers = JetStreamTimers::create(client().await, config).await.unwrap();
    let mut lazy = timers.due().await.unwrap();
    for name in ["a", "b"] {
        timers.set(&past(name)).await.unwrap();
    }
    until_messages(&timers, 2).await;
    // It has been sent both, and reads one.
    let held = next(&mut lazy).await;
    let mut other = timers.due().await.unwrap();
    let mut came = BTreeSet::new();
    while came.len() < 2 {
        let due = next(&mut other).await;
        assert!(due.attempt() >= 2, "{due:?}");
        came.insert(due.timer().id.name().to_owned());
        due.done().await.unwrap();
    }
    // What it was sent so long ago is no longer its own.
    let last = past("last");
    timers.set(&last).await.unwrap();
    assert_eq!(next(&mut lazy).await.timer(), &last);
    drop(held);
}
