//! The same on a real server, where all of it outlives the systems.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aether_coordination::{NatsConfig, NatsCoordination};
use aether_nats_server::{shared_r1, unique_name};
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore, JetStreamTimers};

use super::bell::{Bell, rung, until_rung};
use super::timers::NoTimers;
use super::transfer::Ended;
use super::world::{WITHIN, World, ask, balance, ended, open, quick};

/// A stream, a bucket and timers that one test has to itself.
struct Place(String);

impl Place {
    fn new() -> Self {
        Self(unique_name("reactors"))
    }

    /// Over a connection of its own.
    async fn connect(&self) -> World {
        let client = async_nats::connect(shared_r1().unwrap()).await.unwrap();
        let stream = JetStreamConfig::new("events").namespace(&self.0);
        let store = JetStreamEventStore::create(client.clone(), stream.clone()).await.unwrap();
        let timers = JetStreamTimers::create(client.clone(), stream).await.unwrap();
        let bucket = NatsConfig::new("groups").namespace(&self.0);
        let coordination = NatsCoordination::create(client, bucket).await.unwrap();
        World::on(Arc::new(store), Arc::new(coordination), Arc::new(timers))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn transfers_outlive_whoever_begins_them() {
    let place = Place::new();
    let world = place.connect().await;
    // Nobody follows the events yet.
    let bare = world.bare().start().await.unwrap();
    open(&bare, "ada", 100).await;
    open(&bare, "bob", 0).await;
    ask(&bare, "t0", "ada", "bob", 1).await;
    drop(bare);
    for n in 1..10 {
        let world = place.connect().await;
        let system = world.bank().await;
        ask(&system, &format!("t{n}"), "ada", "bob", 1).await;
        // One after the other goes away in the midst of it.
        if n % 3 == 0 {
            assert_eq!(ended(&system, &format!("t{n}")).await, Ended::Done);
        }
        drop(system);
    }
    let system = place.connect().await.bank().await;
    for n in 0..10 {
        assert_eq!(ended(&system, &format!("t{n}")).await, Ended::Done, "t{n}");
    }
    assert_eq!((balance(&system, "ada").await, balance(&system, "bob").await), (90, 10));
    system.shutdown(WITHIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn systems_share_transfers() {
    let place = Place::new();
    let systems = [place.connect().await.bank().await, place.connect().await.bank().await];
    open(&systems[0], "ada", 1000).await;
    open(&systems[0], "bob", 1000).await;
    for n in 0..40 {
        let (from, to) = if n % 2 == 0 { ("ada", "bob") } else { ("bob", "ada") };
        ask(&systems[n % 2], &format!("t{n}"), from, to, 3).await;
    }
    for n in 0..40 {
        assert_eq!(ended(&systems[0], &format!("t{n}")).await, Ended::Done, "t{n}");
    }
    assert_eq!((balance(&systems[1], "ada").await, balance(&systems[1], "bob").await), (1000, 1000));
    for system in systems {
        system.shutdown(WITHIN).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn timers_outlive_whoever_sets_them() {
    let place = Place::new();
    let world = place.connect().await;
    // Set in the log, and not followed.
    let bare = world.bare().actor::<Bell>().timers_with(Arc::new(NoTimers), quick()).start().await.unwrap();
    super::bell::later(&bare, "a", "unset", Duration::from_millis(10), 1).await;
    drop(bare);
    // Set, and fired when nobody is there.
    let system = world.builder().actor::<Bell>().start().await.unwrap();
    super::bell::later(&system, "b", "set", Duration::from_secs(2), 2).await;
    super::bell::later(&system, "c", "cancelled", Duration::from_secs(2), 3).await;
    super::bell::silence(&system, "c", "cancelled").await;
    until_rung(&world, "a", &[1]).await;
    drop(system);
    assert!(rung(&world, "b").await.is_empty());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let world = place.connect().await;
    let system = world.builder().actor::<Bell>().start().await.unwrap();
    until_rung(&world, "b", &[2]).await;
    super::bell::later(&system, "b", "next", Duration::from_millis(10), 4).await;
    until_rung(&world, "b", &[2, 4]).await;
    assert_eq!(rung(&world, "a").await, [1]);
    assert!(rung(&world, "c").await.is_empty());
    system.shutdown(WITHIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn effects_outlive_whoever_declares_them() {
    let place = Place::new();
    let world = place.connect().await;
    let done = Arc::new(AtomicUsize::new(0));
    let stuck = super::effects::mailing(&world, Arc::new(|_| Err("no network".into()))).await;
    for n in 0..5 {
        super::effects::mail(&stuck, "s", &format!("{n}")).await;
    }
    drop(stuck);
    let counted = Arc::clone(&done);
    let system = super::effects::mailing(
        &place.connect().await,
        Arc::new(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }),
    )
    .await;
    super::world::until("all are done", || done.load(Ordering::Relaxed) >= 5).await;
    system.shutdown(WITHIN).await;
    assert_eq!(done.load(Ordering::Relaxed), 5);
}
