//! One real server.

use std::time::Duration;

use aether_coordination::singleton::SingletonError;
use aether_coordination::{Key, KeyValue};
use aether_nats_server::{NatsServer, Proxy, shared_r1};
use async_nats::jetstream;
use tokio::time::{Instant, sleep};

use crate::singleton::{NAME, bucket, connect, hasty, held};

const PATIENCE: Duration = Duration::from_secs(10);

fn key() -> Key {
    Key::root("singleton").child(NAME).child("holder")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_is_followed_at_once_and_the_key_is_never_immortal() {
    let (url, bucket) = (shared_r1().unwrap(), bucket());
    let coordination = connect(&[url], &bucket).await;
    let stream = format!("KV_{}", bucket.bucket_name());
    let stream = jetstream::new(coordination.client().clone()).get_stream(stream).await.unwrap();
    let subject = format!("$KV.{}.{}", bucket.bucket_name(), key());
    let mut holder = hasty(coordination.clone()).join().await.unwrap();
    let mut epoch = 0;
    // The first takes over nothing, the others a tombstone; each renews.
    for _ in 0..4 {
        let term = held(&holder, PATIENCE).await;
        assert!(term.epoch() > epoch);
        epoch = term.epoch();
        let next = hasty(coordination.clone()).join().await.unwrap();
        let deadline = Instant::now() + PATIENCE;
        let mut renewals = 0;
        while renewals < 2 {
            assert!(Instant::now() < deadline && term.is_held() && !next.is_held());
            let stored = stream.get_last_raw_message_by_subject(&subject).await.unwrap();
            assert_eq!(stored.headers.get("Nats-TTL").map(|ttl| ttl.as_str()), Some("3"));
            renewals = stored.sequence - epoch;
            sleep(Duration::from_millis(20)).await;
        }
        let left = Instant::now();
        holder.leave().await.unwrap();
        held(&next, PATIENCE).await;
        assert!(left.elapsed() < Duration::from_secs(1), "{:?}", left.elapsed());
        holder = next;
    }
    // And what nobody renews goes.
    drop(holder);
    let dropped = Instant::now();
    while coordination.get(&key()).await.unwrap().is_some() {
        assert!(dropped.elapsed() < Duration::from_secs(6), "the key is immortal");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_killed_is_followed_within_its_time_to_live_and_a_poll() {
    let (url, bucket) = (shared_r1().unwrap(), bucket());
    let coordination = connect(&[url], &bucket).await;
    let one = hasty(coordination.clone()).join().await.unwrap();
    let first = held(&one, PATIENCE).await;
    let two = hasty(coordination.clone()).join().await.unwrap();
    drop(one);
    let killed = Instant::now();
    let second = held(&two, PATIENCE).await;
    let waited = killed.elapsed();
    // The server may take a second more to let a key expire.
    assert!((Duration::from_secs(2)..Duration::from_millis(4_800)).contains(&waited), "{waited:?}");
    assert!(second.epoch() > first.epoch() && !first.is_held());
    // What has expired is leased again, and goes again.
    drop(two);
    let three = hasty(coordination).join().await.unwrap();
    assert!(held(&three, PATIENCE).await.epoch() > second.epoch());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_acknowledgement_costs_no_term() {
    let server = NatsServer::builder().start().unwrap();
    let proxy = Proxy::start(server.addr()).unwrap();
    let bucket = bucket().attempt(Duration::from_millis(200));
    let coordination = connect(&[proxy.url()], &bucket).await;
    proxy.swallow_acks(1);
    let singleton = hasty(coordination.clone()).join().await.unwrap();
    let term = held(&singleton, PATIENCE).await;
    for _ in 0..5 {
        let dropped = proxy.stats().dropped;
        proxy.swallow_acks(1);
        while proxy.stats().dropped == dropped {
            sleep(Duration::from_millis(10)).await;
        }
        sleep(Duration::from_millis(500)).await;
        assert!(term.is_held());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_cut_off_stops_before_another_begins() {
    let server = NatsServer::builder().start().unwrap();
    let proxy = Proxy::start(server.addr()).unwrap();
    let bucket = bucket();
    let (behind, direct) = (connect(&[proxy.url()], &bucket).await, connect(&[server.url()], &bucket).await);
    let one = hasty(behind).join().await.unwrap();
    let first = held(&one, PATIENCE).await;
    let two = hasty(direct).join().await.unwrap();
    proxy.blackhole();
    let second = {
        let lost = async {
            first.lost().await;
            assert!(!two.is_held());
            Instant::now()
        };
        let followed = async { (held(&two, PATIENCE).await, Instant::now()) };
        let (lost, (second, followed)) = tokio::join!(lost, followed);
        assert!(followed > lost);
        second
    };
    proxy.restore();
    assert!(second.epoch() > first.epoch() && !one.is_held());
    two.leave().await.unwrap();
    assert!(held(&one, PATIENCE).await.epoch() > second.epoch());
    one.leave().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_was_made_anew_ends_its_candidates() {
    let (url, bucket) = (shared_r1().unwrap(), bucket());
    let coordination = connect(&[url], &bucket).await;
    let one = hasty(coordination.clone()).join().await.unwrap();
    let term = held(&one, PATIENCE).await;
    let stream = format!("KV_{}", bucket.bucket_name());
    jetstream::new(coordination.client().clone()).delete_stream(stream).await.unwrap();
    tokio::time::timeout(PATIENCE, term.lost()).await.unwrap();
    let error = tokio::time::timeout(PATIENCE, one.held()).await.unwrap().unwrap_err();
    assert!(matches!(error, SingletonError::Coordination(_)) && !error.is_retryable(), "{error:?}");
    one.leave().await.unwrap_err();
}
