//! [`Chunk`]: consecutive deliveries, each written once and read by many.

use std::sync::OnceLock;

use crate::BusDelivery;
use crate::tally::Tally;

/// Consecutive deliveries. A slot is written once, by whoever has the lock of the ring; reading needs no lock.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// The number of the first slot's delivery, and what was delivered before it.
    pub(crate) first: u64,
    pub(crate) before: Tally,
    slots: Box<[OnceLock<BusDelivery>]>,
}

impl Chunk {
    pub(crate) fn new(first: u64, before: Tally, slots: usize) -> Self {
        Self { first, before, slots: (0..slots).map(|_| OnceLock::new()).collect() }
    }

    /// The number that comes after its last slot.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    /// Writes the slot of this number, if it is one of the chunk's and has not been written.
    pub(crate) fn write(&self, number: u64, delivery: BusDelivery) {
        if let Some(place) = self.slots.get((number - self.first) as usize) {
            // The number is given out once, under the lock of the ring.
            let _ = place.set(delivery);
        }
    }

    /// The delivery of this number, if it is in the chunk and has been written.
    pub(crate) fn read(&self, number: u64) -> Option<&BusDelivery> {
        self.slots.get((number - self.first) as usize)?.get()
    }
}
