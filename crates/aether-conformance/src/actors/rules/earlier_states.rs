//! Rules of states that were: snapshots, and time travel.

pub(crate) mod snapshots {
    //! Snapshots: taken when the policy says so, used, and never needed.

    use crate::actors::Fixture;
    use crate::actors::support::{
        Counter, CounterOf, ManualClock, OrFail, Origin, Total, World, actor, add, options, until,
    };
    use aether_actor::SnapshotPolicy;
    use aether_core::ActorSnapshot;
    use serde_json::json;
    use std::sync::Arc;
    use std::time::Duration;

    /// Adds so often.
    async fn grow(world: &World, policy: SnapshotPolicy, adds: usize) {
        let counter = world.system_with(options().snapshots(policy)).await.actor::<Counter>("a");
        for _ in 0..adds {
            counter.ask(add(1)).await.or_fail("adding");
        }
    }

    /// Waits until there is a snapshot of this version or a later one.
    async fn taken(world: &World, version: u64) {
        until(format_args!("there is a snapshot of version {version}"), async || {
            world.snapshot("a").await.is_some_and(|snapshot| snapshot.version.get() >= version)
        })
        .await;
    }

    /// Loads the actor elsewhere: its total, and how many commits were read for that.
    async fn load(world: &World, policy: SnapshotPolicy) -> (u64, usize) {
        let probe = world.another().await;
        let system = world.system_on(&probe, options().snapshots(policy)).await;
        let total = system.actor::<Counter>("a").query(Total).await.or_fail("querying");
        (total, probe.commits_read())
    }

    pub(crate) async fn are_taken_after_so_many_events_and_used(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let policy = SnapshotPolicy::every(5);
        grow(&world, policy, 12).await;
        taken(&world, 10).await;
        let (total, read) = load(&world, policy).await;
        assert_eq!(total, 12);
        assert!(read <= 2, "{read} commits were read after a snapshot of version 10 of 12");
    }

    pub(crate) async fn are_taken_after_so_many_bytes(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let policy = SnapshotPolicy::NEVER.or_bytes(100);
        // Each event is of some 20 bytes.
        grow(&world, policy, 3).await;
        assert_eq!(world.probe().snapshots_saved(), 0, "a snapshot was taken too early");
        grow(&world, policy, 5).await;
        taken(&world, 4).await;
    }

    pub(crate) async fn are_taken_after_so_long(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let clock = Arc::new(ManualClock::new());
        let policy = SnapshotPolicy::NEVER.or_age(Duration::from_secs(60));
        let builder = world.builder().clock(clock.clone()).actor_with::<Counter>(options().snapshots(policy));
        let system = world.start(builder).await;
        let counter = system.actor::<Counter>("a");
        for _ in 0..5 {
            counter.ask(add(1)).await.or_fail("adding");
        }
        assert_eq!(world.probe().snapshots_saved(), 0, "a snapshot was taken too early");
        clock.advance(Duration::from_secs(61));
        counter.ask(add(1)).await.or_fail("adding");
        taken(&world, 6).await;
    }

    pub(crate) async fn are_taken_when_the_actor_leaves(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let policy = SnapshotPolicy::NEVER.or_at_passivation(2);
        let run = options().snapshots(policy).idle(Duration::from_millis(30));
        let system = world.system_with(run).await;
        let (a, b) = (system.actor::<Counter>("a"), system.actor::<Counter>("b"));
        b.ask(add(1)).await.or_fail("adding");
        for _ in 0..3 {
            a.ask(add(1)).await.or_fail("adding");
        }
        until("both have left", async || system.live() == 0).await;
        taken(&world, 3).await;
        assert!(world.snapshot("b").await.is_none(), "one event is not enough for a snapshot");
        assert_eq!(load(&world, policy).await, (3, 0));
    }

    pub(crate) async fn are_neither_taken_nor_read_without_a_policy(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        grow(&world, SnapshotPolicy::NEVER, 20).await;
        assert_eq!((world.probe().snapshots_saved(), world.probe().snapshots_loaded()), (0, 0));
        assert_eq!(load(&world, SnapshotPolicy::NEVER).await, (20, 20));
    }

    pub(crate) async fn of_an_older_form_are_upcast(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let policy = SnapshotPolicy::every(5);
        grow(&world, policy, 5).await;
        taken(&world, 5).await;
        let probe = world.another().await;
        let newer = world.system_of::<CounterOf<2>>(&probe, options().snapshots(policy)).await;
        let newer = newer.actor::<CounterOf<2>>("a");
        assert_eq!(newer.query(Total).await.or_fail("querying"), 5);
        assert_eq!(newer.query(Origin).await.or_fail("querying"), Some(1), "the snapshot was not used");
        assert_eq!(probe.commits_read(), 0, "more was read than the snapshot");
    }

    pub(crate) async fn of_an_older_form_may_be_ignored(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let policy = SnapshotPolicy::every(5);
        grow(&world, policy, 5).await;
        taken(&world, 5).await;
        let probe = world.another().await;
        let newer = world.system_of::<CounterOf<3>>(&probe, options().snapshots(policy)).await;
        let newer = newer.actor::<CounterOf<3>>("a");
        assert_eq!(newer.query(Total).await.or_fail("querying"), 5);
        assert_eq!(newer.query(Origin).await.or_fail("querying"), None);
        assert_eq!(probe.commits_read(), 5, "it was not replayed from the first event");
        assert_eq!(newer.ask(add(1)).await.or_fail("adding"), 6);
    }

    pub(crate) async fn of_something_else_are_ignored(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let policy = SnapshotPolicy::every(100);
        grow(&world, policy, 3).await;
        let head = world.commits("a").await.pop().or_fail("the last commit").head;
        let junk =
            ActorSnapshot::new(&actor("a"), head.version(), &json!({"state": 7})).or_fail("a snapshot");
        for junk in [junk.clone(), junk.with_head(head)] {
            world.store().save_snapshot(&junk).await.or_fail("saving a snapshot");
            assert_eq!(load(&world, policy).await, (3, 3));
        }
    }

    pub(crate) async fn that_cannot_be_saved_are_not_missed(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        world.probe().fail_snapshots(2);
        grow(&world, SnapshotPolicy::every(2), 10).await;
        // The first two are lost; a later one is not.
        taken(&world, 6).await;
        assert_eq!(load(&world, SnapshotPolicy::every(2)).await.0, 10);
    }
}

pub(crate) mod time_travel {
    //! Time travel: the state as it was at a version, or at a time.

    use crate::actors::Fixture;
    use crate::actors::support::{Counter, OrFail, Total, World, add, options, until};
    use aether_actor::{Answer, SnapshotPolicy};
    use aether_core::Version;

    /// A system, and an actor of ten events; with snapshots.
    async fn grown(world: &World) -> aether_actor::ActorSystem {
        let system = world.system_with(options().snapshots(SnapshotPolicy::every(4))).await;
        for _ in 0..10 {
            system.actor::<Counter>("a").ask(add(1)).await.or_fail("adding");
        }
        until("there is a snapshot", async || {
            world.snapshot("a").await.is_some_and(|it| it.version.get() >= 8)
        })
        .await;
        system
    }

    pub(crate) async fn to_any_version(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let system = grown(&world).await;
        for version in 0..=12 {
            let then = system.state_at_version::<Counter>("a", Version::new(version)).await;
            let (state, at) = then.or_fail(format_args!("the state at version {version}"));
            assert_eq!((state.answer(&Total), at.get()), (version.min(10), version.min(10)));
        }
        let (state, at) =
            system.state_at_version::<Counter>("nobody", Version::MAX).await.or_fail("nobody's state");
        assert_eq!((state, at), (Counter::default(), Version::ZERO));
    }

    pub(crate) async fn to_any_time(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let system = grown(&world).await;
        let events = world.events("a").await;
        for event in &events {
            let time = event.recorded_at;
            // Two of them may have been recorded at one time.
            let expected = events.iter().filter(|other| other.recorded_at <= time).count() as u64;
            let then = system.state_at_time::<Counter>("a", time).await;
            let (state, at) = then.or_fail(format_args!("the state at {time}"));
            assert_eq!((state.answer(&Total), at.get()), (expected, expected));
        }
        let before = events[0].recorded_at - std::time::Duration::from_secs(1);
        let (state, at) = system.state_at_time::<Counter>("a", before).await.or_fail("the state before all");
        assert_eq!((state, at), (Counter::default(), Version::ZERO));
    }
}
