//! Connections that break, and servers that come back.

use std::time::Duration;

use aether_coordination::{Change, Condition, CoordinationError, Key, KeyValue, Signals};
use aether_nats_server::{NatsServer, Proxy};
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::nats::{config, create};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn listening_goes_on_over_a_reconnect_and_nothing_is_sent_late() {
    let server = NatsServer::builder().start().unwrap();
    let proxy = Proxy::start(server.addr()).unwrap();
    let config = config();
    let (behind, direct) = (create(&proxy.url(), &config).await, create(&server.url(), &config).await);
    let topic = Key::root("beats");
    let mut heard = behind.listen(&topic).await.unwrap();
    let mut heard_directly = direct.listen(&topic).await.unwrap();
    proxy.cut();
    let refused = async {
        loop {
            if let Err(e) = behind.send(&topic, "late".into()).await {
                return e;
            }
        }
    };
    let refused = timeout(PATIENCE, refused).await.unwrap();
    assert!(matches!(refused, CoordinationError::Unavailable(_)), "{refused:?}");
    for _ in 0..20 {
        assert!(behind.send(&topic, "later".into()).await.is_err());
    }
    proxy.restore();
    let reconnected = async {
        while behind.send(&topic, "back".into()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        loop {
            direct.send(&topic, "again".into()).await.unwrap();
            if let Ok(Some(message)) = timeout(Duration::from_millis(200), heard.next()).await
                && message == "again"
            {
                return;
            }
        }
    };
    timeout(PATIENCE, reconnected).await.unwrap();
    let mut last = timeout(PATIENCE, heard_directly.next()).await.unwrap().unwrap();
    while last != "back" {
        assert_ne!(last, "later");
        last = timeout(PATIENCE, heard_directly.next()).await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_goes_on_when_the_server_restarts() {
    let server = NatsServer::builder().start().unwrap();
    let config = config();
    let coordination = create(&server.url(), &config).await;
    let root = Key::root("a");
    let mut changes = coordination.watch(&root).await.unwrap();
    let key = root.child("b");
    let first = coordination.put(&key, "1".into(), Condition::Absent).await.unwrap();
    assert!(matches!(timeout(PATIENCE, changes.next()).await.unwrap(), Some(Change::Put(_))));
    server.kill().unwrap();
    let write = {
        let (coordination, key) = (coordination.clone(), key.clone());
        tokio::spawn(async move { coordination.put(&key, "2".into(), Condition::At(first)).await })
    };
    server.restart().unwrap();
    let second = write.await.unwrap().unwrap();
    let found = coordination.get(&key).await.unwrap().unwrap();
    assert_eq!((&found.value[..], found.revision), (&b"2"[..], second));
    let Some(Change::Put(entry)) = timeout(PATIENCE, changes.next()).await.unwrap() else {
        panic!("not a put")
    };
    assert_eq!(entry, found);
    assert_eq!(coordination.entries(&root).await.unwrap(), [found]);
}
