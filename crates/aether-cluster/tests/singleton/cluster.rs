//! Three real servers, which are killed one by one.

use std::time::Duration;

use aether_cluster::singleton::Singleton;
use aether_testkit::server::NatsCluster;
use tokio::time::{Instant, sleep};

use crate::{NAME, bucket, connect, held};

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
        if i == 0 {
            held(&candidates[0], Duration::from_secs(10)).await;
        }
    }
    let holder = candidates.remove(0);
    for i in 0..3 {
        let mut urls = cluster.urls();
        urls.rotate_left(i);
        let c = connect(&urls, &bucket).await;
        let name = bucket.bucket_name();
        tokio::spawn({ let c = c.clone(); async move {
            use aether_coordination::{KeyValue, Condition, Key};
            let key = Key::root(&format!("probe{i}"));
            let mut rev: Option<aether_coordination::Revision> = None;
            loop {
                let b = Instant::now();
                match c.put(&key, "x".into(), rev.map_or(Condition::Absent, Condition::At)).await {
                    Ok(r) => rev = Some(r),
                    Err(e) => { println!("probe {i} {e:?}"); rev = c.get(&key).await.unwrap().map(|e| e.revision); }
                }
                if b.elapsed() > Duration::from_secs(1) { println!("put {i} took {:?}", b.elapsed()); }
                sleep(Duration::from_millis(100)).await;
            }
        }});
        tokio::spawn(async move {
            let subject = format!("$KV.{name}.raw{i}");
            let mut last = Instant::now();
            loop {
                let r = c.client().send_request(subject.clone(), async_nats::Request::new().timeout(Some(Duration::from_millis(500))).payload("x".into())).await;
                match r { Ok(m) if m.status.is_none() && String::from_utf8_lossy(&m.payload).contains("\"seq\"") => {
                   if last.elapsed() > Duration::from_secs(1) { println!("raw {i} was out {:?}", last.elapsed()); }
                   last = Instant::now();
                }
                 Ok(m) => { if last.elapsed() > Duration::from_secs(10) { println!("raw {i} {:?} {:?}", m.status, m.payload) } }
                 Err(e) => { if last.elapsed() > Duration::from_secs(10) { println!("raw {i} {e:?}") } } }
                sleep(Duration::from_millis(100)).await;
            }
        });
    }
    let term = holder.term().unwrap();
    let stream = format!("KV_{}", bucket.bucket_name());
    for kill in ["the leader", "a server", "the leader again"] {
        let leader = wait_for_leader(&cluster, &stream).await;
        let victim = if kill == "a server" { (leader + 1) % 3 } else { leader };
        cluster.kill(victim).unwrap();
        let killed = Instant::now();
        let mut least = term.remaining();
        // Until a renewal that was sent after the kill is acknowledged.
        while term.until().is_some_and(|until| until < killed + Duration::from_secs(14)) {
            least = least.min(term.remaining());
            assert!(candidates.iter().all(|candidate| !candidate.is_held()));
            sleep(Duration::from_millis(20)).await;
        }
        assert!(term.is_held(), "lost when {kill} was killed; {:?} after it", killed.elapsed());
        println!("{kill}: renewed after {:?}, {least:?} had been left", killed.elapsed());
        cluster.restart(victim).unwrap();
        cluster.wait_ready().unwrap();
    }
    assert!(term.is_held());
    let epoch = term.epoch();
    drop(holder);
    let dropped = Instant::now();
    let followers = candidates.iter().map(|candidate| Box::pin(held(candidate, Duration::from_secs(30))));
    let (next, at, _) = futures_util::future::select_all(followers).await;
    assert!(next.epoch() > epoch);
    assert!(dropped.elapsed() < Duration::from_secs(21), "{:?}", dropped.elapsed());
    // A resigned one is followed at once.
    let left = Instant::now();
    candidates.remove(at).leave().await.unwrap();
    let last = held(&candidates[0], Duration::from_secs(5)).await;
    assert!(last.epoch() > next.epoch());
    assert!(left.elapsed() < Duration::from_secs(2), "{:?}", left.elapsed());
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
