//! Groups on the embedded store and coordination: joining, leaving, dying.

use std::sync::Arc;
use std::time::Duration;

use crate::common::{Log, WITHIN, builder, save, save_all, save_versions, until};
use aether_coordination::{Coordination, MemoryCoordination};
use aether_core::{EventFilter, Subscribe, SubscribeFrom};
use aether_group::{GroupError, Order};
use aether_store_memory::MemoryEventStore;
use tokio::time::timeout;

fn world() -> (Arc<dyn Subscribe>, Arc<dyn Coordination>) {
    (Arc::new(MemoryEventStore::new()), Arc::new(MemoryCoordination::new()))
}

#[tokio::test]
async fn one_member_handles_everything_once_and_in_order() {
    let (store, coordination) = world();
    save_all(&*store, 20, 50).await;
    let log = Log::new();
    let member = builder("g", &store, &coordination).join(log.handler("a", Duration::ZERO)).await.unwrap();
    let last = save_versions(&*store, 20, 51..=100).await;
    timeout(WITHIN, member.wait_for(last)).await.unwrap().unwrap();
    log.assert_exactly_once(20, 100);
    let progress = member.progress();
    assert_eq!((progress.partitions.len(), progress.members, progress.parked_actors()), (16, 1, 0));
    member.stop().await.unwrap();
}

#[tokio::test]
async fn with_one_at_a_time_events_come_in_the_order_of_positions() {
    let (store, coordination) = world();
    let last = save_all(&*store, 30, 30).await;
    let log = Log::new();
    let member = builder("g", &store, &coordination).join(log.handler("a", Duration::ZERO)).await.unwrap();
    timeout(WITHIN, member.wait_for(last)).await.unwrap().unwrap();
    let versions: Vec<u64> = log.seen.lock().unwrap().iter().map(|seen| seen.version).collect();
    assert!(versions.is_sorted(), "{versions:?}");
    member.stop().await.unwrap();
}

#[tokio::test]
async fn who_comes_back_goes_on_where_it_was() {
    let (store, coordination) = world();
    let log = Log::new();
    for round in 0..5_u64 {
        let last = save_versions(&*store, 10, round * 10 + 1..=round * 10 + 10).await;
        let member =
            builder("g", &store, &coordination).join(log.handler("a", Duration::ZERO)).await.unwrap();
        timeout(WITHIN, member.wait_for(last)).await.unwrap().unwrap();
        member.stop().await.unwrap();
    }
    log.assert_exactly_once(10, 50);
    let gained: Vec<u64> = log.gained.lock().unwrap().iter().map(|(_, _, epoch)| epoch.get()).collect();
    assert_eq!(gained.iter().max(), Some(&5));
}

#[tokio::test(flavor = "multi_thread")]
async fn members_share_evenly_and_move_as_they_come_and_go() {
    let (store, coordination) = world();
    let log = Log::new();
    let join = |name: &'static str| {
        builder("g", &store, &coordination)
            .member(name)
            .concurrency(4)
            .join(log.handler(name, Duration::from_millis(1)))
    };
    let a = join("a").await.unwrap();
    until("the first has all", || a.progress().partitions.len() == 16).await;
    let writer = {
        let store = store.clone();
        tokio::spawn(async move { save_all(&*store, 40, 60).await })
    };
    let (b, c) = (join("b").await.unwrap(), join("c").await.unwrap());
    until("three share", || {
        let mut counts = [&a, &b, &c].map(|member| member.progress().partitions.len());
        counts.sort_unstable();
        counts == [5, 5, 6]
    })
    .await;
    b.stop().await.unwrap();
    until("two share", || [&a, &c].iter().all(|member| member.progress().partitions.len() == 8)).await;
    let last = writer.await.unwrap();
    for member in [&a, &c] {
        timeout(WITHIN, member.wait_for(last)).await.unwrap().unwrap();
    }
    // Nobody died, so nothing was repeated.
    log.assert_exactly_once(40, 60);
    let members: std::collections::BTreeSet<String> =
        log.seen.lock().unwrap().iter().map(|seen| seen.member.clone()).collect();
    assert!(members.len() >= 2, "{members:?}");
    a.stop().await.unwrap();
    c.stop().await.unwrap();
    assert_eq!(log.gained.lock().unwrap().len(), log.lost.lock().unwrap().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_member_had_moves_within_moments() {
    let (store, coordination) = world();
    let log = Log::new();
    let join = |name: &'static str| {
        builder("g", &store, &coordination).member(name).join(log.handler(name, Duration::from_millis(1)))
    };
    let (a, b) = (join("a").await.unwrap(), join("b").await.unwrap());
    until("two share", || [&a, &b].iter().all(|member| member.progress().partitions.len() == 8)).await;
    let last = save_all(&*store, 40, 20).await;
    until("both are at work", || {
        let seen = log.seen.lock().unwrap();
        ["a", "b"].iter().all(|name| seen.iter().any(|seen| seen.member == *name))
    })
    .await;
    drop(b);
    until("one has all", || a.progress().partitions.len() == 16).await;
    timeout(WITHIN, a.wait_for(last)).await.unwrap().unwrap();
    log.assert_in_order(40, 20);
    // Whoever took over has a higher epoch.
    for seen in log.seen.lock().unwrap().iter().filter(|seen| seen.member == "b") {
        let later = log.gained.lock().unwrap().iter().any(|(member, partition, epoch)| {
            member == "a" && *partition == seen.partition && *epoch > seen.epoch
        });
        assert!(later);
    }
    a.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_shortest_suspicion_that_is_allowed_a_dead_member_is_suspected() {
    let (store, coordination) = world();
    let log = Log::new();
    let (pulse, suspicion) = (Duration::from_millis(100), Duration::from_millis(400));
    let join = |name: &'static str, suspicion| {
        let group = builder("g", &store, &coordination).pulse_every(pulse).suspect_after(suspicion);
        group.member(name).join(log.handler(name, Duration::ZERO))
    };
    // With less, every member would take itself for cut off between any two pulses, and suspect nobody.
    for too_short in [pulse, pulse * 2, suspicion - Duration::from_millis(1)] {
        let error = join("c", too_short).await.unwrap_err();
        assert!(matches!(error, GroupError::Invalid(_)), "{error}");
        assert_eq!(error.to_string(), "invalid option: a suspicion takes at least four pulses");
    }
    let (a, b) = (join("a", suspicion).await.unwrap(), join("b", suspicion).await.unwrap());
    until("two share", || [&a, &b].iter().all(|member| member.progress().partitions.len() == 8)).await;
    drop(b);
    until("one has all", || a.progress().partitions.len() == 16).await;
    a.stop().await.unwrap();
}

#[tokio::test]
async fn a_member_with_other_partitions_is_refused() {
    let (store, coordination) = world();
    let log = Log::new();
    let first = builder("g", &store, &coordination).join(log.handler("a", Duration::ZERO)).await.unwrap();
    let second =
        builder("g", &store, &coordination).partitions(8).join(log.handler("b", Duration::ZERO)).await;
    let error = second.unwrap_err();
    assert!(error.is_mismatch());
    assert_eq!(error.to_string(), r#"group "g" has partitions 16, this member asks for 8"#);
    first.stop().await.unwrap();
    let none = builder("g", &store, &coordination).partitions(0).join(log.handler("b", Duration::ZERO)).await;
    assert!(matches!(none, Err(GroupError::Invalid(_))));
}

#[tokio::test]
async fn a_group_begins_where_it_is_told() {
    let (store, coordination) = world();
    let third = {
        save(&*store, "order-1", 1, "Happened").await;
        save(&*store, "order-1", 2, "Happened").await;
        save(&*store, "order-1", 3, "Happened").await
    };
    save(&*store, "order-1", 4, "Happened").await;
    let log = Log::new();
    let handler = || log.handler("a", Duration::ZERO);
    let after = builder("after", &store, &coordination).from(SubscribeFrom::After(third));
    let now = builder("now", &store, &coordination).from(SubscribeFrom::Now);
    let (after, now) = (after.join(handler()).await.unwrap(), now.join(handler()).await.unwrap());
    let last = save(&*store, "order-1", 5, "Happened").await;
    for member in [&after, &now] {
        timeout(WITHIN, member.wait_for(last)).await.unwrap().unwrap();
    }
    let mut versions = log.versions("order-1");
    versions.sort_unstable();
    assert_eq!(versions, [4, 5, 5]);
    after.stop().await.unwrap();
    now.stop().await.unwrap();
}

#[tokio::test]
async fn what_does_not_match_is_passed() {
    let (store, coordination) = world();
    let log = Log::new();
    let member = builder("g", &store, &coordination)
        .filter(EventFilter::category("order"))
        .join(log.handler("a", Duration::ZERO))
        .await
        .unwrap();
    save(&*store, "order-1", 1, "Happened").await;
    let last = save(&*store, "invoice-1", 1, "Happened").await;
    timeout(WITHIN, member.wait_for(last)).await.unwrap().unwrap();
    assert_eq!(log.len(), 1);
    member.stop().await.unwrap();
}

#[tokio::test]
async fn a_partition_is_handled_in_batches() {
    let (store, coordination) = world();
    let last = save_all(&*store, 50, 20).await;
    let log = Log::new();
    let member = builder("g", &store, &coordination)
        .order(Order::Partition)
        .max_batch(100)
        .concurrency(4)
        .join(log.handler("a", Duration::from_millis(1)))
        .await
        .unwrap();
    timeout(WITHIN, member.wait_for(last)).await.unwrap().unwrap();
    log.assert_exactly_once(50, 20);
    member.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_is_for_the_whole_group_also_from_outside() {
    let (store, coordination) = world();
    let log = Log::new();
    let join = |name: &'static str| {
        builder("g", &store, &coordination).member(name).join(log.handler(name, Duration::from_millis(2)))
    };
    let (a, b) = (join("a").await.unwrap(), join("b").await.unwrap());
    until("two share", || [&a, &b].iter().all(|member| member.progress().partitions.len() == 8)).await;
    let admin = builder("g", &store, &coordination).admin();
    for round in 1..=5 {
        let last = save_versions(&*store, 30, round..=round).await;
        if round % 2 == 0 {
            timeout(WITHIN, admin.wait_for(last)).await.unwrap().unwrap();
        } else {
            timeout(WITHIN, a.wait_for(last)).await.unwrap().unwrap();
        }
        assert_eq!(log.len() as u64, 30 * round);
    }
    let owners = admin.partitions().await.unwrap();
    assert_eq!(owners.values().filter(|status| status.owner.as_ref() == Some(b.id())).count(), 8);
    a.stop().await.unwrap();
    b.stop().await.unwrap();
    assert!(admin.partitions().await.unwrap().values().all(|status| status.owner.is_none()));
}
