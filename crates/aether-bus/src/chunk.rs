//! [`Chunk`]: consecutive deliveries, put together once and read by many.

use std::sync::Arc;

use aether_core::{Event, Namespace};

use crate::BusDelivery;
use crate::tally::Tally;

/// Consecutive deliveries that are never changed: reading needs no lock. Cloning is cheap (a reference count).
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    pub(crate) start: Mark,
    pub(crate) end: Mark,
    pub(crate) slots: Arc<[Slot]>,
}

/// What is in a chunk.
#[derive(Debug)]
pub(crate) enum Slot {
    /// The events that follow were published here. It comes first in a chunk and then where it changes: so neither who
    /// writes an event nor who drops it counts references to the namespace.
    Namespace(Arc<Namespace>),
    /// An event.
    Event(Event),
    /// A delivery that is no event.
    Notice(BusDelivery),
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
    /// Goes past an event.
    pub(crate) fn pass_event(&mut self) {
        self.number += 1;
        self.tally.add_event();
    }

    /// Goes past a delivery.
    pub(crate) fn pass(&mut self, delivery: &BusDelivery) {
        self.number += 1;
        self.tally.add(delivery);
    }
}
