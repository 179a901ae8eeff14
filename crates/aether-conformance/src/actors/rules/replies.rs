//! Rules of replies: what backs them, conflicts, and queries.

pub(crate) mod saving {
    //! Saving: what is answered stands, and what stands says why.

    use crate::actors::Fixture;
    use crate::actors::support::{
        AddFrom, AddUpTo, Counter, CounterError, CounterEvent, Look, OrFail, World, actor, add, until,
    };
    use aether_actor::CommandId;
    use futures_util::future::poll_immediate;

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
}

pub(crate) mod conflicts {
    //! Conflicts: two systems at one actor lose nothing.

    use crate::actors::Fixture;
    use crate::actors::support::{
        AddUpTo, Counter, CounterError, Fault, Look, OrFail, Total, World, add, decisions, options, tagged,
        unique,
    };
    use aether_actor::ActorError;
    use futures_util::future::join_all;
    use std::sync::Arc;
    use tokio::sync::Barrier;

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
}

pub(crate) mod queries {
    //! Queries: answered from memory, and never behind what their caller has seen.

    use crate::actors::Fixture;
    use crate::actors::support::{Counter, Look, OrFail, Total, World, actor, add, options};
    use aether_actor::MemoryLimit;

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
        assert_eq!(
            (probe.loads(&actor("a")), probe.confirms(), probe.saves()),
            before,
            "the store was asked"
        );
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
            assert_eq!(
                total, round,
                "a linearizable answer was of before what had been acknowledged elsewhere"
            );
        }
    }
}
