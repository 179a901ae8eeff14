//! What the tests project: orders by customer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aether_core::{
    ActorId, Commit, Event, EventFilter, EventStore, EventStoreExt, Position, RecordedEvent, Version,
};
use aether_projection::{ApplyError, Keys, Projection};
use aether_store_memory::MemoryEventStore;
use serde::{Deserialize, Serialize};

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An order of a customer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Placed {
    pub(crate) customer: String,
    pub(crate) cents: u64,
}

/// What a customer has ordered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Total {
    pub(crate) orders: u64,
    pub(crate) cents: u64,
    /// Which version of the projection has made it.
    pub(crate) version: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct Totals {
    pub(crate) version: u32,
    /// Whether a bad order cannot be applied.
    pub(crate) is_broken: Arc<AtomicBool>,
}

impl Totals {
    pub(crate) fn new(version: u32) -> Self {
        Self { version, is_broken: Arc::new(AtomicBool::new(true)) }
    }
}

impl Projection for Totals {
    type View = Total;

    fn name(&self) -> &str {
        "totals"
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn filter(&self) -> EventFilter {
        EventFilter::category("order")
    }

    fn keys<'a>(&self, event: &'a RecordedEvent) -> Keys<'a> {
        event.data::<Placed>().map_or(Keys::none(), |placed| Keys::one(placed.customer))
    }

    fn apply(&self, _key: &str, total: &mut Total, event: &RecordedEvent) -> Result<(), ApplyError> {
        if event.event_type() == "Bad" && self.is_broken.load(Ordering::Relaxed) {
            return Err(ApplyError::new("a bad order"));
        }
        total.orders += 1;
        total.cents += event.data::<Placed>()?.cents;
        total.version = self.version;
        Ok(())
    }
}

pub(crate) fn customer(number: u64) -> String {
    format!("customer-{}", number % 10)
}

pub(crate) fn event(actor: &str, version: u64, kind: &'static str, number: u64) -> Event {
    let placed = Placed { customer: customer(number), cents: number };
    Event::new(&ActorId::new(actor).unwrap(), Version::new(version), kind, &placed).unwrap()
}

/// Saves an order, and gives where it is.
pub(crate) async fn save(
    store: &dyn EventStore,
    actor: &str,
    version: u64,
    kind: &'static str,
    number: u64,
) -> Position {
    store.save_event(&event(actor, version, kind, number)).await.unwrap().position
}

/// Saves so many orders, and gives where the last one is.
pub(crate) async fn save_orders(store: &dyn EventStore, numbers: std::ops::Range<u64>) -> Position {
    let mut last = None;
    for number in numbers {
        last = Some(save(store, &format!("order-{number}"), 1, "Placed", number).await);
    }
    last.unwrap()
}

/// What the totals of these orders are.
pub(crate) fn totals(numbers: impl Iterator<Item = u64>, version: u32) -> Vec<(String, Total)> {
    let mut totals = std::collections::BTreeMap::<String, Total>::new();
    for number in numbers {
        let total = totals.entry(customer(number)).or_default();
        *total = Total { orders: total.orders + 1, cents: total.cents + number, version };
    }
    totals.into_iter().collect()
}

pub(crate) fn store() -> Arc<MemoryEventStore> {
    Arc::new(MemoryEventStore::new())
}

/// Saves one event of each actor, all or nothing.
pub(crate) async fn save_together(
    store: &dyn EventStore,
    actors: &[&str],
    version: u64,
    number: u64,
) -> Position {
    let events: Vec<Event> = actors.iter().map(|actor| event(actor, version, "Placed", number)).collect();
    store.save(&Commit::events(&events)).await.unwrap().position
}
