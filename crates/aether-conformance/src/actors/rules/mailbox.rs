//! The mailbox: bounded, in time too. What was not begun is said to be so, and is.

use std::time::Duration;

use aether_actor::{ActorError, AskError};
use futures_util::future::poll_immediate;

use crate::actors::Fixture;
use crate::actors::support::{
    Counter, OrFail, Tags, Total, World, actor, add, decisions, options, tagged, unique, until,
};

/// A deadline that comes soon.
const SOON: Duration = Duration::from_millis(50);

pub(crate) async fn full_for_too_long_is_overload(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let counter = world.system_with(options().mailbox(2)).await.actor::<Counter>("a");
    let gate = world.probe().gate();
    gate.close(&actor("a"));
    let mut working = counter.ask(add(1));
    assert!(poll_immediate(&mut working).await.is_none());
    until("the first is on its way", async || gate.waiting() == 1).await;
    for _ in 0..2 {
        counter.ask(add(1)).tell().await.or_fail("filling the mailbox");
    }
    let tag = unique("overload");
    let error = counter.ask(tagged(&tag)).within(SOON).await.err().or_fail("asking a full mailbox");
    assert_eq!(error.failure(), Some(&ActorError::Overloaded { capacity: 2 }));
    assert!(error.failure().is_some_and(|error| error.is_retryable() && !error.is_unknown()));
    gate.open();
    assert_eq!(working.await.or_fail("adding"), 1);
    assert_eq!(counter.ask(add(1)).await.or_fail("adding"), 4);
    assert_eq!(decisions(&tag), 0, "what was refused for want of room was begun");
}

pub(crate) async fn whoever_waits_for_room_gets_it(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let counter = world.system_with(options().mailbox(2)).await.actor::<Counter>("a");
    let gate = world.probe().gate();
    gate.close(&actor("a"));
    let mut asks: Vec<_> = (0..10).map(|_| counter.ask(add(1))).collect();
    for ask in &mut asks {
        assert!(poll_immediate(ask).await.is_none());
    }
    gate.open();
    let replies = futures_util::future::join_all(asks).await;
    let mut replies: Vec<_> = replies.into_iter().map(|reply| reply.or_fail("adding")).collect();
    replies.sort_unstable();
    assert_eq!(replies, (1..=10).collect::<Vec<u64>>());
}

pub(crate) async fn what_is_late_is_not_begun(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let counter = world.system().await.actor::<Counter>("a");
    let gate = world.probe().gate();
    gate.close(&actor("a"));
    let mut working = counter.ask(add(1));
    assert!(poll_immediate(&mut working).await.is_none());
    until("the first is on its way", async || gate.waiting() == 1).await;
    let (asked, told) = (unique("asked"), unique("told"));
    counter.ask(tagged(&told)).within(SOON).tell().await.or_fail("telling");
    let error = counter.ask(tagged(&asked)).within(SOON).await.err().or_fail("asking in vain");
    let is_late = |error: &ActorError| matches!(error, ActorError::TimedOut { .. } | ActorError::Expired);
    assert!(error.failure().is_some_and(is_late), "{error:?}");
    gate.open();
    assert_eq!(working.await.or_fail("adding"), 1);
    assert_eq!(counter.ask(add(1)).await.or_fail("adding"), 2);
    assert_eq!((decisions(&asked), decisions(&told)), (0, 0), "what was late was begun");
}

pub(crate) async fn a_dropped_ask_is_not_begun(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let counter = world.system().await.actor::<Counter>("a");
    let gate = world.probe().gate();
    gate.close(&actor("a"));
    let mut working = counter.ask(add(1));
    assert!(poll_immediate(&mut working).await.is_none());
    until("the first is on its way", async || gate.waiting() == 1).await;
    let tag = unique("dropped");
    let mut dropped = counter.ask(tagged(&tag));
    assert!(poll_immediate(&mut dropped).await.is_none());
    drop(dropped);
    gate.open();
    assert_eq!(working.await.or_fail("adding"), 1);
    assert_eq!(counter.ask(add(1)).await.or_fail("adding"), 2);
    assert_eq!(decisions(&tag), 0, "what nobody waits for was begun");
}

pub(crate) async fn a_dropped_ask_that_was_begun_is_finished(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let counter = world.system().await.actor::<Counter>("a");
    let gate = world.probe().gate();
    gate.close(&actor("a"));
    let mut working = counter.ask(tagged("begun"));
    assert!(poll_immediate(&mut working).await.is_none());
    until("it is on its way", async || gate.waiting() == 1).await;
    drop(working);
    gate.open();
    until("it is there", async || counter.query(Total).await.or_fail("querying") == 1).await;
    assert_eq!(counter.query(Tags).await.or_fail("querying"), ["begun"]);
}

pub(crate) async fn a_deadline_is_kept_while_the_store_is_silent(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let counter = world.system().await.actor::<Counter>("a");
    world.probe().gate().close(&actor("a"));
    let tag = unique("silent");
    let error = counter.ask(tagged(&tag)).within(SOON).await.err().or_fail("asking a silent store");
    let Some(failure @ ActorError::TimedOut { id }) = error.failure() else {
        panic!("it was to be a timeout, not {error:?}")
    };
    assert!(failure.is_unknown(), "it was begun, so it may be executed");
    let id = *id;
    world.probe().gate().open();
    // With its id it is found out.
    let reply = counter.ask(tagged(&tag)).id(id).await;
    assert_eq!(reply, Ok::<_, AskError<_>>(1));
    assert_eq!(world.events("a").await.len(), 1);
}
