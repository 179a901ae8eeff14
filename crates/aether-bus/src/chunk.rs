//! [`Chunk`]: consecutive deliveries, put together once and read by many.

use std::sync::Arc;

use crate::BusDelivery;
use crate::tally::Tally;

/// Consecutive deliveries that are never changed: reading needs no lock. Cloning is cheap (a reference count).
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    pub(crate) start: Mark,
    pub(crate) end: Mark,
    pub(crate) deliveries: Arc<[BusDelivery]>,
}

/// A place between two deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark {
    /// How many deliveries are before it.
    pub(crate) number: u64,
    /// What they stood for.
    pub(crate) tally: Tally,
}

impl Mark {
    /// Goes past a delivery.
    pub(crate) fn pass(&mut self, delivery: &BusDelivery) {
        self.number += 1;
        self.tally.add(delivery);
    }
}
