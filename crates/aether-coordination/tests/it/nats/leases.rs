//! Leases: which servers and buckets take them, and what becomes of them when acknowledgements are lost.

use std::time::Duration;

use aether_coordination::{Condition, CoordinationError, Key, KeyValue, Leases, NatsCoordination};
use aether_nats_server::{NatsServer, Proxy};
use async_nats::jetstream;
use tokio::time::{Instant, sleep};

use crate::nats::{config, create, shared};

const TTL: Duration = Duration::from_secs(1);

fn refusal(error: CoordinationError) -> String {
    match error {
        CoordinationError::Refused(reason) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

async fn wait_until_expired(coordination: &NatsCoordination, key: &Key) {
    let deadline = Instant::now() + Duration::from_secs(8);
    while coordination.get(key).await.unwrap().is_some() {
        assert!(Instant::now() < deadline, "the key is immortal");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_bucket_that_takes_none_says_so_until_it_is_switched_on() {
    let config = config();
    let name =
        NatsCoordination::create(shared().await, config.clone()).await.unwrap().bucket_name().to_owned();
    let context = jetstream::new(shared().await);
    // As it was made before there were leases.
    let mut stream = context.get_stream(format!("KV_{name}")).await.unwrap().cached_info().config.clone();
    context.delete_stream(&stream.name).await.unwrap();
    stream.allow_message_ttl = false;
    context.create_stream(&stream).await.unwrap();
    let coordination = NatsCoordination::create(shared().await, config).await.unwrap();
    let key = Key::root("a");
    let first = coordination.put(&key, "1".into(), Condition::Absent).await.unwrap();
    for error in [
        coordination.check_leases().await.unwrap_err(),
        coordination.lease(&key, "2".into(), Condition::At(first), TTL).await.unwrap_err(),
    ] {
        let reason = refusal(error);
        assert!(reason.contains(&format!("nats stream edit KV_{name} --allow-msg-ttl")), "{reason}");
    }
    assert_eq!(coordination.get(&key).await.unwrap().unwrap().revision, first);
    stream.allow_message_ttl = true;
    context.update_stream(&stream).await.unwrap();
    coordination.lease(&key, "2".into(), Condition::At(first), TTL).await.unwrap();
    wait_until_expired(&coordination, &key).await;
}

#[tokio::test]
async fn a_server_that_is_too_old_is_named_and_keeps_keys_as_before() {
    let server = NatsServer::builder().version("2.10.26").start().unwrap();
    let coordination = create(&server.url(), &config()).await;
    let key = Key::root("a");
    let reason = refusal(coordination.lease(&key, "1".into(), Condition::Absent, TTL).await.unwrap_err());
    assert!(reason.contains("2.11") && reason.contains("2.10.26"), "{reason}");
    assert_eq!(coordination.get(&key).await.unwrap(), None);
    coordination.put(&key, "1".into(), Condition::Absent).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_whose_acknowledgement_is_lost_is_recognised_and_expires() {
    let server = NatsServer::builder().version("2.11.11").start().unwrap();
    let proxy = Proxy::start(server.addr()).unwrap();
    let config = config().attempt(Duration::from_millis(200));
    let coordination = create(&proxy.url(), &config).await;
    let key = Key::root("a");
    proxy.swallow_acks(1);
    let first = coordination.lease(&key, "1".into(), Condition::Absent, TTL).await.unwrap();
    proxy.swallow_acks(1);
    let second = coordination.lease(&key, "1".into(), Condition::At(first), TTL).await.unwrap();
    assert_eq!((first.get(), second.get(), proxy.stats().dropped), (1, 2, 2));
    wait_until_expired(&coordination, &key).await;
    // Over a tombstone the question is sent twice, with another expectation: it is a lease all the same.
    let third = coordination.put(&key, "1".into(), Condition::Absent).await.unwrap();
    coordination.delete(&key, third).await.unwrap();
    proxy.swallow_acks(1);
    coordination.lease(&key, "2".into(), Condition::Absent, TTL).await.unwrap();
    wait_until_expired(&coordination, &key).await;
}
