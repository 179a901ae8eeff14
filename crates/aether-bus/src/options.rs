//! [`BusOptions`]: which events a subscriber gets, and what happens when it is too slow.

use aether_core::EventFilter;

/// Which events a subscriber gets, and what happens when it is too slow.
///
/// ```
/// use aether_bus::{BusOptions, Lag};
/// use aether_core::EventFilter;
///
/// let orders = BusOptions::from(EventFilter::category("order")).lag(Lag::Block { capacity: 64 });
/// # let _ = orders;
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct BusOptions {
    /// Which events it gets.
    pub filter: EventFilter,
    /// What happens when it is too slow.
    pub lag: Lag,
}

impl BusOptions {
    /// Every event of its namespaces; the oldest are dropped when it is too slow.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only events that the filter lets through.
    #[must_use]
    pub fn filter(mut self, filter: EventFilter) -> Self {
        self.filter = filter;
        self
    }

    /// What happens when it is too slow.
    #[must_use]
    pub fn lag(mut self, lag: Lag) -> Self {
        self.lag = lag;
        self
    }
}

impl From<EventFilter> for BusOptions {
    fn from(filter: EventFilter) -> Self {
        Self { filter, ..Self::default() }
    }
}

impl From<Lag> for BusOptions {
    fn from(lag: Lag) -> Self {
        Self { lag, ..Self::default() }
    }
}

/// What happens when a subscriber is slower than the publishers. A capacity is at least 1; 0 counts as 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lag {
    /// Publishers do not wait. The oldest events are dropped, and [`Missed`](crate::BusDelivery::Missed) says how many
    /// before the next one comes.
    ///
    /// Subscribers of the same pattern, filter and capacity share their memory, so that a hundred of them cost a
    /// publisher no more than one.
    DropOldest {
        /// How many of the latest events are kept for it at least; up to 64 more, and no more than twice as many, may be.
        capacity: usize,
    },
    /// Who publishes with [`EventBus::publish`](crate::EventBus::publish) on the same bus waits until there is room. A
    /// subscriber that is dropped lets them go on.
    ///
    /// Whoever cannot wait, that is a [`Broadcaster`](crate::Broadcaster) or another node, does not. What there is no
    /// room for then is dropped, and [`Missed`](crate::BusDelivery::Missed) says how many.
    ///
    /// A task that publishes what it would itself have to read waits for ever.
    Block {
        /// How many events wait for it at most.
        capacity: usize,
    },
}

impl Lag {
    /// What is kept for a subscriber that says nothing else.
    pub const DEFAULT_CAPACITY: usize = 1024;
}

impl Default for Lag {
    fn default() -> Self {
        Self::DropOldest { capacity: Self::DEFAULT_CAPACITY }
    }
}
