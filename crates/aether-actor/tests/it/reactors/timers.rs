//! Timers of actors, by a clock that is moved by hand.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aether_actor::{ActorError, ActorSystem, AskError, When};
use aether_core::{DueTimers, Timer, TimerError, TimerId, Timers};

use super::bell::{Bell, Chime, RingLater, Silence, later, rung, silence, until_rung};
use super::faulty::{Fault, Faulty, refuse};
use super::world::{ByHand, WITHIN, World, quick};

const HOUR: Duration = Duration::from_secs(3600);

async fn start(world: &World) -> ActorSystem {
    world.builder().actor::<Bell>().start().await.unwrap()
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
    assert!(rung(&world, "a").await.is_empty());
    clock.advance(HOUR);
    until_rung(&world, "a", &[1]).await;
    // What has been handled before is handled again: timers are set again, and fire again.
    system.shutdown(WITHIN).await;
    let system = start(&world.forgetful()).await;
    settled(&world, &system, &clock).await;
    assert_eq!(rung(&world, "a").await, [1]);
}

#[tokio::test]
async fn what_a_timer_does_is_part_of_the_conversation_that_set_it() {
    let (world, _, clock) = World::by_hand();
    let system = start(&world).await;
    aether_core::Context::correlated("request-7").scope(later(&system, "a", "x", HOUR, 1)).await;
    clock.advance(HOUR);
    until_rung(&world, "a", &[1]).await;
    let log = world.log().await;
    let (set, rung) = (&log[1], &log[2]);
    assert_eq!((set.event_type(), rung.event_type()), ("aether.TimerSet", "BellRung"));
    assert_eq!(rung.metadata().correlation_id.as_deref(), Some("request-7"));
    assert_eq!(rung.metadata().causation_id, Some(set.id().to_string()));
    assert_eq!(rung.metadata().command_id, Some(set.id().to_string()));
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
    super::world::until("both have fired", fired).await;
    system.shutdown(Duration::from_secs(1)).await;
    // While nobody fires timers, one is cancelled and the other is replaced.
    let bare = world.bare().actor::<Bell>().timers_with(Arc::new(NoTimers), quick()).start().await.unwrap();
    silence(&bare, "a", "x").await;
    later(&bare, "a", "y", HOUR, 3).await;
    bare.shutdown(WITHIN).await;
    faulty.fail(|_| Fault::None);
    let system = start(&world).await;
    settled(&world, &system, &clock).await;
    clock.advance(Duration::from_secs(60));
    settled(&world, &system, &clock).await;
    assert!(rung(&world, "a").await.is_empty());
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
    let bare = world.bare().actor::<Bell>().timers_with(Arc::new(NoTimers), quick()).start().await.unwrap();
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

/// Somebody who had been asleep sets a timer that has been replaced long since.
#[tokio::test]
async fn a_timer_that_is_set_too_late_does_no_harm() {
    let (world, _, clock) = World::by_hand();
    let noting = Arc::new(Noting { timers: world.timers.clone(), set: Mutex::default() });
    let world = World { timers: noting.clone(), ..world };
    let system = start(&world).await;
    later(&system, "a", "replaced", HOUR, 1).await;
    later(&system, "a", "cancelled", HOUR, 2).await;
    later(&system, "a", "replaced", HOUR * 2, 3).await;
    silence(&system, "a", "cancelled").await;
    settled(&world, &system, &clock).await;
    let of_a = noting.set.lock().unwrap().iter().filter(|timer| timer.id.actor().key() == Some("a")).count();
    assert_eq!(of_a, 3);
    for late in [0, 1] {
        let timer = noting.set.lock().unwrap()[late].clone();
        noting.timers.set(&timer).await.unwrap();
    }
    clock.advance(HOUR);
    settled(&world, &system, &clock).await;
    assert!(rung(&world, "a").await.is_empty());
    clock.advance(HOUR);
    until_rung(&world, "a", &[3]).await;
}

/// Notes the timers that are set.
#[derive(Debug)]
struct Noting {
    timers: Arc<dyn Timers>,
    set: Mutex<Vec<Timer>>,
}

#[async_trait::async_trait]
impl Timers for Noting {
    async fn set(&self, timer: &Timer) -> Result<(), TimerError> {
        self.set.lock().unwrap().push(timer.clone());
        self.timers.set(timer).await
    }

    async fn cancel(&self, timer: &TimerId) -> Result<(), TimerError> {
        self.timers.cancel(timer).await
    }

    async fn due(&self) -> Result<DueTimers, TimerError> {
        self.timers.due().await
    }
}

/// Timers that nobody sets and that never fire: for a system that stops in between.
#[derive(Debug)]
pub(crate) struct NoTimers;

#[async_trait::async_trait]
impl Timers for NoTimers {
    async fn set(&self, _: &Timer) -> Result<(), TimerError> {
        Err(TimerError::Unavailable("there are none".into()))
    }

    async fn cancel(&self, _: &TimerId) -> Result<(), TimerError> {
        Err(TimerError::Unavailable("there are none".into()))
    }

    async fn due(&self) -> Result<DueTimers, TimerError> {
        Ok(Box::pin(futures_util::stream::pending()))
    }
}
