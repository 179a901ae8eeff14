//! What users see, within one process, where time is the test's.

use std::sync::Arc;
use std::time::Duration;

use aether_coordination::singleton::Singleton;
use aether_coordination::{Condition, Key, KeyValue, MemoryCoordination};
use futures_util::StreamExt;
use tokio::time::{Instant, sleep};

use crate::singleton::{NAME, held};

const MOMENT: Duration = Duration::from_millis(100);

fn key() -> Key {
    Key::root("singleton").child(NAME).child("holder")
}

async fn join(coordination: &MemoryCoordination, candidate: &str) -> Singleton {
    let builder = Singleton::builder(Arc::new(coordination.clone()), NAME);
    builder.candidate(candidate).join().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn one_holds_it_and_goes_on_holding_it() {
    let coordination = MemoryCoordination::new();
    let (one, two) = (join(&coordination, "one").await, join(&coordination, "two").await);
    let term = held(&one, MOMENT).await;
    for _ in 0..100 {
        sleep(Duration::from_secs(1)).await;
        assert!(term.is_held() && one.is_held() && !two.is_held());
        assert!(term.remaining() > Duration::from_secs(10), "{:?}", term.remaining());
        assert_eq!(one.term().unwrap().epoch(), term.epoch());
    }
    let kept = coordination.get(&key()).await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&kept.value).contains("\"one\""));
}

#[tokio::test(start_paused = true)]
async fn who_leaves_is_followed_at_once() {
    let coordination = MemoryCoordination::new();
    let mut singleton = join(&coordination, "a").await;
    let mut epoch = 0;
    for _ in 0..20 {
        let term = held(&singleton, MOMENT).await;
        assert!(term.epoch() > epoch);
        epoch = term.epoch();
        let next = join(&coordination, "a").await;
        sleep(Duration::from_secs(3)).await;
        assert!(!next.is_held());
        singleton.leave().await.unwrap();
        assert!(!term.is_held() && term.until().is_none());
        term.lost().await;
        singleton = next;
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_dropped_is_followed_when_its_key_has_expired() {
    let coordination = MemoryCoordination::new();
    let (one, two) = (join(&coordination, "one").await, join(&coordination, "two").await);
    let term = held(&one, MOMENT).await;
    sleep(Duration::from_secs(60)).await;
    drop(one);
    let dropped = Instant::now();
    term.lost().await;
    assert!(dropped.elapsed() < MOMENT);
    let next = held(&two, Duration::from_secs(20)).await;
    assert!(next.epoch() > term.epoch());
    let waited = dropped.elapsed();
    assert!((Duration::from_secs(14)..=Duration::from_secs(19) + MOMENT).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_task_runs_while_it_is_held_and_is_dropped_when_it_is_lost() {
    let coordination = MemoryCoordination::new();
    let one = join(&coordination, "one").await;
    let (mut epochs, started) = (Vec::new(), Instant::now());
    let work = one.run(async |term| {
        epochs.push(term.epoch());
        match epochs.len() {
            1 => {
                // Somebody meddles: the key is deleted, and written.
                let entry = coordination.get(&key()).await.unwrap().unwrap();
                coordination.delete(&key(), entry.revision).await.unwrap();
                let theirs = coordination.put(&key(), "mine".into(), Condition::Absent).await.unwrap();
                tokio::spawn({
                    let coordination = coordination.clone();
                    async move {
                        sleep(Duration::from_secs(5)).await;
                        coordination.delete(&key(), theirs).await.unwrap();
                    }
                });
                std::future::pending().await
            }
            _ => "done",
        }
    });
    assert_eq!(work.await.unwrap(), "done");
    assert!(
        (Duration::from_secs(5)..Duration::from_secs(6)).contains(&started.elapsed()),
        "{:?}",
        started.elapsed()
    );
    assert!(epochs[1] > epochs[0] + 1, "{epochs:?}");
    assert!(one.is_held());
}

#[tokio::test(start_paused = true)]
async fn changes_are_told() {
    let coordination = MemoryCoordination::new();
    let (one, two) = (join(&coordination, "one").await, join(&coordination, "two").await);
    let first = held(&one, MOMENT).await.epoch();
    let (mut of_one, mut of_two) = (Box::pin(one.changes()), Box::pin(two.changes()));
    assert_eq!(of_one.next().await.unwrap().unwrap().epoch(), first);
    assert!(of_two.next().await.unwrap().is_none());
    sleep(Duration::from_secs(30)).await;
    one.leave().await.unwrap();
    assert!(of_one.next().await.is_none(), "renewals are no changes");
    assert!(of_two.next().await.unwrap().unwrap().epoch() > first);
    drop(two);
    assert!(of_two.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn times_that_do_not_go_together_are_refused() {
    let builder = Singleton::builder(Arc::new(MemoryCoordination::new()), NAME);
    let error = builder.ttl(Duration::from_secs(10)).join().await.unwrap_err();
    assert!(error.is_invalid() && !error.is_retryable());
    assert!(error.to_string().contains("`stop_after`"), "{error}");
}
