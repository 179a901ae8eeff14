//! Time travel: the state as it was at a version, or at a time.

use aether_actor::{Answer, SnapshotPolicy};
use aether_core::Version;

use crate::actors::Fixture;
use crate::actors::support::{Counter, OrFail, Total, World, add, options, until};

/// A system, and an actor of ten events; with snapshots.
async fn grown(world: &World) -> aether_actor::ActorSystem {
    let system = world.system_with(options().snapshots(SnapshotPolicy::every(4))).await;
    for _ in 0..10 {
        system.actor::<Counter>("a").ask(add(1)).await.or_fail("adding");
    }
    until("there is a snapshot", async || world.snapshot("a").await.is_some_and(|it| it.version.get() >= 8))
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
