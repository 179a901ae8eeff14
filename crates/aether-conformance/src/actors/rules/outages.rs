//! Outages: what is not known is found out before anything else happens; what is not there is waited for.

use std::time::Duration;

use aether_actor::ActorError;
use aether_core::SaveError;
use futures_util::future::poll_immediate;

use crate::actors::Fixture;
use crate::actors::support::{
    Counter, Fault, Look, OrFail, Total, World, actor, add, decisions, options, tagged, unique, until,
};

/// A deadline that comes soon.
const SOON: Duration = Duration::from_millis(100);

/// Adds while this goes wrong with the first attempts.
async fn add_through(fixture: &dyn Fixture, faults: &[Fault]) {
    let world = World::open(fixture).await;
    let counter = world.system().await.actor::<Counter>("a");
    counter.ask(add(1)).await.or_fail("adding");
    world.probe().fail_next(faults.iter().copied());
    assert_eq!(counter.ask(add(1)).await.or_fail("adding through an outage"), 2);
    assert_eq!(counter.ask(add(1)).await.or_fail("adding after it"), 3);
    let elsewhere = world.other_system().await.actor::<Counter>("a");
    assert_eq!(elsewhere.query(Total).await.or_fail("querying"), 3);
    assert_eq!(world.events("a").await.len(), 3);
}

pub(crate) async fn a_lost_acknowledgement_is_found_out(fixture: &dyn Fixture) {
    add_through(fixture, &[Fault::AckLost]).await;
}

pub(crate) async fn a_lost_save_is_saved_again(fixture: &dyn Fixture) {
    add_through(fixture, &[Fault::Lost, Fault::Lost]).await;
}

pub(crate) async fn several_losses_are_overcome(fixture: &dyn Fixture) {
    add_through(fixture, &[Fault::Lost, Fault::AckLost, Fault::Unavailable, Fault::AckLost]).await;
}

pub(crate) async fn an_unavailable_store_is_waited_for(fixture: &dyn Fixture) {
    add_through(fixture, &[Fault::Unavailable; 3]).await;
}

pub(crate) async fn recorded_answers_are_found_out_too(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let counter = world.system().await.actor::<Counter>("a");
    counter.ask(add(1)).await.or_fail("adding");
    world.probe().fail_next([Fault::AckLost, Fault::Lost]);
    let id = aether_actor::CommandId::new();
    assert_eq!(counter.ask(Look).id(id).await.or_fail("looking"), 1);
    assert_eq!(world.commits("a").await.len(), 2, "the answer was recorded more than once, or not at all");
}

pub(crate) async fn the_next_command_waits_for_what_is_not_known(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let counter = world.system().await.actor::<Counter>("a");
    let probe = world.probe();
    probe.fail_always(Some(Fault::Lost));
    let mut first = counter.ask(add(1));
    assert!(poll_immediate(&mut first).await.is_none());
    let tag = unique("next");
    let mut next = counter.ask(tagged(&tag));
    assert!(poll_immediate(&mut next).await.is_none());
    until("it was tried a few times", async || probe.saves() >= 4).await;
    assert_eq!(
        decisions(&tag),
        0,
        "a command was decided before it was known whether the one before it stands"
    );
    probe.fail_always(None);
    assert_eq!(first.await.or_fail("the first"), 1);
    assert_eq!(next.await.or_fail("the next"), 2);
}

pub(crate) async fn what_is_not_known_is_found_out_also_for_nobody(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let counter = world.system().await.actor::<Counter>("a");
    let probe = world.probe();
    probe.fail_next([Fault::AckLost]);
    probe.fail_always(Some(Fault::Lost));
    let error = counter.ask(add(1)).within(SOON).await.err().or_fail("asking in vain");
    assert!(error.failure().is_some_and(ActorError::is_unknown), "it may be saved: {error:?}");
    probe.fail_always(None);
    // It was saved, and the next one is decided on that.
    assert_eq!(counter.ask(add(1)).await.or_fail("the next"), 2);
    assert_eq!(world.events("a").await.len(), 2);
}

pub(crate) async fn unavailable_to_the_deadline_is_told(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let counter = world.system().await.actor::<Counter>("a");
    counter.ask(add(1)).await.or_fail("adding");
    world.probe().fail_always(Some(Fault::Unavailable));
    let error = counter.ask(add(1)).within(SOON).await.err().or_fail("asking in vain");
    let error = error.failure().or_fail("what is no refusal");
    assert!(error.is_retryable() && !error.is_unknown(), "it is known that nothing was saved: {error:?}");
    world.probe().fail_always(None);
    assert_eq!(counter.ask(Look).await.or_fail("looking"), 1, "what was unavailable was saved");
    assert_eq!(counter.ask(add(1)).await.or_fail("adding"), 2);
}

pub(crate) async fn what_the_store_refuses_is_told(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let counter = world.system().await.actor::<Counter>("a");
    world.probe().fail_next([Fault::Full]);
    let error = counter.ask(add(1)).await.err().or_fail("asking a full store");
    let Some(ActorError::Save(source)) = error.failure() else {
        panic!("it was to say that the store is full: {error:?}")
    };
    assert!(matches!(**source, SaveError::StoreFull { .. }), "{source:?}");
    assert_eq!(counter.ask(add(1)).await.or_fail("adding"), 1, "what the store refused was counted");
}

pub(crate) async fn what_cannot_be_read_is_read_again(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let counter = world.system().await.actor::<Counter>("a");
    counter.ask(add(1)).await.or_fail("adding");
    let probe = world.another().await;
    let system = world.system_on(&probe, options()).await;
    probe.fail_reads(3);
    assert_eq!(system.actor::<Counter>("a").ask(add(1)).await.or_fail("adding"), 2);
    probe.fail_reads(usize::MAX);
    let error = system.actor::<Counter>("b").query(Total).within(SOON).await.err().or_fail("reading in vain");
    assert!(error.is_retryable() && !error.is_unknown(), "{error:?}");
    probe.fail_reads(0);
    assert_eq!(system.actor::<Counter>("b").query(Total).await.or_fail("querying"), 0);
    assert_eq!(probe.loads(&actor("a")), 4);
}
