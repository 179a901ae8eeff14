//! Writes whose acknowledgement is lost.

use std::time::Duration;

use aether_coordination::{Condition, CoordinationError, Key, KeyValue, NatsConfig};
use aether_nats_server::{NatsServer, Proxy};

use crate::nats::{config, create};

fn impatient() -> NatsConfig {
    config().attempt(Duration::from_millis(200)).deadline(Duration::from_secs(5))
}

/// A write is stored, and its acknowledgement is lost: it is recognised as stored.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_acknowledgement_is_lost_is_recognised() {
    let server = NatsServer::builder().start().unwrap();
    let proxy = Proxy::start(server.addr()).unwrap();
    let coordination = create(&proxy.url(), &impatient()).await;
    let key = Key::root("a");
    proxy.swallow_acks(1);
    let first = coordination.put(&key, "1".into(), Condition::Absent).await.unwrap();
    assert_eq!((first.get(), proxy.stats().dropped), (1, 1));
    proxy.swallow_acks(2);
    let second = coordination.put(&key, "1".into(), Condition::At(first)).await.unwrap();
    assert_eq!(second.get(), 2, "the same bytes once more are another write");
    proxy.swallow_acks(1);
    coordination.delete(&key, second).await.unwrap();
    assert_eq!(coordination.get(&key).await.unwrap(), None);
    proxy.swallow_acks(1);
    let last = coordination.put(&key, "1".into(), Condition::Absent).await.unwrap();
    assert_eq!(last.get(), 4);
}

/// The acknowledgement is lost, and before the writer can ask, somebody else has written on top: nobody can tell.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_was_overwritten_unseen_has_an_unknown_outcome() {
    let server = NatsServer::builder().start().unwrap();
    let proxy = Proxy::start(server.addr()).unwrap();
    let config = impatient().attempt(Duration::from_secs(1));
    let (behind, direct) = (create(&proxy.url(), &config).await, create(&server.url(), &config).await);
    let key = Key::root("a");
    let first = direct.put(&key, "1".into(), Condition::Absent).await.unwrap();
    proxy.swallow_acks(1);
    let write = {
        let (behind, key) = (behind.clone(), key.clone());
        tokio::spawn(async move { behind.put(&key, "2".into(), Condition::At(first)).await })
    };
    let second = loop {
        let found = direct.get(&key).await.unwrap().unwrap();
        if found.value == "2" {
            break found.revision;
        }
    };
    direct.put(&key, "3".into(), Condition::At(second)).await.unwrap();
    let error = write.await.unwrap().unwrap_err();
    assert!(matches!(error, CoordinationError::UnknownOutcome { .. }), "{error:?}");
    assert!(error.is_retryable());
    assert!(behind.put(&key, "2".into(), Condition::At(first)).await.unwrap_err().is_conflict());
}

/// The question itself is lost, and somebody else writes in its place: that was a conflict, for certain.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_somebody_was_faster_than_is_a_conflict_in_spite_of_a_doubt() {
    let server = NatsServer::builder().start().unwrap();
    let proxy = Proxy::start(server.addr()).unwrap();
    let config = impatient().attempt(Duration::from_secs(1));
    let (behind, direct) = (create(&proxy.url(), &config).await, create(&server.url(), &config).await);
    let key = Key::root("a");
    let first = direct.put(&key, "1".into(), Condition::Absent).await.unwrap();
    proxy.on_client_message(|message| {
        let lost = message.subject.starts_with("$KV.");
        if lost { aether_nats_server::Verdict::Drop } else { aether_nats_server::Verdict::Pass }
    });
    let write = {
        let (behind, key) = (behind.clone(), key.clone());
        tokio::spawn(async move { behind.put(&key, "2".into(), Condition::At(first)).await })
    };
    while proxy.stats().dropped == 0 {
        tokio::task::yield_now().await;
    }
    let second = direct.put(&key, "3".into(), Condition::At(first)).await.unwrap();
    proxy.pass_all_messages();
    let error = write.await.unwrap().unwrap_err();
    let CoordinationError::Conflict { current, .. } = error else { panic!("{error:?}") };
    assert_eq!(current, Some(second));
}

/// Nothing is heard until the deadline: the outcome is unknown, and the same write again tells.
#[tokio::test(flavor = "multi_thread")]
async fn the_outcome_is_unknown_after_the_deadline() {
    let server = NatsServer::builder().start().unwrap();
    let proxy = Proxy::start(server.addr()).unwrap();
    let coordination = create(&proxy.url(), &impatient().deadline(Duration::from_secs(1))).await;
    let key = Key::root("a");
    let first = coordination.put(&key, "1".into(), Condition::Absent).await.unwrap();
    proxy.blackhole();
    let error = coordination.put(&key, "2".into(), Condition::At(first)).await.unwrap_err();
    assert!(matches!(error, CoordinationError::UnknownOutcome { .. }), "{error:?}");
    proxy.restore();
    let second = loop {
        match coordination.put(&key, "2".into(), Condition::At(first)).await {
            Ok(revision) => break revision,
            Err(e) => assert!(e.is_retryable(), "{e:?}"),
        }
    };
    assert_eq!(coordination.get(&key).await.unwrap().unwrap().revision, second);
}
