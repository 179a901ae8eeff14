//! Shutdown: what waits is finished or told, and nothing is begun any more.

use std::time::Duration;

use aether_actor::{ActorError, AskError, SnapshotPolicy};
use futures_util::future::poll_immediate;

use crate::actors::Fixture;
use crate::actors::support::{
    Counter, OrFail, Total, World, actor, add, decisions, options, tagged, unique, until,
};

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
