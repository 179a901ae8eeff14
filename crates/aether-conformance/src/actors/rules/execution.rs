//! Rules of executing a command once, also by its name.

pub(crate) mod once {
    //! Once: a command of one id is executed once, however often and wherever it is sent.

    use crate::actors::Fixture;
    use crate::actors::support::{
        AddUpTo, Counter, CounterError, Look, OrFail, Say, Total, World, actor, add, options, until,
    };
    use aether_actor::{ActorError, ActorSystem, CommandId, Since, SnapshotPolicy};
    use futures_util::future::join_all;
    use std::sync::Arc;
    use tokio::sync::Barrier;

    /// Sends the same command again, and expects what was answered first.
    async fn resend(system: &ActorSystem, id: CommandId, first: u64) {
        let counter = system.actor::<Counter>("a");
        let before = counter.query(Total).linearizable().await.or_fail("querying");
        let again = counter.ask(add(1)).id(id).await.or_fail("sending a command again");
        assert_eq!(again, first, "the answer is not the one of the first time");
        let after = counter.query(Total).linearizable().await.or_fail("querying");
        assert_eq!(after, before, "the command was executed again");
    }

    /// Commands that bury what was before them, one commit each.
    async fn bury(system: &ActorSystem, commits: usize) {
        let counter = system.actor::<Counter>("a");
        for _ in 0..commits {
            counter.ask(add(1)).await.or_fail("burying");
        }
    }

    pub(crate) async fn one_after_the_other(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let system = world.system().await;
        let id = CommandId::new();
        let first = system.actor::<Counter>("a").ask(add(1)).id(id).await.or_fail("adding");
        bury(&system, 3).await;
        resend(&system, id, first).await;
        resend(&system, id, first).await;
        assert_eq!(world.events("a").await.len(), 4);
    }

    pub(crate) async fn another_id_is_another_command(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let counter = world.system().await.actor::<Counter>("a");
        for total in 1..=3 {
            assert_eq!(counter.ask(add(1)).id(CommandId::new()).await.or_fail("adding"), total);
        }
        assert_eq!(counter.ask(add(1)).await.or_fail("adding"), 4);
    }

    /// All at the same time, through these systems in turn.
    async fn race(world: &World, systems: &[ActorSystem]) {
        const SENDERS: usize = 16;
        for round in 0..5 {
            let id = CommandId::new();
            let start = Arc::new(Barrier::new(SENDERS));
            let asks = (0..SENDERS).map(|sender| {
                let counter = systems[sender % systems.len()].actor::<Counter>("a");
                let start = start.clone();
                tokio::spawn(async move {
                    start.wait().await;
                    counter.ask(add(1)).id(id).await
                })
            });
            let asks: Vec<_> = asks.collect();
            for ask in join_all(asks).await {
                let reply = ask.or_fail("a task").or_fail("adding");
                assert_eq!(reply, round + 1, "round {round}");
            }
        }
        assert_eq!(world.events("a").await.len(), 5);
    }

    pub(crate) async fn at_the_same_time(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let system = world.system().await;
        race(&world, &[system]).await;
    }

    pub(crate) async fn through_two_systems(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let systems = [world.system().await, world.other_system().await];
        race(&world, &systems).await;
    }

    pub(crate) async fn after_leaving_memory(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let system = world.system_with(options().idle(std::time::Duration::from_millis(30))).await;
        let id = CommandId::new();
        let first = system.actor::<Counter>("a").ask(add(1)).id(id).await.or_fail("adding");
        for _ in 0..3 {
            until("the actor has left", async || system.live() == 0).await;
            resend(&system, id, first).await;
        }
    }

    pub(crate) async fn after_a_restart(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let system = world.system().await;
        let id = CommandId::new();
        let first = system.actor::<Counter>("a").ask(add(1)).id(id).await.or_fail("adding");
        bury(&system, 3).await;
        let _ = system.shutdown(std::time::Duration::from_secs(10)).await;
        resend(&world.other_system().await, id, first).await;
    }

    pub(crate) async fn after_a_snapshot(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let run = || options().snapshots(SnapshotPolicy::every(1)).remember(8);
        let system = world.system_with(run()).await;
        let id = CommandId::new();
        let first = system.actor::<Counter>("a").ask(add(1)).id(id).await.or_fail("adding");
        let taken = async |version| {
            let snapshot = world.snapshot("a").await;
            snapshot.is_some_and(|snapshot| snapshot.version.get() >= version)
        };
        until("there is a snapshot", async || taken(1).await).await;
        // What the snapshot remembers.
        resend(&world.other_system_with(run()).await, id, first).await;
        bury(&system, 20).await;
        until("there is a snapshot", async || taken(21).await).await;
        // What it does not remember any more.
        resend(&world.other_system_with(run()).await, id, first).await;
    }

    pub(crate) async fn beyond_what_is_remembered(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let system = world.system_with(options().remember(2)).await;
        let id = CommandId::new();
        let first = system.actor::<Counter>("a").ask(add(1)).id(id).await.or_fail("adding");
        bury(&system, 20).await;
        resend(&system, id, first).await;
        bury(&system, 20).await;
        resend(&system, id, first).await;
    }

    pub(crate) async fn within_1024_commits(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let system = world.system_with(options().remember(4)).await;
        let id = CommandId::new();
        let first = system.actor::<Counter>("a").ask(add(1)).id(id).await.or_fail("adding");
        bury(&system, 1000).await;
        resend(&system, id, first).await;
    }

    pub(crate) async fn beyond_1024_commits_it_is_not_guessed(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let system = world.system_with(options().remember(4)).await;
        let counter = system.actor::<Counter>("a");
        let id = CommandId::new();
        counter.ask(add(1)).id(id).await.or_fail("adding");
        bury(&system, 1040).await;
        let error = counter.ask(add(1)).id(id).await.err().or_fail("sending again what is too long ago");
        assert_eq!(error.failure(), Some(&ActorError::WindowPassed { id }));
        assert_eq!(counter.query(Total).linearizable().await.or_fail("querying"), 1041);
        // Whoever says since when is told.
        let recent = world.events("a").await.pop().or_fail("the last event").position;
        let new = CommandId::new();
        let total =
            counter.ask(add(1)).id(new).since(Since::Event(recent)).await.or_fail("saying since when");
        assert_eq!(total, 1042);
        assert_eq!(counter.ask(add(1)).await.or_fail("adding without an id"), 1043);
    }

    pub(crate) async fn since_narrows_the_search(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let system = world.system_with(options().remember(2)).await;
        let counter = system.actor::<Counter>("a");
        bury(&system, 100).await;
        let recent = world.events("a").await.pop().or_fail("the last event").position;
        let id = CommandId::new();
        counter.ask(add(1)).id(id).since(Since::Event(recent)).await.or_fail("adding");
        bury(&system, 10).await;
        let before = world.probe().commits_read();
        counter.ask(add(1)).id(id).since(Since::Event(recent)).await.or_fail("sending it again");
        let read = world.probe().commits_read() - before;
        assert!(read <= 11, "{read} commits were read to look at 11");
        assert_eq!(counter.query(Total).await.or_fail("querying"), 111);
    }

    pub(crate) async fn a_recorded_refusal_stays_the_same(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let system = world.system().await;
        let counter = system.actor::<Counter>("a");
        counter.ask(add(5)).await.or_fail("adding");
        let id = CommandId::new();
        let command = || AddUpTo { by: 3, limit: 7 };
        let refused = |error: Option<aether_actor::AskError<CounterError>>| {
            let error = error.or_fail("what was refused");
            assert_eq!(error.refusal(), Some(&CounterError::TooMuch { total: 8 }));
        };
        refused(counter.ask(command()).id(id).await.err());
        // Now it would say something else.
        counter.ask(add(1)).await.or_fail("adding");
        refused(counter.ask(command()).id(id).await.err());
        let elsewhere = world.other_system().await.actor::<Counter>("a");
        refused(elsewhere.ask(command()).id(id).await.err());
        assert_eq!(elsewhere.ask(Look).await.or_fail("looking"), 6);
    }

    pub(crate) async fn a_recorded_answer_stays_the_same(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let counter = world.system().await.actor::<Counter>("a");
        let id = CommandId::new();
        assert_eq!(counter.ask(Look).id(id).await.or_fail("looking"), 0);
        counter.ask(add(1)).await.or_fail("adding");
        assert_eq!(counter.ask(Look).id(id).await.or_fail("looking"), 0);
        assert_eq!(counter.ask(Look).await.or_fail("looking"), 1);
        assert_eq!(world.events("a").await.len(), 1, "an answer has left an event");
    }

    pub(crate) async fn a_large_reply_is_not_kept(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let counter = world.system().await.actor::<Counter>("a");
        // As JSON with its quotes, 4096 bytes and one more.
        let [fits, large] = [CommandId::new(), CommandId::new()];
        for _ in 0..2 {
            let reply = counter.ask(Say { bytes: 4094 }).id(fits).await.or_fail("a reply that fits");
            assert_eq!(reply.len(), 4094);
        }
        let reply = counter.ask(Say { bytes: 4095 }).id(large).await.or_fail("a large reply, the first time");
        assert_eq!(reply.len(), 4095);
        let error = counter.ask(Say { bytes: 4095 }).id(large).await.err().or_fail("a large reply again");
        assert_eq!(error.failure(), Some(&ActorError::AlreadyDone { id: large }));
        assert_eq!(world.events("a").await.len(), 2);
        assert_eq!(world.probe().loads(&actor("a")), 1, "what is remembered was looked for");
    }
}

pub(crate) mod by_name {
    //! By name: commands that come from elsewhere, as JSON.

    use crate::actors::Fixture;
    use crate::actors::support::{Add, Counter, OrFail, Total, World, actor, add};
    use aether_actor::{Actor as _, ActorError, CommandId, Delivery, Outcome, Since};
    use std::time::Duration;
    use tokio::time::Instant;

    fn delivery(id: CommandId) -> Delivery {
        Delivery::new(id, Since::Ever, Instant::now() + Duration::from_secs(30))
    }

    pub(crate) async fn a_command_is_sent_and_answered_once(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let system = world.system().await;
        let json = serde_json::to_vec(&Add { by: 3, tag: String::new() }).or_fail("encoding");
        let id = CommandId::new();
        for _ in 0..3 {
            let outcome = system.send(&actor("a"), "Add", &json, delivery(id)).await;
            assert_eq!(outcome.or_fail("sending"), Outcome::Done("3".into()));
        }
        let counter = system.actor::<Counter>("a");
        assert_eq!(counter.query(Total).await.or_fail("querying"), 3);
        assert_eq!(counter.ask(add(3)).id(id).await.or_fail("asking what was sent"), 3);
        let full =
            system.send(&actor("a"), "AddUpTo", br#"{"by":1,"limit":3}"#, delivery(CommandId::new())).await;
        assert_eq!(full.or_fail("sending"), Outcome::Refused(r#"{"TooMuch":{"total":4}}"#.into()));
        assert_eq!(world.events("a").await.len(), 1);
    }

    pub(crate) async fn what_is_not_known_is_told(fixture: &dyn Fixture) {
        let world = World::open(fixture).await;
        let system = world.system().await;
        let send = async |to, command, json: &'static [u8]| {
            let sent = system.send(to, command, json, delivery(CommandId::new())).await;
            sent.err().or_fail("sending what is not known")
        };
        let counter = actor("a");
        let stranger = aether_core::ActorId::new("stranger-1").or_fail("an id");
        assert_eq!(
            send(&counter, "Subtract", b"{}").await,
            ActorError::NotListed { category: Counter::CATEGORY, name: "Subtract".to_owned() }
        );
        assert_eq!(
            send(&stranger, "Add", b"{}").await,
            ActorError::NotRegistered { category: "stranger".to_owned() }
        );
        assert!(matches!(send(&counter, "Add", b"{").await, ActorError::Convert { .. }));
        assert!(world.commits("a").await.is_empty());
    }
}
