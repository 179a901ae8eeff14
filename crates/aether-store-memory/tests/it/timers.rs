//! Timers by a clock that is moved by hand, without a runtime.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aether_core::{ActorId, Clock, DueTimer, DueTimers, Timer, TimerId, Timers};
use aether_store_memory::MemoryTimers;
use futures_executor::block_on;
use futures_util::{FutureExt, StreamExt};
use time::OffsetDateTime;
use time::macros::datetime;

const START: OffsetDateTime = datetime!(2030-01-01 12:00 UTC);

#[derive(Debug, Clone)]
struct ByHand(Arc<Mutex<OffsetDateTime>>);

impl ByHand {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(START)))
    }

    fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for ByHand {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }
}

fn timer(name: &str, after: Duration) -> Timer {
    let id = TimerId::new(&ActorId::new("order-1").unwrap(), name).unwrap();
    Timer::new(id, START + after, name.to_owned()).unwrap()
}

/// What is due now.
fn now(due: &mut DueTimers) -> Option<DueTimer> {
    due.next().now_or_never().map(|due| due.unwrap().unwrap())
}

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_timer_waits_for_its_clock_alone() {
    let clock = ByHand::new();
    let timers = MemoryTimers::with_clock(clock.clone());
    let mut due = block_on(timers.due()).unwrap();
    block_on(timers.set(&timer("late", HOUR))).unwrap();
    assert!(now(&mut due).is_none());
    clock.advance(HOUR - Duration::from_nanos(1));
    assert!(now(&mut due).is_none());
    clock.advance(Duration::from_nanos(1));
    let late = now(&mut due).unwrap();
    assert_eq!((late.timer(), late.attempt()), (&timer("late", HOUR), 1));
    assert_eq!(late.late_by(clock.now()), Duration::ZERO);
}

#[test]
fn whoever_sleeps_is_woken_when_the_clock_is_moved() {
    let clock = ByHand::new();
    let timers = MemoryTimers::with_clock(clock.clone());
    block_on(timers.set(&timer("late", HOUR))).unwrap();
    let mut due = block_on(timers.due()).unwrap();
    let (asleep, is_asleep) = std::sync::mpsc::channel();
    let sleeper = std::thread::spawn(move || {
        assert!(now(&mut due).is_none());
        asleep.send(()).unwrap();
        block_on(due.next()).unwrap().unwrap().timer().clone()
    });
    is_asleep.recv().unwrap();
    clock.advance(HOUR);
    let moved = Instant::now();
    assert_eq!(sleeper.join().unwrap(), timer("late", HOUR));
    assert!(moved.elapsed() < Duration::from_secs(5), "woken after {:?}", moved.elapsed());
}

#[test]
fn whoever_sleeps_is_woken_by_a_timer_that_is_set() {
    let timers = MemoryTimers::with_clock(ByHand::new());
    let mut due = block_on(timers.due()).unwrap();
    assert!(now(&mut due).is_none());
    let sleeper = std::thread::spawn(move || block_on(due.next()).unwrap().unwrap().timer().clone());
    block_on(timers.set(&timer("past", Duration::ZERO))).unwrap();
    assert_eq!(sleeper.join().unwrap(), timer("past", Duration::ZERO));
}

#[test]
fn timers_come_in_the_order_in_which_they_are_due() {
    let clock = ByHand::new();
    let timers = MemoryTimers::with_clock(clock.clone());
    for (name, hours) in [("c", 3), ("a", 1), ("b", 2)] {
        block_on(timers.set(&timer(name, HOUR * hours))).unwrap();
    }
    clock.advance(HOUR * 3);
    let mut due = block_on(timers.due()).unwrap();
    for name in ["a", "b", "c", "a"] {
        // Dropped, it comes again, behind those that are due longer.
        assert_eq!(now(&mut due).unwrap().timer().id.name(), name);
    }
    let held: Vec<_> = std::iter::from_fn(|| now(&mut due)).collect();
    let held: Vec<_> = held.iter().map(|due| (due.timer().id.name(), due.attempt())).collect();
    assert_eq!(held, [("b", 2), ("c", 2), ("a", 3)]);
}

#[test]
fn what_is_given_back_waits_by_the_clock() {
    let clock = ByHand::new();
    let timers = MemoryTimers::with_clock(clock.clone());
    block_on(timers.set(&timer("t", Duration::ZERO))).unwrap();
    let mut due = block_on(timers.due()).unwrap();
    block_on(now(&mut due).unwrap().again(HOUR)).unwrap();
    clock.advance(HOUR / 2);
    assert!(now(&mut due).is_none());
    clock.advance(HOUR / 2);
    let second = now(&mut due).unwrap();
    assert_eq!((second.attempt(), second.late_by(clock.now())), (2, HOUR));
    block_on(second.again(Duration::MAX)).unwrap();
    clock.advance(HOUR);
    assert!(now(&mut due).is_none());
}

#[test]
fn who_held_a_timer_that_was_set_anew_has_no_say_in_it() {
    let clock = ByHand::new();
    let timers = MemoryTimers::with_clock(clock.clone());
    let mut due = block_on(timers.due()).unwrap();
    block_on(timers.set(&timer("t", Duration::ZERO))).unwrap();
    let (first, second) = (now(&mut due).unwrap(), timer("t", HOUR));
    block_on(timers.set(&second)).unwrap();
    block_on(first.done()).unwrap();
    clock.advance(HOUR);
    let second = now(&mut due).unwrap();
    assert_eq!((second.timer(), second.attempt()), (&timer("t", HOUR), 1));
    block_on(timers.cancel(&second.timer().id)).unwrap();
    drop(second);
    assert!(now(&mut due).is_none(), "a cancelled timer came again");
}

#[test]
fn the_same_timer_set_while_it_is_handed_out_is_that_one() {
    let timers = MemoryTimers::with_clock(ByHand::new());
    let mut due = block_on(timers.due()).unwrap();
    let timer = timer("t", Duration::ZERO);
    block_on(timers.set(&timer)).unwrap();
    let held = now(&mut due).unwrap();
    block_on(timers.set(&timer)).unwrap();
    assert!(now(&mut due).is_none());
    block_on(held.done()).unwrap();
    assert!(now(&mut due).is_none());
    block_on(timers.set(&timer)).unwrap();
    assert!(now(&mut due).is_some(), "an acknowledged timer is forgotten");
}
