//! The events: orders of some customers.

use aether::Position;
use aether::memory::MemoryEventStore;
use aether::{ActorId, Event, EventStoreExt, Version};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// An order was placed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Placed {
    pub(crate) customer: String,
    pub(crate) cents: u32,
}

/// What was ordered in the order of this number: always the same.
pub(crate) fn placed(number: u32) -> Placed {
    let customers = ["ada", "grace", "barbara", "frances", "radia"];
    let customer = customers.into_iter().cycle().nth(number as usize % customers.len()).unwrap_or_default();
    Placed { customer: customer.to_owned(), cents: 100 + number * 7 % 1_000 }
}

/// A store with so many orders, and the position of the last one.
pub(crate) async fn store(orders: u32) -> Result<(MemoryEventStore, Position)> {
    let store = MemoryEventStore::new();
    let mut last = None;
    for number in 0..orders {
        let order = ActorId::new(format!("order-{number}"))?;
        let event = Event::new(&order, Version::new(1), "OrderPlaced", &placed(number))?;
        last = Some(store.save_event(&event).await?.position);
    }
    Ok((store, last.context("no orders")?))
}
