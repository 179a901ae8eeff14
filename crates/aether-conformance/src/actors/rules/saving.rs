//! Saving: what is answered stands, and what stands says why.

use aether_actor::CommandId;
use futures_util::future::poll_immediate;

use crate::actors::Fixture;
use crate::actors::support::{
    AddFrom, AddUpTo, Counter, CounterError, CounterEvent, Look, OrFail, World, actor, add, until,
};

pub(crate) async fn a_reply_is_backed_by_its_events(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let counter = world.system().await.actor::<Counter>("a");
    for (count, total) in [(1, 3), (2, 6)] {
        assert_eq!(counter.ask(add(3)).await.or_fail("adding"), total);
        let events = world.events("a").await;
        assert_eq!(events.len(), count, "the reply was there before the events");
        let added: CounterEvent = CounterEvent::Added { by: 3, tag: String::new() };
        let (event_type, payload) = aether_event::encode(&added).or_fail("encoding");
        assert_eq!((events[count - 1].event_type(), events[count - 1].payload()), (event_type, &payload));
    }
}

pub(crate) async fn a_reply_waits_for_the_save(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let counter = world.system().await.actor::<Counter>("a");
    let gate = world.probe().gate();
    gate.close(&actor("a"));
    let mut ask = counter.ask(add(1));
    assert!(poll_immediate(&mut ask).await.is_none(), "there was a reply before anything was saved");
    until("the save begins", async || gate.waiting() == 1).await;
    assert!(poll_immediate(&mut ask).await.is_none(), "there was a reply while the save was on its way");
    gate.open();
    assert_eq!(ask.await.or_fail("adding"), 1);
}

pub(crate) async fn events_name_their_command(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let counter = world.system().await.actor::<Counter>("a");
    let id = CommandId::new();
    counter.ask(add(1)).id(id).await.or_fail("adding");
    let told = counter.ask(add(1)).tell().await.or_fail("telling");
    until("both are there", async || world.events("a").await.len() == 2).await;
    let events = world.events("a").await;
    let commands: Vec<_> = events.iter().map(|event| event.metadata().command_id.clone()).collect();
    assert_eq!(commands, [Some(id.to_string()), Some(told.to_string())]);
}

pub(crate) async fn a_refusal_saves_nothing(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let counter = world.system().await.actor::<Counter>("a");
    counter.ask(add(5)).await.or_fail("adding");
    let before = world.commits("a").await;
    let refused = counter.ask(AddUpTo { by: 1, limit: 5 }).await;
    let error = refused.err().or_fail("adding too much");
    assert_eq!(error.refusal(), Some(&CounterError::TooMuch { total: 6 }));
    assert_eq!(world.commits("a").await, before, "a refusal has left something");
    assert_eq!(counter.ask(Look).await.or_fail("looking"), 5);
}

pub(crate) async fn an_answer_that_saves_nothing_is_true(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let (here, there) = (world.system().await, world.other_system().await);
    let (here, there) = (here.actor::<Counter>("a"), there.actor::<Counter>("a"));
    for round in 1..=5 {
        let total = there.ask(add(1)).await.or_fail("adding elsewhere");
        assert_eq!(total, round * 2 - 1);
        let seen = here.ask(Look).await.or_fail("looking");
        assert_eq!(seen, total, "an answer was of before what had been acknowledged elsewhere");
        assert_eq!(here.ask(add(1)).await.or_fail("adding here"), round * 2);
    }
}

pub(crate) async fn a_refusal_is_true(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let (here, there) = (world.system().await, world.other_system().await);
    let (here, there) = (here.actor::<Counter>("a"), there.actor::<Counter>("a"));
    let too_little = here.ask(AddFrom { by: 1, limit: 10 }).await.err().or_fail("adding to nothing");
    assert_eq!(too_little.refusal(), Some(&CounterError::TooLittle { total: 0 }));
    there.ask(add(10)).await.or_fail("adding elsewhere");
    // On what is known here it would be refused again.
    let total = here.ask(AddFrom { by: 1, limit: 10 }).await.or_fail("adding to what is enough now");
    assert_eq!(total, 11);
    let too_much = here.ask(AddUpTo { by: 1, limit: 11 }).await.err().or_fail("adding too much");
    assert_eq!(too_much.refusal(), Some(&CounterError::TooMuch { total: 12 }));
}

pub(crate) async fn answers_that_wait_share_a_proof(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let counter = world.system().await.actor::<Counter>("a");
    let probe = world.probe();
    probe.gate().close(&actor("a"));
    let mut first = counter.ask(add(1));
    assert!(poll_immediate(&mut first).await.is_none());
    let mut asks: Vec<_> = (0..50).map(|_| counter.ask(Look)).collect();
    for ask in &mut asks {
        assert!(poll_immediate(ask).await.is_none());
    }
    probe.gate().open();
    first.await.or_fail("adding");
    for ask in asks {
        assert_eq!(ask.await.or_fail("looking"), 1);
    }
    let confirms = probe.confirms();
    assert!((1..=3).contains(&confirms), "50 answers that waited took {confirms} proofs");
}
