//! Whose bucket it is, and what other clients see of it.

use std::time::Duration;

use aether_coordination::{
    Condition, CoordinationError, Key, KeyValue, NatsConfig, NatsCoordination, Signals,
};
use aether_nats_server::unique_name;
use async_nats::jetstream;
use async_nats::jetstream::kv;
use tokio::time::Instant;

use crate::nats::{config, shared};

fn refusal<T: std::fmt::Debug>(result: Result<T, CoordinationError>) -> String {
    match result.unwrap_err() {
        CoordinationError::Refused(reason) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_created_only_when_asked_for() {
    let config = config();
    let reason = refusal(NatsCoordination::open(shared().await, config.clone()).await);
    assert!(reason.contains("NatsCoordination::create"), "{reason}");
    let created = NatsCoordination::create(shared().await, config.clone()).await.unwrap();
    let opened = NatsCoordination::open(shared().await, config.clone()).await.unwrap();
    assert_eq!(
        (created.bucket_name(), opened.bucket_name()),
        (&*config.bucket_name(), &*config.bucket_name())
    );
}

#[tokio::test]
async fn another_owners_bucket_is_refused_by_both_names() {
    let unique = unique_name("owner");
    let dotted = NatsConfig::new("groups").namespace(format!("{unique}.b"));
    let spaced = NatsConfig::new("groups").namespace(format!("{unique} b"));
    assert_eq!(dotted.bucket_name(), spaced.bucket_name());
    NatsCoordination::create(shared().await, dotted).await.unwrap();
    let reason = refusal(NatsCoordination::create(shared().await, spaced.clone()).await);
    for name in [format!("{unique}.b"), format!("{unique} b")] {
        assert!(reason.contains(&name), "{reason}");
    }
    let plain = kv::Config { bucket: unique_name("plain"), ..kv::Config::default() };
    jetstream::new(shared().await).create_key_value(plain.clone()).await.unwrap();
    let reason = refusal(NatsCoordination::open(shared().await, NatsConfig::new(plain.bucket)).await);
    assert!(reason.contains("not made by Aether"), "{reason}");
}

#[tokio::test]
async fn other_clients_read_the_bucket() {
    let coordination = NatsCoordination::create(shared().await, config()).await.unwrap();
    let bucket = jetstream::new(shared().await).get_key_value(coordination.bucket_name()).await.unwrap();
    let key = Key::root("a").child("b c");
    let revision = coordination.put(&key, "1".into(), Condition::Absent).await.unwrap();
    let entry = bucket.entry(key.as_str()).await.unwrap().unwrap();
    assert_eq!((&entry.value[..], entry.revision), (&b"1"[..], revision.get()));
    coordination.delete(&key, revision).await.unwrap();
    assert_eq!(bucket.get(key.as_str()).await.unwrap(), None);
    assert_eq!(bucket.entry(key.as_str()).await.unwrap().unwrap().operation, kv::Operation::Delete);
    // And what they write and delete is seen, also where nothing is left of it.
    let written = bucket.put(key.as_str(), "2".into()).await.unwrap();
    assert_eq!(coordination.get(&key).await.unwrap().unwrap().revision.get(), written);
    bucket.purge(key.as_str()).await.unwrap();
    assert_eq!(coordination.get(&key).await.unwrap(), None);
    bucket.stream.purge().await.unwrap();
    coordination.put(&key, "3".into(), Condition::Absent).await.unwrap();
}

#[tokio::test]
async fn a_bucket_that_was_made_anew_is_another_one() {
    let config = config();
    let name = config.bucket_name();
    let coordination = NatsCoordination::create(shared().await, config.clone()).await.unwrap();
    let other = NatsCoordination::create(shared().await, config.clone()).await.unwrap();
    let key = Key::root("a");
    let first = coordination.put(&key, "1".into(), Condition::Absent).await.unwrap();
    other.put(&key, "2".into(), Condition::At(first)).await.unwrap();
    jetstream::new(shared().await).delete_key_value(&name).await.unwrap();
    let anew = NatsCoordination::create(shared().await, config).await.unwrap();
    // A write that is accepted there is told by its sequence, at once.
    let reason = refusal(coordination.put(&key, "3".into(), Condition::Absent).await);
    assert!(reason.contains("made anew"), "{reason}");
    // A read is told within a second.
    let deadline = Instant::now() + Duration::from_secs(5);
    while other.get(&key).await.is_ok() {
        assert!(Instant::now() < deadline, "the old bucket goes on being read");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for old in [&coordination, &other] {
        refusal(old.get(&key).await);
        refusal(old.put(&key, "x".into(), Condition::At(first)).await);
        refusal(old.delete(&key, first).await);
        refusal(old.entries(&key).await);
        refusal(old.watch(&key).await.map(|_| ()));
        refusal(old.send(&key, "x".into()).await);
        refusal(old.listen(&key).await.map(|_| ()));
    }
    assert!(anew.get(&key).await.unwrap().is_some_and(|entry| entry.value == "3"));
}

#[tokio::test]
async fn a_deleted_bucket_is_told_and_not_waited_for() {
    let coordination = NatsCoordination::create(shared().await, config()).await.unwrap();
    jetstream::new(shared().await).delete_key_value(coordination.bucket_name()).await.unwrap();
    let key = Key::root("a");
    let started = Instant::now();
    let reason = refusal(coordination.get(&key).await);
    assert!(reason.contains("deleted"), "{reason}");
    refusal(coordination.put(&key, "x".into(), Condition::Absent).await);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}
