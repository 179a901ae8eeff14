//! What a ring keeps, and what its readers are told.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use aether_core::{ActorId, Event, Version};

use super::*;

/// As with a route, all events of a namespace share its name.
static NAMES: LazyLock<[Arc<Namespace>; 2]> =
    LazyLock::new(|| ["n", "m"].map(|n| Arc::new(n.parse().unwrap())));

fn push_in(name: usize, ring: &Ring, version: u64) {
    let event = Event::new(&ActorId::new("a-1").unwrap(), Version::new(version), "A", &()).unwrap();
    ring.push(BusDelivery::Event(BusEvent::new(Arc::clone(&NAMES[name]), event)));
}

fn push(ring: &Ring, version: u64) {
    push_in(0, ring, version);
}

/// Counts how often it wakes.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Woken {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Polls until the reader waits: it has found nothing, and does not want to look again by itself.
    fn wait(self: &Arc<Self>, reader: &mut RingReader) {
        let waker = Waker::from(Arc::clone(self));
        loop {
            let before = self.count();
            assert!(reader.poll(&mut Context::from_waker(&waker)).is_pending());
            if self.count() == before {
                return;
            }
        }
    }
}

/// Everything that there is to read: versions as they are, missed events below zero, 0 for an interruption.
fn drain(reader: &mut RingReader) -> Vec<i64> {
    let mut read = Vec::new();
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..2 {
        while let Poll::Ready(Some(delivery)) = reader.poll(&mut cx) {
            read.push(match delivery {
                BusDelivery::Event(event) => event.version().get() as i64,
                BusDelivery::Missed(events) => -(events as i64),
                _ => 0,
            });
        }
    }
    read
}

#[test]
fn a_reader_gets_what_comes_after_it() {
    let ring = Arc::new(Ring::new(100));
    push(&ring, 1);
    let mut reader = ring.reader();
    assert!(drain(&mut reader).is_empty());
    (2..=90).for_each(|version| push(&ring, version));
    assert_eq!(drain(&mut reader), (2..=90).collect::<Vec<_>>());
}

#[test]
fn a_reader_gets_nothing_from_before_it() {
    let ring = Arc::new(Ring::new(100));
    push(&ring, 1);
    let mut reader = ring.reader();
    push(&ring, 2);
    assert_eq!(drain(&mut reader), [2]);
}

#[test]
fn every_event_is_read_or_counted() {
    for capacity in [1, 2, 63, 64, 65, 100, 128] {
        for total in [1u64, 2, 64, 65, 128, 129, 1000] {
            let ring = Arc::new(Ring::new(capacity));
            let mut reader = ring.reader();
            (1..=total).for_each(|version| push(&ring, version));
            let read = drain(&mut reader);
            let mut expected = 1;
            for one in &read {
                match *one {
                    missed if missed < 0 => expected -= missed,
                    version => {
                        assert_eq!(version, expected, "capacity {capacity}, {total} events: {read:?}");
                        expected += 1;
                    }
                }
            }
            assert_eq!(expected as u64, total + 1);
            let kept = read.iter().filter(|one| **one > 0).count();
            assert!(kept >= capacity.min(total as usize), "capacity {capacity}, {total} events: {kept} kept");
            assert!(kept < capacity + capacity.min(64), "capacity {capacity}, {total} events: {kept} kept");
        }
    }
}

#[test]
fn an_interruption_that_is_dropped_is_told() {
    let ring = Arc::new(Ring::new(1));
    let mut reader = ring.reader();
    push(&ring, 1);
    ring.push(BusDelivery::Interrupted);
    push(&ring, 2);
    push(&ring, 3);
    assert_eq!(drain(&mut reader), [0, -2, 3]);
}

#[test]
fn the_end_comes_after_what_is_left() {
    let ring = Arc::new(Ring::new(10));
    let mut reader = ring.reader();
    push(&ring, 1);
    ring.close();
    push(&ring, 2);
    assert_eq!(drain(&mut reader), [1]);
    assert!(matches!(reader.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(None)));
}

#[test]
fn each_event_keeps_its_namespace() {
    for (capacity, turns) in [(1000, 1), (64, 1), (64, 1000), (100, 50)] {
        let ring = Arc::new(Ring::new(capacity));
        let mut reader = ring.reader();
        let name = |version: u64| (version / turns % 2) as usize;
        (1..=300).for_each(|version| push_in(name(version), &ring, version));
        let mut last = 0;
        while let Poll::Ready(Some(delivery)) = reader.poll(&mut Context::from_waker(Waker::noop())) {
            if let BusDelivery::Event(event) = delivery {
                last = event.version().get();
                assert_eq!(event.namespace(), &*NAMES[name(last)], "capacity {capacity}, event {last}");
            }
        }
        assert_eq!(last, 300);
    }
}

#[test]
fn readers_at_different_places_get_the_same() {
    let ring = Arc::new(Ring::new(100));
    let mut readers: Vec<_> = (0..3).map(|_| (ring.reader(), Vec::new())).collect();
    for version in 1..=90 {
        push(&ring, version);
        for (every, (reader, read)) in readers.iter_mut().enumerate() {
            if version % (every as u64 * 7 + 1) == 0 {
                read.extend(drain(reader));
            }
        }
    }
    for (reader, read) in &mut readers {
        read.extend(drain(reader));
        assert_eq!(*read, (1..=90).collect::<Vec<_>>());
    }
}

#[test]
fn who_waits_is_woken_once() {
    let ring = Arc::new(Ring::new(10));
    let (mut first, mut second) = (ring.reader(), ring.reader());
    let (old, woken, other) = (Arc::<Woken>::default(), Arc::<Woken>::default(), Arc::<Woken>::default());
    for round in 1..=3 {
        old.wait(&mut first);
        woken.wait(&mut first);
        other.wait(&mut second);
        let before = [old.count(), woken.count(), other.count()];
        push(&ring, 2 * round - 1);
        push(&ring, 2 * round);
        assert_eq!([old.count(), woken.count(), other.count()], [before[0], before[1] + 1, before[2] + 1]);
        for reader in [&mut first, &mut second] {
            assert_eq!(drain(reader).len(), 2);
        }
    }
    woken.wait(&mut first);
    let before = woken.count();
    ring.close();
    assert_eq!(woken.count(), before + 1);
}
