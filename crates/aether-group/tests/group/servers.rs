//! Groups on real servers: one, and three of which some die.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aether_coordination::{Coordination, NatsConfig, NatsCoordination};
use aether_core::{EventStoreExt, Position, Subscribe};
use aether_group::{GroupBuilder, Member, Resumed};
use aether_nats_server::{NatsCluster, shared_r1, shared_r3, unique_name};
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore};
use async_nats::ServerAddr;
use tokio::time::timeout;

use crate::common::{Log, WITHIN, builder, id, save, save_all, save_versions, until};

/// Servers, and the stream and bucket that one test has there.
#[derive(Clone)]
struct Place {
    urls: Vec<String>,
    namespace: String,
    replicas: usize,
}

impl Place {
    fn new(urls: Vec<String>) -> Self {
        Self { replicas: urls.len(), urls, namespace: unique_name("group") }
    }

    fn bucket(&self) -> NatsConfig {
        NatsConfig::new("groups").namespace(&self.namespace).replicas(self.replicas)
    }

    fn stream(&self) -> JetStreamConfig {
        JetStreamConfig::new("events").namespace(&self.namespace).replicas(self.replicas)
    }

    /// A store and keys over a connection of their own, to this server first.
    async fn connect(&self, first: usize) -> (Arc<dyn Subscribe>, Arc<dyn Coordination>) {
        let mut urls: Vec<ServerAddr> = self.urls.iter().map(|url| url.parse().unwrap()).collect();
        let count = urls.len();
        urls.rotate_left(first % count);
        let options = async_nats::ConnectOptions::new().retain_servers_order().max_reconnects(None);
        let client = options.connect(urls).await.unwrap();
        let store = JetStreamEventStore::create(client.clone(), self.stream()).await.unwrap();
        let coordination = NatsCoordination::create(client, self.bucket()).await.unwrap();
        (Arc::new(store), Arc::new(coordination))
    }

    async fn group(&self, first: usize) -> (Arc<dyn Subscribe>, GroupBuilder) {
        let (store, coordination) = self.connect(first).await;
        let group = builder("g", &store, &coordination).member(format!("m{first}"));
        (store, group)
    }
}

async fn sharing_and_parking(place: Place) {
    let log = Log::new();
    let (store, a) = place.group(0).await;
    let admin = a.admin().within(WITHIN);
    save_all(&*store, 30, 5).await;
    let a = a.join(log.handler("a", Duration::ZERO)).await.unwrap();
    let b = place.group(1).await.1.join(log.handler("b", Duration::ZERO)).await.unwrap();
    let c = place.group(2).await.1.join(log.handler("c", Duration::ZERO)).await.unwrap();
    until("three share", || {
        let mut counts = [&a, &b, &c].map(|member| member.progress().partitions.len());
        counts.sort_unstable();
        counts == [5, 5, 6]
    })
    .await;
    save(&*store, "order-0", 6, "Poison").await;
    let last = save_versions(&*store, 30, 7..=10).await;
    for member in [&a, &b, &c] {
        timeout(WITHIN, member.wait_for(last)).await.unwrap().unwrap();
    }
    timeout(WITHIN, admin.wait_for(last)).await.unwrap().unwrap();
    assert_eq!(log.versions("order-0"), [1, 2, 3, 4, 5]);
    assert_eq!(log.len(), 29 * 9 + 5);
    log.cure();
    assert_eq!(admin.resume(&id("order-0")).await.unwrap(), Resumed::Done);
    assert_eq!(log.versions("order-0"), (1..=10).collect::<Vec<_>>());
    for member in [a, b, c] {
        member.stop().await.unwrap();
    }
    assert!(admin.partitions().await.unwrap().values().all(|status| status.owner.is_none()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_share_and_park_on_one_server() {
    sharing_and_parking(Place::new(vec![shared_r1().unwrap()])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_share_and_park_on_three_servers() {
    sharing_and_parking(Place::new(shared_r3().unwrap())).await;
}

/// Saves on and on until told to stop; how many versions of each actor.
fn write(
    store: Arc<dyn Subscribe>,
    actors: usize,
    stop: Arc<AtomicBool>,
) -> tokio::task::JoinHandle<(u64, Position)> {
    tokio::spawn(async move {
        let mut version = 0;
        let mut last = Position::new(0, 0);
        while !stop.load(Ordering::Relaxed) {
            version += 1;
            for actor in 0..actors {
                let event = crate::common::event(&format!("order-{actor}"), version, "Happened");
                // What may stand is saved again, until it is known to.
                let saved = async {
                    loop {
                        match store.save_event(&event).await {
                            Ok(saved) => return saved,
                            Err(error) => assert!(error.is_retryable(), "{error:?}"),
                        }
                    }
                };
                last = saved.await.position;
            }
        }
        (version, last)
    })
}

/// The leader of the keys is killed twice, then the one of the events: nobody gains or loses anything by it, and what is
/// saved meanwhile is handled once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_election_of_the_keys_moves_nothing() {
    let cluster = Arc::new(NatsCluster::start().unwrap());
    let place = Place::new(cluster.urls());
    let log = Log::new();
    let mut members: Vec<Member> = Vec::new();
    for index in 0..4 {
        let group = place.group(index).await.1;
        let group = group.pulse_every(Duration::from_millis(500)).suspect_after(Duration::from_secs(3));
        members.push(group.join(log.handler(&format!("m{index}"), Duration::ZERO)).await.unwrap());
    }
    until("four share", || members.iter().all(|member| member.progress().partitions.len() == 4)).await;
    let moved = log.gained.lock().unwrap().len();
    let stop = Arc::new(AtomicBool::new(false));
    let writer = write(place.connect(0).await.0, 20, stop.clone());
    for stream in [
        format!("KV_{}", place.bucket().bucket_name()),
        format!("KV_{}", place.bucket().bucket_name()),
        place.stream().stream_name().to_owned(),
    ] {
        let before = log.len();
        until("events are handled", || log.len() > before + 200).await;
        let cluster = cluster.clone();
        tokio::task::spawn_blocking(move || {
            let leader = cluster.stream_leader(&stream).unwrap();
            cluster.kill(leader).unwrap();
            std::thread::sleep(Duration::from_secs(6));
            cluster.restart(leader).unwrap();
            cluster.wait_ready().unwrap();
        })
        .await
        .unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    let (versions, last) = writer.await.unwrap();
    for member in &members {
        timeout(WITHIN, member.wait_for(last)).await.unwrap().unwrap();
    }
    assert_eq!(log.gained.lock().unwrap().len(), moved, "partitions moved");
    log.assert_exactly_once(20, versions);
    for member in members {
        assert_eq!(member.progress().refused_checkpoints, 0);
        member.stop().await.unwrap();
    }
}

/// A member whose whole runtime stands still for longer than the suspicion, with a handler at work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_checkpoint_of_a_member_that_was_frozen_is_refused() {
    let place = Place::new(shared_r3().unwrap());
    let log = Log::new();
    let (store, group) = place.group(0).await;
    let well = group.join(log.handler("well", Duration::ZERO)).await.unwrap();
    let (frozen_log, frozen_place) = (log.clone(), place.clone());
    let freeze = Arc::new(AtomicBool::new(false));
    let frozen_freeze = freeze.clone();
    let (tell, told) = std::sync::mpsc::channel();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let group = frozen_place.group(1).await.1;
            let handler = frozen_log.handler("frozen", Duration::ZERO);
            let member = group
                .join(crate::common::Freezing {
                    handler,
                    freeze: frozen_freeze,
                    span: Duration::from_secs(4),
                })
                .await
                .unwrap();
            until("the frozen one has its share", || member.progress().partitions.len() == 8).await;
            tell.send(()).unwrap();
            ended.await.unwrap();
            let refused = member.progress().refused_checkpoints;
            member.stop().await.unwrap();
            refused
        })
    });
    tokio::task::spawn_blocking(move || told.recv().unwrap()).await.unwrap();
    let last = save_all(&*store, 40, 10).await;
    timeout(WITHIN, well.wait_for(last)).await.unwrap().unwrap();
    freeze.store(true, Ordering::Relaxed);
    let last = save_versions(&*store, 40, 11..=20).await;
    until("the other one has taken over", || well.progress().partitions.len() == 16).await;
    timeout(WITHIN, well.wait_for(last)).await.unwrap().unwrap();
    until("they share again", || well.progress().partitions.len() == 8).await;
    let last = save_versions(&*store, 40, 21..=25).await;
    timeout(WITHIN, well.wait_for(last)).await.unwrap().unwrap();
    end.send(()).unwrap();
    let refused = tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
    assert!(refused > 0, "no checkpoint was refused");
    log.assert_in_order(40, 25);
    well.stop().await.unwrap();
}
