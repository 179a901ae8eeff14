//! The window against a model: whatever comes, lanes stay in order, and checkpoints pass nothing that is not done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use aether_core::{ActorId, Event, Position, RecordedEvent, Version};
use proptest::prelude::*;
use time::OffsetDateTime;

use super::{Failure, Limits, RunId, Window, after};
use crate::{Batch, Epoch, FailureKind, Order, Partition, Retry};

const PARTITIONS: u16 = 4;
const CAPACITY: usize = 12;

fn limits(order: Order, max_batch: usize, concurrency: usize) -> Limits {
    let retry = Retry::default().attempts(3).delays(Duration::from_millis(10), Duration::from_millis(40));
    Limits { partitions: PARTITIONS, order, capacity: CAPACITY, max_batch, concurrency, retry }
}

fn actor(number: usize) -> ActorId {
    ActorId::new(format!("order-{number}")).unwrap()
}

fn event(actor: &ActorId, version: u64, position: u64) -> RecordedEvent {
    let event = Event::new(actor, Version::new(version), "Happened", &()).unwrap();
    RecordedEvent::new(event, Position::new(position, 0), OffsetDateTime::UNIX_EPOCH, None)
}

fn failure(at: usize, kind: FailureKind) -> Failure {
    Failure { at, kind, error: "no".to_owned() }
}

fn window(order: Order, max_batch: usize, concurrency: usize) -> Window {
    let mut window = Window::new("g".into(), limits(order, max_batch, concurrency));
    for partition in Partition::all(PARTITIONS) {
        window.own(partition, Epoch::new(1), None, std::iter::empty());
    }
    window.rewind();
    window
}

#[derive(Debug, Clone)]
enum Step {
    Read(usize),
    Pass,
    Succeed(usize),
    Fail(usize, usize, bool),
    Confirm,
    Halt,
    Wait(u64),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_usize..6).prop_map(Step::Read),
        1 => Just(Step::Pass),
        5 => (0_usize..4).prop_map(Step::Succeed),
        2 => (0_usize..4, 0_usize..4, any::<bool>()).prop_map(|(run, at, poison)| Step::Fail(run, at, poison)),
        2 => Just(Step::Confirm),
        1 => Just(Step::Halt),
        3 => (1_u64..50).prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ]
}

/// What has happened, told without lanes.
#[derive(Debug, Default)]
struct Model {
    now: Duration,
    /// Of the last claim, but for the first.
    epoch: Epoch,
    /// All that was saved, by position.
    log: Vec<RecordedEvent>,
    read: usize,
    /// How much of it each partition has come to, other than while it was halted.
    taken: BTreeMap<Partition, usize>,
    /// `true` if a partition was ever halted.
    halted: bool,
    done: BTreeSet<u64>,
    parked: BTreeMap<ActorId, u64>,
    running: Vec<(RunId, Arc<Batch>)>,
    parking: Vec<(Partition, ActorId, u64)>,
}

impl Model {
    fn place(event: &RecordedEvent) -> u64 {
        event.position.sequence()
    }

    fn taken(&self, partition: Partition) -> usize {
        self.taken.get(&partition).copied().unwrap_or(0)
    }

    fn upto(&self, position: Option<Position>) -> usize {
        self.log.iter().filter(|event| !after(Some(event.position), position)).count()
    }

    fn is_finished(&self, event: &RecordedEvent) -> bool {
        self.done.contains(&Self::place(event))
            || self.parked.get(event.actor()).is_some_and(|from| *from <= Self::place(event))
    }

    /// What the lanes of these events have in common.
    fn lane(order: Order, batch: &Batch) -> String {
        match order {
            Order::Actor => batch.events[0].actor().to_string(),
            Order::Partition => batch.partition.to_string(),
        }
    }

    fn begin(&mut self, window: &mut Window, order: Order, max_batch: usize, concurrency: usize) {
        while let Some((id, batch)) = window.next(self.now) {
            assert!(self.running.len() < concurrency && batch.events.len() <= max_batch);
            let lane = Self::lane(order, &batch);
            assert!(
                self.running.iter().all(|(_, other)| Self::lane(order, other) != lane),
                "twice in a lane"
            );
            for event in &batch.events {
                assert_eq!(Partition::of(event.actor(), PARTITIONS), batch.partition);
                assert!(!self.is_finished(event), "again, or parked: {event:?}");
                let earlier = self.log[..self.taken(batch.partition)]
                    .iter()
                    .filter(|other| other.position < event.position);
                for other in earlier.filter(|other| match order {
                    Order::Actor => other.actor() == event.actor(),
                    Order::Partition => Partition::of(other.actor(), PARTITIONS) == batch.partition,
                }) {
                    let same_batch = batch.events.iter().any(|same| same.position == other.position);
                    assert!(self.is_finished(other) || same_batch, "out of order");
                }
            }
            self.running.push((id, batch));
        }
    }

    fn check(&self, window: &Window) {
        // What a halted partition had takes room again when it goes on.
        assert!(window.unfinished() <= CAPACITY || self.halted);
        // What comes of a halted partition is left to be read again.
        for partition in Partition::all(PARTITIONS).filter(|partition| !window.is_halted(*partition)) {
            let of_partition = |event: &&RecordedEvent| Partition::of(event.actor(), PARTITIONS) == partition;
            let mut read = self.log[..self.taken(partition)].iter().filter(of_partition);
            let checkpoint = window.checkpoint(partition);
            let unfinished = read.clone().filter(|event| !self.is_finished(event)).count();
            assert_eq!(window.unfinished_of(partition), unfinished);
            match read.find(|event| !self.is_finished(event)) {
                Some(event) => {
                    assert!(after(Some(event.position), checkpoint), "a checkpoint passes what is not done");
                    // And nothing that is done lies behind it.
                    let mut between =
                        self.log[..self.taken(partition)].iter().filter(of_partition).filter(|other| {
                            after(Some(other.position), checkpoint) && other.position < event.position
                        });
                    assert!(between.next().is_none(), "a checkpoint lags behind");
                }
                None => assert!(!after(window.place(partition), checkpoint)),
            }
        }
    }

    fn apply(&mut self, window: &mut Window, step: &Step) {
        match *step {
            Step::Read(number) if window.has_room() => {
                // After a restart, what is there already is read again first.
                if self.read == self.log.len() {
                    let actor = actor(number);
                    let version = self.log.iter().filter(|event| *event.actor() == actor).count() as u64 + 1;
                    self.log.push(event(&actor, version, self.log.len() as u64 * 2 + 1));
                }
                let open = Partition::all(PARTITIONS).filter(|partition| !window.is_halted(*partition));
                for partition in open.collect::<Vec<_>>() {
                    let taken = self.taken.entry(partition).or_default();
                    *taken = (*taken).max(self.read + 1);
                }
                window.push(self.log[self.read].clone(), self.now);
                self.read += 1;
            }
            Step::Pass => {
                if self.read == self.log.len() {
                    window.pass(Position::new(self.log.len() as u64 * 2, 0));
                }
            }
            Step::Succeed(run) if run < self.running.len() => {
                let (id, batch) = self.running.remove(run);
                let finished = window.finish(id, Ok(()), self.now, 0.5);
                assert_eq!(finished.done, batch.events.len());
                self.done.extend(batch.events.iter().map(Self::place));
            }
            Step::Fail(run, at, poison) if run < self.running.len() => {
                let (id, batch) = self.running.remove(run);
                let at = at.min(batch.events.len() - 1);
                let kind = if poison { FailureKind::Poison } else { FailureKind::Retry };
                let finished = window.finish(id, Err(failure(at, kind)), self.now, 0.5);
                self.done.extend(batch.events[..at].iter().map(Self::place));
                assert!(finished.retried ^ finished.park.is_some());
                if let Some(park) = finished.park {
                    assert_eq!(park.event, batch.events[at]);
                    let actor = park.event.actor().clone();
                    self.parking.push((batch.partition, actor, Self::place(&park.event)));
                }
            }
            Step::Confirm => {
                if let Some((partition, actor, place)) = self.parking.pop() {
                    window.parked(partition, &actor, self.now);
                    self.parked.insert(actor, place);
                }
            }
            Step::Halt => {
                if let Some((partition, actor, _)) = self.parking.pop() {
                    window.halt(partition, &actor, self.now);
                    assert!(window.is_halted(partition));
                    self.halted = true;
                }
            }
            Step::Wait(millis) => self.now += Duration::from_millis(millis),
            // All partitions change hands and come back, with what was being handled forgotten.
            Step::Restart => self.restart(window),
            Step::Read(_) | Step::Succeed(_) | Step::Fail(..) => {}
        }
        if window.needs_rewind() {
            self.rewind(window);
        }
    }

    fn restart(&mut self, window: &mut Window) {
        self.epoch = self.epoch.next();
        let positions: Vec<_> =
            Partition::all(PARTITIONS).map(|partition| (partition, window.checkpoint(partition))).collect();
        for (partition, position) in positions {
            window.disown(partition);
            self.taken.insert(partition, self.upto(position));
            let parked = self.parked.keys().filter(|actor| Partition::of(actor, PARTITIONS) == partition);
            window.own(partition, self.epoch, position, parked.cloned());
            self.done.retain(|place| {
                let event = &self.log[usize::try_from(place / 2).unwrap()];
                // An actor is parked for the first of its events that was not done.
                self.parked.contains_key(event.actor())
                    || Partition::of(event.actor(), PARTITIONS) != partition
                    || !after(Some(event.position), position)
            });
        }
        for (id, _) in self.running.drain(..) {
            assert_eq!(window.finish(id, Ok(()), self.now, 0.5).done, 0);
        }
        self.parking.clear();
        assert_eq!(window.unfinished(), 0);
        self.rewind(window);
    }

    fn rewind(&mut self, window: &mut Window) {
        let from = window.rewind();
        self.read = self.upto(from);
    }
}

proptest! {
    #[test]
    fn lanes_stay_in_order_and_checkpoints_pass_nothing(
        steps in proptest::collection::vec(step(), 1..300),
        by_partition in any::<bool>(), max_batch in 1_usize..5, concurrency in 1_usize..4,
    ) {
        let order = if by_partition { Order::Partition } else { Order::Actor };
        let mut window = window(order, max_batch, concurrency);
        let mut model = Model { epoch: Epoch::new(1), ..Model::default() };
        for step in &steps {
            model.apply(&mut window, step);
            model.begin(&mut window, order, max_batch, concurrency);
            model.check(&window);
        }
        // When nothing fails any more, everything gets done.
        for _ in 0..10_000 {
            if model.read == model.log.len() && window.unfinished() == 0 {
                break;
            }
            let read = if model.read < model.log.len() { Step::Read(0) } else { Step::Confirm };
            for step in [Step::Confirm, Step::Succeed(0), Step::Wait(50), read] {
                model.apply(&mut window, &step);
                model.begin(&mut window, order, max_batch, concurrency);
                model.check(&window);
            }
        }
        prop_assert_eq!(window.unfinished(), 0);
    }
}

#[test]
fn what_fails_goes_alone_and_others_go_on() {
    let mut window = window(Order::Actor, 10, 1);
    let (a, b) = (actor(0), actor(1));
    for (position, (actor, version)) in [(&a, 1), (&a, 2), (&a, 3), (&b, 1)].into_iter().enumerate() {
        window.push(event(actor, version, position as u64 + 1), Duration::ZERO);
    }
    let (id, batch) = window.next(Duration::ZERO).unwrap();
    assert_eq!((batch.events.len(), batch.attempt), (3, 1));
    assert!(window.finish(id, Err(failure(1, FailureKind::Retry)), Duration::ZERO, 0.0).retried);
    let (id, batch) = window.next(Duration::ZERO).unwrap();
    assert_eq!(*batch.events[0].actor(), b);
    window.finish(id, Ok(()), Duration::ZERO, 0.0);
    assert!(window.next(Duration::from_millis(9)).is_none());
    assert_eq!(window.wake(), Some(Duration::from_millis(10)));
    let (_, batch) = window.next(Duration::from_millis(10)).unwrap();
    assert_eq!((batch.events.len(), batch.events[0].version().get(), batch.attempt), (1, 2, 2));
    assert_eq!(batch.after, Some(Position::new(1, 0)));
}

#[test]
fn what_is_gained_behind_the_reader_is_read_again() {
    let mut window = Window::new("g".into(), limits(Order::Actor, 1, 1));
    let (a, b) = (actor(0), actor(1));
    let (first, second) = (Partition::of(&a, PARTITIONS), Partition::of(&b, PARTITIONS));
    assert_ne!(first, second);
    window.own(first, Epoch::new(1), None, std::iter::empty());
    assert_eq!(window.rewind(), None);
    window.push(event(&a, 1, 1), Duration::ZERO);
    window.push(event(&b, 1, 2), Duration::ZERO);
    window.own(second, Epoch::new(1), Some(Position::new(1, 0)), std::iter::empty());
    assert!(window.needs_rewind());
    // Until the reader has started over, nothing is taken: what was missed comes first.
    window.push(event(&b, 2, 3), Duration::ZERO);
    assert_eq!((window.unfinished(), window.unfinished_of(second)), (1, 0));
    assert_eq!(window.rewind(), Some(Position::new(1, 0)));
    window.push(event(&b, 1, 2), Duration::ZERO);
    window.push(event(&b, 2, 3), Duration::ZERO);
    assert_eq!(window.unfinished_of(second), 2);
    // What is ahead of the reader needs no start.
    window.own(second, Epoch::new(2), Some(Position::new(9, 0)), std::iter::empty());
    assert!(!window.needs_rewind());
    window.push(event(&b, 3, 9), Duration::ZERO);
    assert_eq!(window.unfinished_of(second), 0);
}

#[test]
fn what_is_read_twice_is_handed_out_once() {
    let mut window = window(Order::Actor, 1, 1);
    let a = actor(0);
    let read = |window: &mut Window, version| window.push(event(&a, version, version), Duration::ZERO);
    for version in 1..=3 {
        read(&mut window, version);
        let (id, _) = window.next(Duration::ZERO).unwrap();
        window.finish(id, Ok(()), Duration::ZERO, 0.0);
    }
    // A reader that goes back by itself.
    for version in 1..=3 {
        read(&mut window, version);
        assert!(window.next(Duration::ZERO).is_none(), "{version} was handed out again");
    }
    assert_eq!(window.read(), Some(Position::new(3, 0)));
    // One that is told to start over, and goes back further than it was told.
    window.rewind();
    for version in 1..=4 {
        read(&mut window, version);
    }
    let (_, batch) = window.next(Duration::ZERO).unwrap();
    assert_eq!(batch.events[0].version().get(), 4);
}
