//! Panics: of one command, which saves nothing; and of a history, which parks its actor. The others never notice.

use aether_actor::event::{UnknownEvents, encode};
use aether_actor::{ActorError, AskError};
use aether_core::{Commit, Event, Version};

use crate::actors::Fixture;
use crate::actors::support::{
    Counter, CounterEvent, Look, OrFail, PanicInAnswer, PanicInDecide, PanicInEvolve, Total, World, actor,
    add, mend, options, unique,
};

pub(crate) async fn in_decide_fails_that_command(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let counter = world.system().await.actor::<Counter>("a");
    counter.ask(add(1)).await.or_fail("adding");
    for round in 2..5 {
        let error = counter.ask(PanicInDecide).await.err().or_fail("a panic");
        let Some(ActorError::Panicked { message }) = error.failure() else {
            panic!("not a panic: {error:?}")
        };
        assert_eq!(message, "decide was told to panic");
        assert_eq!(counter.ask(add(1)).await.or_fail("adding after a panic"), round);
    }
    assert_eq!(world.events("a").await.len(), 4);
}

pub(crate) async fn in_evolve_saves_nothing(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let system = world.system().await;
    let counter = system.actor::<Counter>("a");
    counter.ask(add(1)).await.or_fail("adding");
    let error = counter.ask(PanicInEvolve).await.err().or_fail("a panic");
    assert!(matches!(error, AskError::Failed(ActorError::Panicked { .. })), "{error:?}");
    assert_eq!(counter.ask(add(1)).await.or_fail("adding after a panic"), 2);
    assert_eq!(world.events("a").await.len(), 2, "an event that the actor cannot take in was saved");
    assert!(system.parked().is_empty());
}

pub(crate) async fn in_answer_fails_that_query(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let counter = world.system().await.actor::<Counter>("a");
    counter.ask(add(1)).await.or_fail("adding");
    for linearizable in [false, true] {
        let query = counter.query(PanicInAnswer);
        let query = if linearizable { query.linearizable() } else { query };
        let error = query.await.err().or_fail("a panic");
        assert_eq!(error, ActorError::Panicked { message: "answer was told to panic".to_owned() });
        assert_eq!(counter.query(Total).await.or_fail("querying after a panic"), 1);
    }
}

/// Puts an event into a log past the runtime.
async fn forge(world: &World, key: &str, event_type: &'static str, event: Option<&CounterEvent>) {
    let head = world.store().get_head(&actor(key)).await.or_fail("getting the head");
    let builder = Event::builder(&actor(key), head.version().next(), event_type);
    let builder = match event {
        Some(event) => builder.payload(encode(event).or_fail("encoding").1),
        None => builder,
    };
    let event = builder.build().or_fail("an event");
    world.store().save(&Commit::event(&event)).await.or_fail("saving");
}

pub(crate) async fn on_replay_park_the_actor(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let key = unique("broken");
    forge(&world, "ill", "Broken", Some(&CounterEvent::Broken { key: key.clone() })).await;
    let system = world.system().await;
    let (ill, well) = (system.actor::<Counter>("ill"), system.actor::<Counter>("well"));
    for _ in 0..3 {
        let error = ill.ask(add(1)).await.err().or_fail("asking an actor that cannot be loaded");
        let Some(ActorError::Parked(poison)) = error.failure() else {
            panic!("it was to be parked: {error:?}")
        };
        let text = poison.to_string();
        assert!(
            text.contains("Broken") && text.contains("version 1"),
            "it does not say what is broken: {text}"
        );
        assert!(matches!(ill.query(Total).await, Err(ActorError::Parked(_))));
        assert_eq!(well.ask(Look).await.or_fail("another actor"), 0);
    }
    assert_eq!(system.parked(), [actor("ill")]);
    assert!(!system.unpark(&actor("well")), "an actor that was not parked was let go");
    assert!(system.unpark(&actor("ill")));
    assert!(system.parked().is_empty());
    assert!(ill.ask(add(1)).await.is_err(), "it is as broken as before");
    mend(&key);
    assert!(ill.ask(add(1)).await.is_err(), "it is parked until it is said otherwise");
    assert!(system.unpark(&actor("ill")));
    assert_eq!(ill.ask(add(1)).await.or_fail("an actor that was mended"), 1);
    assert_eq!(world.events("ill").await.len(), 2);
}

pub(crate) async fn unknown_events_park_or_are_skipped(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    world.system().await.actor::<Counter>("a").ask(add(1)).await.or_fail("adding");
    forge(&world, "a", "OfTheFuture", None).await;
    let strict = world.other_system().await;
    let error = strict.actor::<Counter>("a").ask(add(1)).await.err().or_fail("an unknown event");
    let Some(ActorError::Parked(poison)) = error.failure() else { panic!("it was to be parked: {error:?}") };
    let text = format!("{poison:?}");
    assert!(text.contains("OfTheFuture"), "it does not say what is unknown: {text}");
    let lenient = world.other_system_with(options().unknown_events(UnknownEvents::Skip)).await;
    assert_eq!(lenient.actor::<Counter>("a").ask(add(1)).await.or_fail("skipping it"), 2);
    let versions: Vec<Version> = world.events("a").await.iter().map(|event| event.version()).collect();
    assert_eq!(versions, [1, 2, 3].map(Version::new), "what is skipped keeps its version");
}
