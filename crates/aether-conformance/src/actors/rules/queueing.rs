//! Rules of waiting commands: their order, and the mailbox.

pub(crate) mod order {
    //! Order: one actor's commands one after the other, different actors' beside each other.

    use crate::actors::Fixture;
    use crate::actors::support::{
        AddUpTo, Counter, CounterError, OrFail, PanicInDecide, PanicInEvolve, Tags, Total, World, actor, add,
        options, tagged, until,
    };
    use aether_actor::{ActorError, AskError};
    use futures_util::future::{join_all, poll_immediate};

    pub(crate) async fn commands_of_one_actor_keep_theirs(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let counter = world.system().await.actor::<Counter>("a");
        let tags: Vec<String> = (0..100).map(|number| number.to_string()).collect();
        for tag in &tags {
            counter.ask(tagged(tag)).tell().await.or_fail("telling");
        }
        until("all are there", async || {
            counter.query(Total).linearizable().await.or_fail("querying") == tags.len() as u64
        })
        .await;
        assert_eq!(counter.query(Tags).await.or_fail("querying"), tags);
    }

    pub(crate) async fn one_actor_does_not_wait_for_another(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let system = world.system().await;
        let gate = world.probe().gate();
        gate.close(&actor("slow"));
        let slow = system.actor::<Counter>("slow");
        let mut waiting = slow.ask(add(1));
        assert!(poll_immediate(&mut waiting).await.is_none());
        let others = (0..20).map(|key| {
            let counter = system.actor::<Counter>(key);
            tokio::spawn(async move { counter.ask(add(1)).await })
        });
        let others: Vec<_> = others.collect();
        for other in join_all(others).await {
            assert_eq!(other.or_fail("a task").or_fail("adding to another"), 1);
        }
        assert!(poll_immediate(&mut waiting).await.is_none(), "a save that was held back was acknowledged");
        gate.open();
        assert_eq!(waiting.await.or_fail("adding"), 1);
    }

    pub(crate) async fn commands_that_wait_share_commits(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let counter = world.system().await.actor::<Counter>("a");
        let gate = world.probe().gate();
        gate.close(&actor("a"));
        let mut asks: Vec<_> = (0..41).map(|_| counter.ask(add(1))).collect();
        for ask in &mut asks {
            assert!(poll_immediate(ask).await.is_none());
        }
        gate.open();
        for (ask, total) in asks.into_iter().zip(1..) {
            assert_eq!(ask.await.or_fail("adding"), total, "each has the reply of its own turn");
        }
        let commits = world.commits("a").await;
        assert!(commits.len() <= 3, "40 commands that waited took {} commits", commits.len() - 1);
        assert_eq!(commits.iter().map(|commit| commit.events.len()).sum::<usize>(), 41);
    }

    pub(crate) async fn sharing_a_commit_shares_nothing_else(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let counter = world.system().await.actor::<Counter>("a");
        let gate = world.probe().gate();
        gate.close(&actor("a"));
        let mut first = counter.ask(add(1));
        let mut second = counter.ask(add(1));
        let mut refused = counter.ask(AddUpTo { by: 1, limit: 2 });
        let mut decide = counter.ask(PanicInDecide);
        let mut third = counter.ask(add(1));
        let mut evolve = counter.ask(PanicInEvolve);
        let mut last = counter.ask(AddUpTo { by: 1, limit: 4 });
        assert!(poll_immediate(&mut first).await.is_none());
        until("the first is on its way", async || gate.waiting() == 1).await;
        assert!(poll_immediate(&mut second).await.is_none());
        assert!(poll_immediate(&mut refused).await.is_none());
        assert!(poll_immediate(&mut decide).await.is_none());
        assert!(poll_immediate(&mut third).await.is_none());
        assert!(poll_immediate(&mut evolve).await.is_none());
        assert!(poll_immediate(&mut last).await.is_none());
        gate.open();
        assert_eq!(first.await.or_fail("the first"), 1);
        assert_eq!(second.await.or_fail("the second"), 2);
        assert_eq!(refused.await, Err(AskError::Refused(CounterError::TooMuch { total: 3 })));
        assert!(matches!(decide.await, Err(AskError::Failed(ActorError::Panicked { .. }))));
        assert_eq!(third.await.or_fail("the third"), 3);
        assert!(matches!(evolve.await, Err(AskError::Failed(ActorError::Panicked { .. }))));
        assert_eq!(last.await.or_fail("the last"), 4);
        assert_eq!(world.events("a").await.len(), 4);
    }

    pub(crate) async fn one_by_one_shares_no_commit(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let counter = world.system_with(options().one_by_one()).await.actor::<Counter>("a");
        let gate = world.probe().gate();
        gate.close(&actor("a"));
        let mut asks: Vec<_> = (0..10).map(|_| counter.ask(add(1))).collect();
        for ask in &mut asks {
            assert!(poll_immediate(ask).await.is_none());
        }
        gate.open();
        for (ask, total) in asks.into_iter().zip(1..) {
            assert_eq!(ask.await.or_fail("adding"), total);
        }
        assert_eq!(world.commits("a").await.len(), 10);
    }

    pub(crate) async fn ten_thousand_actors_get_through(fixture: &dyn Fixture) {
        use futures_util::{StreamExt, stream};

        let world = World::open(fixture).await;
        let system = world.system().await;
        let crowd = fixture.crowd();
        let asks = stream::iter(0..crowd).map(|key| {
            let counter = system.actor::<Counter>(key);
            async move { tokio::spawn(async move { counter.ask(add(1)).await }).await }
        });
        let mut asks = asks.buffer_unordered(1000);
        while let Some(reply) = asks.next().await {
            assert_eq!(reply.or_fail("a task").or_fail("adding"), 1);
        }
        drop(asks);
        assert_eq!(system.live(), crowd);
        for key in (0..crowd).step_by(997) {
            assert_eq!(system.actor::<Counter>(key).query(Total).await.or_fail("querying"), 1);
        }
    }
}

pub(crate) mod mailbox {
    //! The mailbox: bounded, in time too. What was not begun is said to be so, and is.

    use crate::actors::Fixture;
    use crate::actors::support::{
        Counter, OrFail, Tags, Total, World, actor, add, decisions, options, tagged, unique, until,
    };
    use aether_actor::{ActorError, AskError};
    use futures_util::future::poll_immediate;
    use std::time::Duration;

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
}
