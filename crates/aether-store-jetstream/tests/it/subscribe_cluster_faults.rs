//! Subscriptions on three servers, of which one fails.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::common::{actor, config, event, next_event, until_caught_up};
use aether_core::{EventStoreExt, Subscribe, SubscribeOptions, Subscription};
use aether_nats_server::{NatsCluster, NatsServer};
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore};
use async_nats::jetstream;
use futures_util::TryStreamExt;
use tokio::time::{sleep, timeout};

/// The number of events before a server fails.
const BEFORE: u64 = 20;
/// The number of events in the end.
const ALL: u64 = 60;
/// Within what everything must have been delivered, the election of a new leader included.
const DEADLINE: Duration = Duration::from_secs(20);

async fn start(isolatable: bool) -> Arc<NatsCluster> {
    let start = move || NatsServer::builder().isolatable(isolatable).start_cluster();
    tokio::task::spawn_blocking(start).await.unwrap().unwrap().into()
}

async fn connect(cluster: &NatsCluster, node: usize) -> async_nats::Client {
    async_nats::connect(cluster.node(node).url()).await.unwrap()
}

async fn open(cluster: &NatsCluster, node: usize, config: &JetStreamConfig) -> JetStreamEventStore {
    JetStreamEventStore::open(connect(cluster, node).await, config.clone()).await.unwrap()
}

/// Saves these versions, each for as long as it takes.
async fn save(store: &JetStreamEventStore, versions: std::ops::RangeInclusive<u64>) {
    for version in versions {
        let event = event(&actor("a-1"), version);
        while let Err(error) = store.save_event(&event).await {
            assert!(error.is_retryable(), "{error}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The stream's leader, when there is one.
async fn leader(cluster: &Arc<NatsCluster>, store: &JetStreamEventStore) -> usize {
    loop {
        let (cluster, stream) = (cluster.clone(), store.stream_name().to_owned());
        let leader = tokio::task::spawn_blocking(move || cluster.stream_leader(&stream)).await.unwrap();
        match leader {
            Some(leader) => return leader,
            None => sleep(Duration::from_millis(50)).await,
        }
    }
}

/// The names of the stream's consumers, and of the servers that they are on.
async fn consumers(client: &async_nats::Client, stream: &str) -> HashMap<String, String> {
    let stream = jetstream::new(client.clone()).get_stream(stream).await.unwrap();
    let consumers: Vec<_> = stream.consumers().try_collect().await.unwrap();
    let host = |cluster: Option<jetstream::stream::ClusterInfo>| cluster.and_then(|cluster| cluster.leader);
    consumers.into_iter().map(|info| (info.name, host(info.cluster).unwrap_or_default())).collect()
}

/// A subscription that has caught up, and whose consumer is on this server.
async fn subscribe_on(cluster: &NatsCluster, store: &JetStreamEventStore, host: usize) -> Subscription {
    let client = connect(cluster, (host + 1) % 3).await;
    loop {
        let before = consumers(&client, store.stream_name()).await;
        let mut subscription = store.subscribe(&SubscribeOptions::default()).await.unwrap();
        assert_eq!(until_caught_up(&mut subscription).await.len() as u64, BEFORE);
        let after = consumers(&client, store.stream_name()).await;
        let is_there =
            |(name, on): (&String, &String)| !before.contains_key(name) && on == cluster.node(host).name();
        if after.iter().any(is_there) {
            return subscription;
        }
    }
}

/// Expects the rest once, in order, and in time.
async fn assert_comes(subscription: &mut Subscription) {
    let reading = async {
        for version in BEFORE + 1..=ALL {
            assert_eq!(next_event(subscription).await.version().get(), version);
        }
    };
    timeout(DEADLINE, reading).await.unwrap();
}

async fn create(cluster: &NatsCluster) -> (JetStreamConfig, JetStreamEventStore) {
    let config = config().replicas(3);
    let store = JetStreamEventStore::create(connect(cluster, 0).await, config.clone()).await.unwrap();
    save(&store, 1..=BEFORE).await;
    (config, store)
}

/// `role`: 0 is the stream's leader, 1 a follower.
async fn is_left_when_frozen(role: usize) {
    let cluster = start(false).await;
    let (config, store) = create(&cluster).await;
    let frozen = (leader(&cluster, &store).await + role) % 3;
    let store = open(&cluster, (frozen + 1) % 3, &config).await;
    let mut subscription = subscribe_on(&cluster, &store, frozen).await;
    cluster.pause(frozen).unwrap();
    let writing = tokio::spawn(async move { save(&store, BEFORE + 1..=ALL).await });
    assert_comes(&mut subscription).await;
    writing.await.unwrap();
    cluster.resume(frozen).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_leader_that_has_the_consumer_is_left() {
    is_left_when_frozen(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_follower_that_has_the_consumer_is_left() {
    is_left_when_frozen(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_cut_off_in_silence_is_left() {
    let cluster = start(true).await;
    let (config, store) = create(&cluster).await;
    let lost = leader(&cluster, &store).await;
    let (inside, outside) =
        (open(&cluster, lost, &config).await, open(&cluster, (lost + 1) % 3, &config).await);
    let mut cut_off = subscribe_on(&cluster, &inside, lost).await;
    let mut subscription = subscribe_on(&cluster, &outside, lost).await;
    cluster.isolate_silently(lost).unwrap();
    let writing = tokio::spawn(async move { save(&outside, BEFORE + 1..=ALL).await });
    assert_comes(&mut subscription).await;
    writing.await.unwrap();
    // Who reads through the leader that was, and from it, comes to know of it all when it is back.
    cluster.heal(lost).unwrap();
    assert_comes(&mut cut_off).await;
}
