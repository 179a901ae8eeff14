//! Parked actors: who fails waits alone, and goes on in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use crate::common::{Log, WITHIN, builder, id, save, save_versions, until};
use aether_coordination::{Coordination, MemoryCoordination};
use aether_core::{Position, Subscribe};
use aether_group::{
    GroupAdmin, GroupBuilder, HandleError, LetterError, Member, Order, Outcome, ParkLimits, Partition,
    Resumed, each,
};
use aether_store_memory::MemoryEventStore;
use futures_util::TryStreamExt;
use tokio::time::timeout;

fn world() -> (Arc<dyn Subscribe>, Arc<dyn Coordination>) {
    (Arc::new(MemoryEventStore::new()), Arc::new(MemoryCoordination::new()))
}

/// Saves three events of each actor, the second of `order-0` being one that fails.
async fn save_with_poison(store: &dyn Subscribe, poison: &'static str) -> Position {
    for actor in 0..5 {
        for version in 1..=3 {
            let kind = if (actor, version) == (0, 2) { poison } else { "Happened" };
            save(store, &format!("order-{actor}"), version, kind).await;
        }
    }
    save(store, "order-0", 4, "Happened").await
}

async fn parked(order: Order, poison: &'static str) -> (Arc<dyn Subscribe>, Arc<Log>, GroupAdmin, Member) {
    // A panic does not say at which event it happened, so those before it in its batch are handled again.
    let max_batch = if poison == "Panic" { 1 } else { 10 };
    let (store, coordination) = world();
    let last = save_with_poison(&*store, poison).await;
    let log = Log::new();
    let group = builder("g", &store, &coordination).order(order).max_batch(max_batch).member("a");
    let admin = group.admin().within(WITHIN);
    let member = group.join(log.handler("a", Duration::ZERO)).await.unwrap();
    timeout(WITHIN, member.wait_for(last)).await.unwrap().unwrap();
    (store, log, admin, member)
}

async fn only_the_failing_actor_waits(order: Order, poison: &'static str, error: &str) {
    let (store, log, admin, member) = parked(order, poison).await;
    assert_eq!(log.versions("order-0"), [1]);
    for actor in 1..5 {
        assert_eq!(log.versions(&format!("order-{actor}")), [1, 2, 3]);
    }
    assert_eq!(log.attempts("order-0", 2), 3);
    let listed = admin.parked().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0].actor, listed[0].parked.version.get()), (&id("order-0"), 2));
    assert_eq!((listed[0].parked.event_type.as_str(), listed[0].parked.attempts), (poison, 3));
    assert!(listed[0].parked.error.contains(error), "{}", listed[0].parked.error);
    let queue: Vec<u64> = admin
        .queue(&id("order-0"))
        .await
        .unwrap()
        .map_ok(|event| event.version().get())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(queue, [2, 3, 4]);

    // It fails once more.
    assert!(
        matches!(admin.resume(&id("order-0")).await.unwrap(), Resumed::ParkedAgain(parked) if parked.version.get() == 2)
    );
    assert_eq!(log.attempts("order-0", 2), 6);
    log.cure();
    assert_eq!(admin.resume(&id("order-0")).await.unwrap(), Resumed::Done);
    assert_eq!(log.versions("order-0"), [1, 2, 3, 4]);
    let last = save(&*store, "order-0", 5, "Happened").await;
    timeout(WITHIN, member.wait_for(last)).await.unwrap().unwrap();
    assert_eq!(log.versions("order-0"), [1, 2, 3, 4, 5]);
    assert!(admin.inspect(&id("order-0")).await.unwrap_err().is_not_parked());
    let letters = admin.letters(&id("order-0")).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert!(matches!(letters[0].outcome, Outcome::Resumed { .. }), "{letters:?}");
    assert!(admin.resume(&id("order-0")).await.unwrap_err().is_not_parked());
    member.stop().await.unwrap();
}

#[tokio::test]
async fn a_poisoned_event_parks_its_actor_alone_and_after_the_cure_it_goes_on_in_order() {
    only_the_failing_actor_waits(Order::Actor, "Poison", "it is poison").await;
}

#[tokio::test]
async fn also_when_whole_partitions_are_in_order() {
    only_the_failing_actor_waits(Order::Partition, "Poison", "it is poison").await;
}

#[tokio::test]
async fn a_panic_is_a_failure() {
    only_the_failing_actor_waits(Order::Actor, "Panic", "it makes one panic").await;
}

#[tokio::test]
async fn a_skipped_event_leaves_its_reason() {
    let (store, log, admin, member) = parked(Order::Actor, "Poison").await;
    assert_eq!(admin.skip(&id("order-0"), "sent twice", "ada").await.unwrap(), Resumed::Done);
    assert_eq!(log.versions("order-0"), [1, 3, 4]);
    let letters = admin.letters(&id("order-0")).await.unwrap();
    assert!(
        matches!(&letters[0].outcome, Outcome::Skipped { reason, by, .. } if reason == "sent twice" && by == "ada"),
        "{letters:?}"
    );
    let last = save(&*store, "order-0", 5, "Happened").await;
    timeout(WITHIN, member.wait_for(last)).await.unwrap().unwrap();
    assert_eq!(log.versions("order-0"), [1, 3, 4, 5]);
    member.stop().await.unwrap();
}

#[tokio::test]
async fn who_is_parked_stays_parked_for_the_next_member_who_can_resume_it() {
    let (store, coordination) = world();
    let last = save_with_poison(&*store, "Poison").await;
    let log = Log::new();
    let group = || builder("g", &store, &coordination);
    let member = group().join(log.handler("a", Duration::ZERO)).await.unwrap();
    timeout(WITHIN, member.wait_for(last)).await.unwrap().unwrap();
    member.stop().await.unwrap();
    let admin = group().admin().within(Duration::from_millis(100));
    let nobody = admin.resume(&id("order-0")).await.unwrap_err();
    assert!(nobody.is_timed_out(), "{nobody}");
    log.cure();
    // The request stands.
    let member = group().join(log.handler("b", Duration::ZERO)).await.unwrap();
    until("resumed", || log.versions("order-0") == [1, 2, 3, 4]).await;
    until("not parked", || member.progress().parked_actors() == 0).await;
    member.stop().await.unwrap();
}

/// What is saved while actors are resumed comes after what waited, and all of it once.
async fn actors_at_work_are_resumed(order: Order) {
    const ACTORS: usize = 10;
    let (store, coordination) = world();
    for actor in 0..ACTORS {
        save(&*store, &format!("order-{actor}"), 1, "Poison").await;
    }
    let last = save_versions(&*store, ACTORS, 2..=300).await;
    let log = Log::new();
    let group = builder("g", &store, &coordination).order(order).max_batch(7).concurrency(3);
    let admin = group.admin().within(WITHIN);
    let member = group.join(log.handler("a", Duration::ZERO)).await.unwrap();
    timeout(WITHIN, member.wait_for(last)).await.unwrap().unwrap();
    assert_eq!(log.len(), 0);
    log.cure();
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (store, stop) = (store.clone(), stop.clone());
        tokio::spawn(async move {
            let (mut version, mut last) = (300, last);
            while !stop.load(Ordering::Relaxed) {
                version += 1;
                last = save_versions(&*store, ACTORS, version..=version).await;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            (version, last)
        })
    };
    let ids: Vec<_> = (0..ACTORS).map(|actor| id(&format!("order-{actor}"))).collect();
    let resumed = futures_util::future::join_all(ids.iter().map(|actor| admin.resume(actor))).await;
    for resumed in resumed {
        assert_eq!(resumed.unwrap(), Resumed::Done);
    }
    stop.store(true, Ordering::Relaxed);
    let (versions, last) = writer.await.unwrap();
    timeout(WITHIN, member.wait_for(last)).await.unwrap().unwrap();
    log.assert_exactly_once(ACTORS, versions);
    assert!(log.seen.lock().unwrap().iter().filter(|seen| seen.resumed).count() >= ACTORS * 300);
    member.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_actor_that_goes_on_meanwhile_is_resumed_in_order() {
    actors_at_work_are_resumed(Order::Actor).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_actor_that_goes_on_meanwhile_is_resumed_in_its_partitions_order() {
    actors_at_work_are_resumed(Order::Partition).await;
}

#[tokio::test]
async fn a_partition_halts_rather_than_park_everybody() {
    let (store, coordination) = world();
    let mut last = Position::new(0, 0);
    for actor in 0..20 {
        last = save(&*store, &format!("order-{actor}"), 1, "Poison").await;
    }
    let log = Log::new();
    let group =
        builder("g", &store, &coordination).partitions(1).park_limits(ParkLimits::default().actors(3));
    let member = group.join(log.handler("a", Duration::ZERO)).await.unwrap();
    until("halted", || member.progress().partitions.values().any(|partition| partition.halted)).await;
    assert_eq!(member.progress().parked_actors(), 3);
    assert_eq!(log.len(), 0);
    log.cure();
    timeout(WITHIN, member.wait_for(last)).await.unwrap().unwrap();
    assert_eq!(log.len(), 17);
    until("not halted", || !member.progress().partitions.values().any(|partition| partition.halted)).await;
    member.stop().await.unwrap();
}

#[tokio::test]
async fn a_partition_that_halts_holds_up_no_other() {
    let (store, coordination) = world();
    let in_partition = |number| {
        let mut ids = (0..).map(|actor| format!("order-{actor}"));
        ids.find(|actor| Partition::of(&id(actor), 2).get() == number).unwrap()
    };
    let (halted, well) = (in_partition(0), in_partition(1));
    save(&*store, &halted, 1, "Poison").await;
    let mut last = Position::new(0, 0);
    for version in 2..=100 {
        save(&*store, &halted, version, "Happened").await;
        last = save(&*store, &well, version - 1, "Happened").await;
    }
    let log = Log::new();
    let group = builder("g", &store, &coordination).partitions(2).window(10);
    let limits = ParkLimits::default().actors(0);
    let member = group.park_limits(limits).join(log.handler("a", Duration::ZERO)).await.unwrap();
    until("the other one is done", || log.versions(&well).len() == 99).await;
    assert!(log.versions(&halted).is_empty());
    log.cure();
    timeout(WITHIN, member.wait_for(last)).await.unwrap().unwrap();
    assert_eq!(log.versions(&halted), (1..=100).collect::<Vec<_>>());
    assert_eq!(log.versions(&well), (1..=99).collect::<Vec<_>>());
    member.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_not_the_events_fault_parks_nobody() {
    let (store, coordination) = world();
    let last = save(&*store, "order-0", 1, "Happened").await;
    let tries = Arc::new(AtomicU32::new(0));
    let counted = tries.clone();
    let group: GroupBuilder = builder("g", &store, &coordination);
    let member = group
        .join(each(move |_, handling| {
            let tried = counted.fetch_add(1, Ordering::Relaxed);
            async move {
                assert_eq!(handling.attempt, 1);
                if tried < 10 { Err(HandleError::unavailable("no database")) } else { Ok(()) }
            }
        }))
        .await
        .unwrap();
    timeout(WITHIN, member.wait_for(last)).await.unwrap().unwrap();
    assert_eq!(tries.load(Ordering::Relaxed), 11);
    assert_eq!(member.progress().parked, 0);
    member.stop().await.unwrap();
}

#[tokio::test]
async fn a_group_that_is_not_there_is_named() {
    let (store, coordination) = world();
    let error = builder("g", &store, &coordination).admin().parked().await.unwrap_err();
    assert!(matches!(error, LetterError::NoGroup(group) if group == "g"));
}
