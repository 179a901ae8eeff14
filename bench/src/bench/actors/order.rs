//! The actor that is measured: an order that counts what was placed.

use aether_actor::event::DomainEvent;
use aether_actor::{Actor, Answer, Command, CommandContext, Decision, Handle, Query};
use serde::{Deserialize, Serialize};

/// What happens: the same data as in the events of the other suites.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
pub(crate) enum OrderEvent {
    #[event(name = "OrderPlaced")]
    Placed { customer: String, total: u64, currency: String },
}

impl OrderEvent {
    pub(crate) fn placed() -> Self {
        Self::Placed { customer: "customer-4711".to_owned(), total: 129_900, currency: "EUR".to_owned() }
    }
}

/// Saves one event.
#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Place;

/// Is always refused.
#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Cancel;

#[derive(Debug, Serialize, Deserialize, Query)]
pub(crate) struct Placed;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("an order cannot be cancelled")]
pub(crate) struct Final;

/// How often an order was placed.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    placed: u64,
}

impl Actor for Order {
    const CATEGORY: &'static str = "order";
    type Event = OrderEvent;
    type Error = Final;
    type Commands = (Place, Cancel);
    type Queries = (Placed,);

    fn evolve(&mut self, OrderEvent::Placed { .. }: &OrderEvent) {
        self.placed += 1;
    }
}

impl Handle<Place> for Order {
    type Reply = u64;

    fn decide(&self, _: &Place, _: &CommandContext) -> Result<Decision<Self, u64>, Final> {
        Ok(Decision::event(OrderEvent::placed()).reply(self.placed + 1))
    }
}

impl Handle<Cancel> for Order {
    type Reply = ();

    fn decide(&self, _: &Cancel, _: &CommandContext) -> Result<Decision<Self>, Final> {
        Err(Final)
    }
}

impl Answer<Placed> for Order {
    type Reply = u64;

    fn answer(&self, _: &Placed) -> u64 {
        self.placed
    }
}
