//! Timers of actors, by a clock that is moved by hand.

use std::time::Duration;

use aether_actor::event::DomainEvent;
use aether_actor::{
    Actor, ActorError, ActorSystem, AskError, Command, CommandContext, Decision, Handle, Never, When,
};
use serde::{Deserialize, Serialize};

use crate::faulty::{Fault, Faulty, refuse};
use crate::world::{ByHand, WITHIN, World, quick};

const HOUR: Duration = Duration::from_secs(3600);

/// Rings when it is told to.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Bell {
    rung: Vec<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
enum BellEvent {
    BellRung { tune: u32 },
    BellTuned,
}

/// Ring a tune later.
#[derive(Debug, Serialize, Deserialize, Command)]
struct RingLater {
    name: String,
    after: Duration,
    tune: u32,
}

#[derive(Debug, Serialize, Deserialize, Command)]
struct Silence {
    name: String,
}

#[derive(Debug, Serialize, Deserialize, Command)]
struct Ring {
    tune: u32,
}

/// Ring every hour, so many times.
#[derive(Debug, Serialize, Deserialize, Command)]
struct Chime {
    times: u32,
}

impl Actor for Bell {
    const CATEGORY: &'static str = "bell";
    type Event = BellEvent;
    type Error = Never;
    type Commands = (RingLater, Silence, Ring, Chime);
    type Queries = ();

    fn evolve(&mut self, event: &BellEvent) {
        if let BellEvent::BellRung { tune } = event {
            self.rung.push(*tune);
        }
    }
}

impl Handle<RingLater> for Bell {
    type Reply = ();

    fn decide(&self, command: &RingLater, _: &CommandContext) -> Result<Decision<Self>, Never> {
        let RingLater { name, after, tune } = command;
        Ok(Decision::event(BellEvent::BellTuned).schedule(name, *after, Ring { tune: *tune }))
    }
}

impl Handle<Silence> for Bell {
    type Reply = ();

    fn decide(&self, command: &Silence, _: &CommandContext) -> Result<Decision<Self>, Never> {
        Ok(Decision::nothing().cancel(&command.name))
    }
}

impl Handle<Ring> for Bell {
    type Reply = ();

    fn decide(&self, command: &Ring, _: &CommandContext) -> Result<Decision<Self>, Never> {
        Ok(Decision::event(BellEvent::BellRung { tune: command.tune }))
    }
}

impl Handle<Chime> for Bell {
    type Reply = ();

    fn decide(&self, command: &Chime, _: &CommandContext) -> Result<Decision<Self>, Never> {
        let rung = Decision::event(BellEvent::BellRung { tune: command.times });
        Ok(match command.times {
            0 => rung,
            left => rung.schedule("chime", HOUR, Chime { times: left - 1 }),
        })
    }
}

async fn start(world: &World) -> ActorSystem {
    world.builder().actor::<Bell>().start().await.unwrap()
}

async fn later(system: &ActorSystem, bell: &str, name: &str, after: Duration, tune: u32) {
    let command = RingLater { name: name.into(), after, tune };
    system.actor::<Bell>(bell).ask(command).await.unwrap();
}

async fn silence(system: &ActorSystem, bell: &str, name: &str) {
    system.actor::<Bell>(bell).ask(Silence { name: name.into() }).await.unwrap();
}

/// What a bell has rung, once a timer that was set last has fired: those before it have been looked at then.
async fn rung(world: &World, bell: &str) -> Vec<u32> {
    let log = world.log().await;
    log.iter()
        .filter(|event| event.actor().key() == Some(bell) && event.event_type() == "BellRung")
        .map(|event| event.data::<serde_json::Value>().unwrap()["tune"].as_u64().unwrap())
        .map(|tune| u32::try_from(tune).unwrap())
        .collect()
}

async fn until_rung(world: &World, bell: &str, tunes: &[u32]) {
    let deadline = tokio::time::Instant::now() + WITHIN;
    loop {
        let rung = rung(world, bell).await;
        if rung == tunes {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{bell} has rung {rung:?}, not {tunes:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until everything that the group of the timers had to do is done: a mark has been set, and has fired.
async fn settled(world: &World, system: &ActorSystem, clock: &ByHand) {
    later(system, "mark", "mark", Duration::ZERO, 7).await;
    let marks = rung(world, "mark").await.len() + 1;
    clock.advance(Duration::from_millis(1));
    until_rung(world, "mark", &vec![7; marks]).await;
}

#[tokio::test]
async fn a_timer_fires_once_at_its_time() {
    let (world, _, clock) = World::by_hand();
    let system = start(&world).await;
    later(&system, "a", "x", HOUR, 1).await;
    settled(&world, &system, &clock).await;
    assert_eq!(rung(&world, "a").await, []);
    clock.advance(HOUR);
    until_rung(&world, "a", &[1]).await;
    // What has been handled before is handled again: timers are set again, and fire again.
    system.shutdown(WITHIN).await;
    let system = start(&world.forgetful()).await;
    settled(&world, &system, &clock).await;
    assert_eq!(rung(&world, "a").await, [1]);
}

#[tokio::test]
async fn timers_are_cancelled_and_replaced() {
    let (world, _, clock) = World::by_hand();
    let system = start(&world).await;
    later(&system, "a", "cancelled", HOUR, 1).await;
    later(&system, "a", "replaced", HOUR, 2).await;
    later(&system, "a", "replaced", HOUR * 3, 3).await;
    later(&system, "a", "anew", HOUR, 4).await;
    silence(&system, "a", "cancelled").await;
    silence(&system, "a", "anew").await;
    later(&system, "a", "anew", HOUR, 5).await;
    clock.advance(HOUR);
    until_rung(&world, "a", &[5]).await;
    settled(&world, &system, &clock).await;
    assert_eq!(rung(&world, "a").await, [5]);
    clock.advance(HOUR * 2);
    until_rung(&world, "a", &[5, 3]).await;
}

#[tokio::test]
async fn a_timer_that_is_due_already_is_still_cancelled() {
    let (world, store, clock) = World::by_hand();
    // The timer fires, and its command cannot be saved.
    let faulty = Faulty::over(&store);
    let world = world.over(faulty.clone());
    let system = start(&world).await;
    later(&system, "a", "x", HOUR, 1).await;
    later(&system, "a", "y", HOUR, 2).await;
    faulty.fail(|commit| refuse(commit, "BellRung"));
    clock.advance(HOUR);
    let fired = || faulty.refused() >= 2;
    crate::world::until("both have fired", fired).await;
    system.shutdown(Duration::from_secs(1)).await;
    // While nobody fires timers, one is cancelled and the other is replaced.
    let bare = world.bare().actor::<Bell>().timers_with(NoTimers::new(), quick()).start().await.unwrap();
    silence(&bare, "a", "x").await;
    later(&bare, "a", "y", HOUR, 3).await;
    bare.shutdown(WITHIN).await;
    faulty.fail(|_| Fault::None);
    let system = start(&world).await;
    settled(&world, &system, &clock).await;
    clock.advance(Duration::from_secs(60));
    settled(&world, &system, &clock).await;
    assert_eq!(rung(&world, "a").await, []);
    clock.advance(HOUR);
    until_rung(&world, "a", &[3]).await;
}

#[tokio::test]
async fn a_timer_may_set_the_next_one_of_its_name() {
    let (world, _, clock) = World::by_hand();
    let system = start(&world).await;
    system.actor::<Bell>("a").ask(Chime { times: 3 }).await.unwrap();
    for rung in [&[3][..], &[3, 2], &[3, 2, 1], &[3, 2, 1, 0]] {
        until_rung(&world, "a", rung).await;
        clock.advance(HOUR);
    }
    settled(&world, &system, &clock).await;
    assert_eq!(rung(&world, "a").await, [3, 2, 1, 0]);
}

#[tokio::test]
async fn whoever_crashes_after_the_save_leaves_the_timer_to_others() {
    let (world, _, clock) = World::by_hand();
    // Nobody follows the events while it is set.
    let bare = world.bare().actor::<Bell>().timers_with(NoTimers::new(), quick()).start().await.unwrap();
    later(&bare, "a", "x", HOUR, 1).await;
    drop(bare);
    clock.advance(HOUR);
    let system = start(&world).await;
    until_rung(&world, "a", &[1]).await;
    drop(system);
}

#[tokio::test]
async fn without_timers_nothing_is_saved() {
    let (world, ..) = World::by_hand();
    let system = world.bare().actor::<Bell>().start().await.unwrap();
    let bell = system.actor::<Bell>("a");
    let error = bell.ask(RingLater { name: "x".into(), after: HOUR, tune: 1 }).await.unwrap_err();
    assert!(matches!(error, AskError::Failed(ActorError::NotProvided { .. })), "{error}");
    let error = bell.ask(Silence { name: "x".into() }).await.unwrap_err();
    assert!(error.to_string().contains(".timers("), "{error}");
    assert!(world.log().await.is_empty());
}

#[tokio::test]
async fn a_timer_that_none_can_set_is_refused() {
    let (world, ..) = World::by_hand();
    let system = start(&world).await;
    let bell = system.actor::<Bell>("a");
    for (name, after) in [("", HOUR), ("x", Duration::MAX), ("x", HOUR * 24 * 365 * 1000)] {
        let error = bell.ask(RingLater { name: name.into(), after, tune: 1 }).await.unwrap_err();
        assert!(matches!(error, AskError::Failed(ActorError::Convert { .. })), "{error}");
    }
    assert!(world.log().await.is_empty());
    assert_eq!(When::from(HOUR), When::After(HOUR));
}

/// Timers that nobody sets and that never fire: for a system that stops in between.
#[derive(Debug)]
struct NoTimers;

impl NoTimers {
    fn new() -> std::sync::Arc<dyn aether_core::Timers> {
        std::sync::Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl aether_core::Timers for NoTimers {
    async fn set(&self, _: &aether_core::Timer) -> Result<(), aether_core::TimerError> {
        Err(aether_core::TimerError::Unavailable("there are none".into()))
    }

    async fn cancel(&self, _: &aether_core::TimerId) -> Result<(), aether_core::TimerError> {
        Err(aether_core::TimerError::Unavailable("there are none".into()))
    }

    async fn due(&self) -> Result<aether_core::DueTimers, aether_core::TimerError> {
        Ok(Box::pin(futures_util::stream::pending()))
    }
}
