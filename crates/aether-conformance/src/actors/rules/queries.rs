//! Queries: answered from memory, and never behind what their caller has seen.

use aether_actor::MemoryLimit;

use crate::actors::Fixture;
use crate::actors::support::{Counter, Look, OrFail, Total, World, actor, add, options};

pub(crate) async fn see_their_callers_own_writes(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let counter = world.system().await.actor::<Counter>("a");
    for total in 1..=20 {
        assert_eq!(counter.ask(add(1)).await.or_fail("adding"), total);
        assert_eq!(counter.query(Total).await.or_fail("querying"), total);
    }
}

pub(crate) async fn know_an_actor_without_events(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let counter = world.system().await.actor::<Counter>("nobody");
    assert_eq!(counter.query(Total).await.or_fail("querying"), 0);
    assert_eq!(counter.query(Total).linearizable().await.or_fail("querying"), 0);
    assert!(world.commits("nobody").await.is_empty(), "a query has left something");
}

pub(crate) async fn are_answered_from_memory(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let counter = world.system().await.actor::<Counter>("a");
    counter.ask(add(1)).await.or_fail("adding");
    let probe = world.probe();
    let before = (probe.loads(&actor("a")), probe.confirms(), probe.saves());
    for _ in 0..100 {
        assert_eq!(counter.query(Total).await.or_fail("querying"), 1);
    }
    assert_eq!((probe.loads(&actor("a")), probe.confirms(), probe.saves()), before, "the store was asked");
}

pub(crate) async fn never_go_back(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    // Two actors and room for one: each use loads it anew.
    let limit = MemoryLimit::actors(1);
    let crowded = world.builder().memory_limit(limit).actor_with::<Counter>(options());
    let crowded = world.start(crowded).await;
    let other = world.other_system().await;
    let (here, there) = (crowded.actor::<Counter>("a"), other.actor::<Counter>("a"));
    let nuisance = crowded.actor::<Counter>("b");
    let mut seen = 0;
    for round in 0..40 {
        match round % 4 {
            0 => seen = seen.max(here.ask(add(1)).await.or_fail("adding here")),
            1 => drop(there.ask(add(1)).await.or_fail("adding there")),
            2 => seen = seen.max(here.ask(Look).await.or_fail("looking")),
            _ => drop(nuisance.query(Total).await.or_fail("querying another")),
        }
        let total = here.query(Total).await.or_fail("querying");
        assert!(total >= seen, "round {round}: the caller had seen {seen}, and was told {total}");
        seen = total;
    }
}

pub(crate) async fn linearizable_ones_see_the_writes_of_others(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let (here, there) = (world.system().await, world.other_system().await);
    let (here, there) = (here.actor::<Counter>("a"), there.actor::<Counter>("a"));
    assert_eq!(here.query(Total).await.or_fail("querying"), 0);
    for round in 1..=10 {
        assert_eq!(there.ask(add(1)).await.or_fail("adding elsewhere"), round);
        let total = here.query(Total).linearizable().await.or_fail("querying");
        assert_eq!(total, round, "a linearizable answer was of before what had been acknowledged elsewhere");
    }
}
