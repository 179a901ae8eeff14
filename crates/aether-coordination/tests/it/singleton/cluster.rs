//! Three real servers, which are killed one by one.

use std::time::Duration;

use aether_coordination::singleton::{Singleton, Term};
use aether_nats_server::NatsCluster;
use futures_util::future::select_all;
use tokio::time::{Instant, sleep};

use crate::singleton::outage::Outage;
use crate::singleton::{NAME, bucket, connect, held};

/// How long an election of the servers takes at the most, for which the default times are made.
const ELECTION: Duration = Duration::from_secs(9);

/// Default times. The bucket's leader, and the server that the holder is connected to, are among those killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_healthy_holder_keeps_it_while_servers_are_killed() {
    let cluster = NatsCluster::start().unwrap();
    let bucket = bucket().replicas(3);
    let mut candidates = Vec::new();
    for i in 0..3 {
        let mut urls = cluster.urls();
        urls.rotate_left(i);
        let builder = Singleton::builder(connect(&urls, &bucket).await, NAME);
        candidates.push(builder.candidate(format!("node-{i}")).join().await.unwrap());
        held(&candidates[0], Duration::from_secs(10)).await;
    }
    let outage = Outage::watch(connect(&cluster.urls(), &bucket).await);
    let mut term = candidates[0].term().unwrap();
    let stream = format!("KV_{}", bucket.bucket_name());
    for kill in ["the leader", "a server", "the leader again"] {
        let leader = wait_for_leader(&cluster, &stream).await;
        let victim = if kill == "a server" { (leader + 1) % 3 } else { leader };
        cluster.kill(victim).unwrap();
        let killed = Instant::now();
        // Until a renewal that was sent after the kill is acknowledged.
        while term.until().is_some_and(|until| until < killed + Duration::from_secs(14)) {
            assert!(candidates[1..].iter().all(|candidate| !candidate.is_held()));
            sleep(Duration::from_millis(20)).await;
        }
        cluster.restart(victim).unwrap();
        cluster.wait_ready().unwrap();
        if !term.is_held() {
            // A machine that is busy with other things may take longer than is promised.
            let (next, at) = next(&candidates).await;
            sleep(Duration::from_secs(2)).await;
            assert!(outage.longest() > ELECTION, "lost by {kill}, {:?} without writes", outage.longest());
            candidates.swap(0, at);
            term = next;
        }
    }
    let epoch = term.epoch();
    drop(candidates.remove(0));
    let dropped = Instant::now();
    let (term, at) = next(&candidates).await;
    assert!(term.epoch() > epoch);
    assert!(dropped.elapsed() < Duration::from_secs(21), "{:?}", dropped.elapsed());
    // Who leaves is followed at once.
    let left = Instant::now();
    candidates.remove(at).leave().await.unwrap();
    let last = held(&candidates[0], Duration::from_secs(5)).await;
    assert!(last.epoch() > term.epoch());
    assert!(left.elapsed() < Duration::from_secs(2), "{:?}", left.elapsed());
}

/// Who holds it next, and its place.
async fn next(candidates: &[Singleton]) -> (Term, usize) {
    let held = candidates.iter().map(|candidate| Box::pin(held(candidate, Duration::from_secs(40))));
    let (term, at, _) = select_all(held).await;
    (term, at)
}

async fn wait_for_leader(cluster: &NatsCluster, stream: &str) -> usize {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(leader) = cluster.stream_leader(stream) {
            return leader;
        }
        assert!(Instant::now() < deadline, "no leader");
        sleep(Duration::from_millis(50)).await;
    }
}
