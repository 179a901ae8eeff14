//! Rules of an actor's time in memory, and of shutdown.

pub(crate) mod memory {
    //! Memory: actors come when they are asked, and leave when they are not, or when there are too many.

    use crate::actors::Fixture;
    use crate::actors::support::{Counter, OrFail, Total, World, actor, add, options, until};
    use aether_actor::{ActorSystem, MemoryLimit, SnapshotPolicy};
    use std::time::Duration;

    async fn limited(world: &World, limit: MemoryLimit) -> ActorSystem {
        let builder = world.builder().memory_limit(limit).actor_with::<Counter>(options());
        world.start(builder).await
    }

    pub(crate) async fn a_reference_takes_none(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let system = world.system().await;
        let counter = system.actor::<Counter>("a");
        assert_eq!(counter.id(), Some(&actor("a")));
        assert_eq!((system.live(), world.probe().loads(&actor("a"))), (0, 0));
        counter.ask(add(1)).await.or_fail("adding");
        assert_eq!(system.live(), 1);
    }

    pub(crate) async fn the_idle_leave(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let system = world.system_with(options().idle(Duration::from_millis(50))).await;
        let counter = system.actor::<Counter>("a");
        for total in 1..=3 {
            assert_eq!(counter.ask(add(1)).await.or_fail("adding"), total);
            until("the idle have left", async || system.live() == 0).await;
        }
        assert_eq!(world.probe().loads(&actor("a")), 3);
    }

    pub(crate) async fn those_at_work_stay(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let run = options().idle(Duration::from_millis(20));
        let builder = world.builder().memory_limit(MemoryLimit::actors(1)).actor_with::<Counter>(run);
        let system = world.start(builder).await;
        let busy = system.actor::<Counter>("busy");
        busy.ask(add(1)).await.or_fail("adding");
        let gate = world.probe().gate();
        gate.close(&actor("busy"));
        let working = {
            let busy = busy.clone();
            tokio::spawn(async move { busy.ask(add(1)).await })
        };
        until("it is at work", async || gate.waiting() == 1).await;
        for key in 0..5 {
            system.actor::<Counter>(key).ask(add(1)).await.or_fail("adding");
        }
        until("all others have left", async || system.live() == 1).await;
        let loads = world.probe().loads(&actor("busy"));
        gate.open();
        assert_eq!(working.await.or_fail("a task").or_fail("adding"), 2);
        assert_eq!(world.probe().loads(&actor("busy")), loads, "an actor at work was thrown out");
    }

    pub(crate) async fn no_more_stay_than_the_limit(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let system = limited(&world, MemoryLimit::actors(3)).await;
        for round in 1..=2 {
            for key in 0..20 {
                assert_eq!(system.actor::<Counter>(key).ask(add(1)).await.or_fail("adding"), round);
            }
            until("the limit is kept", async || system.live() <= 3).await;
        }
    }

    pub(crate) async fn no_more_stay_than_their_bytes_allow(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        // A counter says that it takes 1,000 bytes.
        let system = limited(&world, MemoryLimit::bytes(4500)).await;
        for key in 0..20 {
            system.actor::<Counter>(key).ask(add(1)).await.or_fail("adding");
        }
        until("the limit is kept", async || system.live() <= 4).await;
        assert!(system.live() >= 3, "more have left than had to");
    }

    pub(crate) async fn the_least_recently_used_leave(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let system = limited(&world, MemoryLimit::actors(20)).await;
        let ask = async |key: usize| {
            system.actor::<Counter>(key).ask(add(1)).await.or_fail("adding");
        };
        // Whoever is at work stays, so those who have to leave are asked long before.
        for key in 0..20 {
            ask(key).await;
        }
        // A query is a use, too.
        for key in 0..10 {
            system.actor::<Counter>(key).query(Total).await.or_fail("querying");
        }
        for key in 20..30 {
            ask(key).await;
        }
        until("the limit is kept", async || system.live() <= 20).await;
        let reloaded = async |keys: std::ops::Range<usize>| {
            let mut reloaded = Vec::new();
            for key in keys {
                ask(key).await;
                if world.probe().loads(&actor(&key.to_string())) > 1 {
                    reloaded.push(key);
                }
            }
            reloaded
        };
        assert!(reloaded(0..10).await.is_empty(), "some that had been used lately had left");
        assert_eq!(
            reloaded(10..20).await,
            (10..20).collect::<Vec<_>>(),
            "some that had not been used had not left"
        );
    }

    pub(crate) async fn those_who_take_their_time_drive_out_nobody(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        // Whoever leaves is saved first, and is in memory until that is done.
        let policy = SnapshotPolicy::NEVER.or_at_passivation(1);
        let builder = world.builder().memory_limit(MemoryLimit::actors(4));
        let system = world.start(builder.actor_with::<Counter>(options().snapshots(policy))).await;
        for key in 0..8 {
            system.actor::<Counter>(key).ask(add(1)).await.or_fail("adding");
            until("the limit is kept", async || system.live() <= 4).await;
            assert_eq!(system.live(), (key + 1).min(4), "others have left beside the one that had to");
        }
        assert!(world.snapshot("0").await.is_some(), "the first has left without its snapshot");
    }
}

pub(crate) mod shutdown {
    //! Shutdown: what waits is finished or told, and nothing is begun any more.

    use crate::actors::Fixture;
    use crate::actors::support::{
        Counter, OrFail, Total, World, actor, add, decisions, options, tagged, unique, until,
    };
    use aether_actor::{ActorError, AskError, SnapshotPolicy};
    use futures_util::future::poll_immediate;
    use std::time::Duration;

    /// Long enough for everything.
    const AMPLE: Duration = Duration::from_secs(30);

    pub(crate) async fn finishes_what_waits(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let system = world.system_with(options().one_by_one()).await;
        for key in 0..5 {
            let counter = system.actor::<Counter>(key);
            for _ in 0..10 {
                counter.ask(add(1)).tell().await.or_fail("telling");
            }
        }
        let report = system.shutdown(AMPLE).await;
        assert!(report.unhandled.is_empty(), "{report:?}");
        for key in 0..5 {
            assert_eq!(world.events(&key.to_string()).await.len(), 10);
        }
    }

    pub(crate) async fn begins_nothing_any_more(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let system = world.system().await;
        let counter = system.actor::<Counter>("a");
        counter.ask(add(1)).await.or_fail("adding");
        let _ = system.shutdown(AMPLE).await;
        let error = counter.ask(add(1)).await;
        assert_eq!(error, Err(AskError::Failed(ActorError::Stopped)));
        assert_eq!(world.events("a").await.len(), 1);
    }

    pub(crate) async fn takes_nothing_while_it_finishes(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let system = world.system().await;
        let (busy, other) = (system.actor::<Counter>("busy"), system.actor::<Counter>("other"));
        let gate = world.probe().gate();
        gate.close(&actor("busy"));
        let mut working = busy.ask(add(1));
        assert!(poll_immediate(&mut working).await.is_none());
        let shutdown = tokio::spawn(system.shutdown(AMPLE));
        until("nothing is taken any more", async || {
            other.ask(add(1)).await == Err(AskError::Failed(ActorError::Stopped))
        })
        .await;
        assert!(!shutdown.is_finished(), "commands were taken until it was over");
        gate.open();
        assert_eq!(working.await.or_fail("what was at work"), 1);
        assert!(shutdown.await.or_fail("a task").unhandled.is_empty());
    }

    pub(crate) async fn tells_what_it_did_not_begin(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let system = world.system().await;
        let counter = system.actor::<Counter>("a");
        let gate = world.probe().gate();
        gate.close(&actor("a"));
        let mut working = counter.ask(add(1));
        assert!(poll_immediate(&mut working).await.is_none());
        until("the first is on its way", async || gate.waiting() == 1).await;
        let tags = [unique("stopped"), unique("stopped")];
        let mut asked = counter.ask(tagged(&tags[0]));
        assert!(poll_immediate(&mut asked).await.is_none());
        let told = counter.ask(tagged(&tags[1])).tell().await.or_fail("telling");
        let report = system.shutdown(Duration::from_millis(100)).await;
        assert_eq!(report.unhandled.len(), 2, "{report:?}");
        for unhandled in &report.unhandled {
            assert_eq!((&unhandled.actor, unhandled.command), (&actor("a"), "Add"));
        }
        assert_eq!(report.unhandled[1].id, told);
        assert_eq!(asked.await, Err(AskError::Failed(ActorError::Stopped)));
        gate.open();
        // Whoever was at work is answered, or told that nobody knows; what it saved stands.
        let _ = working.await;
        assert_eq!(tags.map(|tag| decisions(&tag)), [0, 0]);
        assert!(world.events("a").await.len() <= 1);
    }

    pub(crate) async fn keeps_its_deadline(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let system = world.system().await;
        let counter = system.actor::<Counter>("a");
        world.probe().gate().close(&actor("a"));
        let mut working = counter.ask(add(1));
        assert!(poll_immediate(&mut working).await.is_none());
        let shutdown = system.shutdown(Duration::from_millis(100));
        tokio::time::timeout(Duration::from_secs(10), shutdown).await.or_fail("stopping within the deadline");
    }

    pub(crate) async fn takes_the_snapshots_that_are_due(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let policy = SnapshotPolicy::NEVER.or_at_passivation(2);
        let system = world.system_with(options().snapshots(policy)).await;
        for _ in 0..3 {
            system.actor::<Counter>("a").ask(add(1)).await.or_fail("adding");
        }
        system.actor::<Counter>("b").ask(add(1)).await.or_fail("adding");
        assert_eq!(system.shutdown(AMPLE).await.snapshots, 1);
        let snapshot = world.snapshot("a").await.or_fail("the snapshot");
        assert_eq!(snapshot.version.get(), 3);
        let next = world.other_system_with(options().snapshots(policy)).await;
        assert_eq!(next.actor::<Counter>("a").query(Total).await.or_fail("querying"), 3);
    }
}
