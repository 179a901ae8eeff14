//! Conflicts: two systems at one actor lose nothing.

use std::sync::Arc;

use aether_actor::ActorError;
use futures_util::future::join_all;
use tokio::sync::Barrier;

use crate::actors::Fixture;
use crate::actors::support::{
    AddUpTo, Counter, CounterError, Fault, Look, OrFail, Total, World, add, decisions, options, tagged,
    unique,
};

/// Commands of each system.
const EACH: usize = 50;

pub(crate) async fn no_update_is_lost(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let systems = [world.system().await, world.other_system().await];
    let start = Arc::new(Barrier::new(2 * EACH));
    let asks = systems.iter().flat_map(|system| {
        (0..EACH).map(|_| {
            let (counter, start) = (system.actor::<Counter>("a"), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                counter.ask(add(1)).await
            })
        })
    });
    let asks: Vec<_> = asks.collect();
    let mut replies = Vec::new();
    for ask in join_all(asks).await {
        replies.push(ask.or_fail("a task").or_fail("adding"));
    }
    replies.sort_unstable();
    let all: Vec<u64> = (1..=2 * EACH as u64).collect();
    assert_eq!(replies, all, "each reply is the total after its own addition, once");
    for system in &systems {
        let total = system.actor::<Counter>("a").query(Total).linearizable().await.or_fail("querying");
        assert_eq!(total, 2 * EACH as u64);
    }
    assert_eq!(world.events("a").await.len(), 2 * EACH);
}

pub(crate) async fn a_command_is_decided_again(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let (here, there) = (world.system().await, world.other_system().await);
    let (here, there) = (here.actor::<Counter>("a"), there.actor::<Counter>("a"));
    assert_eq!(here.ask(Look).await.or_fail("looking"), 0);
    there.ask(add(8)).await.or_fail("adding elsewhere");
    // On what is known here it would be taken.
    let error = here.ask(AddUpTo { by: 3, limit: 10 }).await.err().or_fail("adding too much");
    assert_eq!(error.refusal(), Some(&CounterError::TooMuch { total: 11 }));
    there.ask(add(1)).await.or_fail("adding elsewhere");
    assert_eq!(here.ask(AddUpTo { by: 1, limit: 10 }).await.or_fail("adding"), 10);
}

pub(crate) async fn are_given_up_in_the_end(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let counter = world.system_with(options().conflicts(3)).await.actor::<Counter>("a");
    counter.ask(add(1)).await.or_fail("adding");
    world.probe().fail_always(Some(Fault::Conflict));
    let tag = unique("contended");
    let error = counter.ask(tagged(&tag)).await.err().or_fail("adding against all others");
    assert_eq!(error.failure(), Some(&ActorError::Contended { attempts: 3 }));
    assert_eq!(decisions(&tag), 3);
    world.probe().fail_always(None);
    assert_eq!(counter.ask(Look).await.or_fail("looking"), 1);
}
