//! What a ring keeps, and what its readers are told.

use std::task::Waker;

use aether_core::{ActorId, Event, Version};

use super::*;

fn push(ring: &Ring, version: u64) {
    let event = Event::new(&ActorId::new("a-1").unwrap(), Version::new(version), "A", &()).unwrap();
    ring.push(BusDelivery::Event(BusEvent::new(Arc::new(Namespace::new("n").unwrap()), event)));
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
            assert!(kept <= 2 * capacity.max(1) + 128, "capacity {capacity}, {total} events: {kept} kept");
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
