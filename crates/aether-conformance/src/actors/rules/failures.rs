//! Rules of failures: the store's, and panics of the actor's code.

pub(crate) mod outages {
    //! Outages: what is not known is found out before anything else happens; what is not there is waited for.

    use crate::actors::Fixture;
    use crate::actors::support::{
        Counter, Fault, Look, OrFail, Total, World, actor, add, decisions, options, tagged, unique, until,
    };
    use aether_actor::ActorError;
    use aether_core::SaveError;
    use futures_util::future::poll_immediate;
    use std::time::Duration;

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
        assert_eq!(
            world.commits("a").await.len(),
            2,
            "the answer was recorded more than once, or not at all"
        );
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
        let error =
            system.actor::<Counter>("b").query(Total).within(SOON).await.err().or_fail("reading in vain");
        assert!(error.is_retryable() && !error.is_unknown(), "{error:?}");
        probe.fail_reads(0);
        assert_eq!(system.actor::<Counter>("b").query(Total).await.or_fail("querying"), 0);
        assert_eq!(probe.loads(&actor("a")), 4);
    }
}

pub(crate) mod panics {
    //! Panics: of one command, which saves nothing; and of a history, which parks its actor. The others never notice.

    use crate::actors::Fixture;
    use crate::actors::support::{
        Counter, CounterEvent, Look, OrFail, PanicInAnswer, PanicInDecide, PanicInEvolve, Total, World,
        actor, add, mend, options, unique,
    };
    use aether_actor::event::{UnknownEvents, encode};
    use aether_actor::{ActorError, AskError};
    use aether_core::{Commit, Event, Version};

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
        let Some(ActorError::Parked(poison)) = error.failure() else {
            panic!("it was to be parked: {error:?}")
        };
        let text = format!("{poison:?}");
        assert!(text.contains("OfTheFuture"), "it does not say what is unknown: {text}");
        let lenient = world.other_system_with(options().unknown_events(UnknownEvents::Skip)).await;
        assert_eq!(lenient.actor::<Counter>("a").ask(add(1)).await.or_fail("skipping it"), 2);
        let versions: Vec<Version> = world.events("a").await.iter().map(|event| event.version()).collect();
        assert_eq!(versions, [1, 2, 3].map(Version::new), "what is skipped keeps its version");
    }
}
