//! Three servers that lose their leader.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aether_coordination::{Condition, CoordinationError, Key, KeyValue, NatsCoordination};
use aether_nats_server::NatsCluster;
use tokio::task::JoinHandle;

use crate::nats::{client, config};

/// Adds one to a counter until told to stop, and gives how often that was acknowledged, and how often unknown.
fn count(coordination: NatsCoordination, key: Key, stop: Arc<AtomicBool>) -> JoinHandle<(u64, u64)> {
    tokio::spawn(async move {
        let (mut sure, mut unknown) = (0, 0);
        while !stop.load(Ordering::Relaxed) {
            let Ok(found) = coordination.get(&key).await else { continue };
            let count: u64 =
                found.as_ref().map_or(0, |found| std::str::from_utf8(&found.value).unwrap().parse().unwrap());
            let condition: Condition = found.map(|found| found.revision).into();
            match coordination.put(&key, (count + 1).to_string().into(), condition).await {
                Ok(_) => sure += 1,
                Err(CoordinationError::UnknownOutcome { .. }) => unknown += 1,
                Err(e) => assert!(e.is_conflict() || e.is_retryable(), "{e:?}"),
            }
        }
        (sure, unknown)
    })
}

/// The leader is killed under the writers, three times: no acknowledged write is lost and none is there twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_write_is_lost_or_doubled_when_the_leader_dies() {
    let cluster = NatsCluster::start().unwrap();
    let urls = cluster.urls();
    let config = config().replicas(3);
    let key = Key::root("counter");
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    let mut reader = None;
    for i in 0..4 {
        let mut urls = urls.clone();
        urls.rotate_left(i % 3);
        let coordination = NatsCoordination::create(client(&urls).await, config.clone()).await.unwrap();
        writers.push(count(coordination.clone(), key.clone(), Arc::clone(&stop)));
        reader = Some(coordination);
    }
    let reader = reader.unwrap();
    let stream = format!("KV_{}", config.bucket_name());
    for _ in 0..3 {
        let before = wait_for_writes(&reader, &key, 20).await;
        let leader = cluster.stream_leader(&stream).unwrap();
        cluster.kill(leader).unwrap();
        let after = wait_for_writes(&reader, &key, 20).await;
        assert!(after > before);
        cluster.restart(leader).unwrap();
        cluster.wait_ready().unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    let (mut sure, mut unknown) = (0, 0);
    for writer in writers {
        let (of_it, unknown_of_it) = writer.await.unwrap();
        sure += of_it;
        unknown += unknown_of_it;
    }
    let found = reader.get(&key).await.unwrap().unwrap();
    let count: u64 = std::str::from_utf8(&found.value).unwrap().parse().unwrap();
    assert!((sure..=sure + unknown).contains(&count), "{count} of {sure} acknowledged and {unknown} unknown");
}

/// Waits until the counter has grown by so many.
async fn wait_for_writes(reader: &NatsCoordination, key: &Key, more: u64) -> u64 {
    let read = async || -> Option<u64> {
        let found = reader.get(key).await.ok()??;
        std::str::from_utf8(&found.value).unwrap().parse().ok()
    };
    let wait = async {
        let start = loop {
            if let Some(count) = read().await {
                break count;
            }
        };
        loop {
            match read().await {
                Some(count) if count >= start + more => return count,
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.unwrap()
}
