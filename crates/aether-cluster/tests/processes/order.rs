//! Orders: a mail says that one was placed, and a timer ships it.

use std::time::Duration;

use aether_actor::event::DomainEvent;
use aether_actor::{Actor, Command, CommandContext, Decision, Effect, Handle, Never};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
pub(crate) enum OrderEvent {
    Placed { stock: String },
    Shipped,
}

/// Places the order; it is shipped after this long.
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(crate) struct Place {
    pub(crate) stock: String,
    pub(crate) after: Duration,
}

/// Sent by the timer alone.
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(crate) struct Ship {}

/// Says that the order was placed.
#[derive(Debug, Clone, Serialize, Deserialize, Effect)]
pub(crate) struct Mail {}

/// It does whatever it is told, however often: what is done twice stands in its log twice.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Order {}

impl Actor for Order {
    const CATEGORY: &'static str = "order";
    type Event = OrderEvent;
    type Error = Never;
    type Commands = (Place, Ship);
    type Queries = ();

    fn evolve(&mut self, _: &OrderEvent) {}
}

impl Handle<Place> for Order {
    type Reply = ();

    fn decide(&self, Place { stock, after }: &Place, _: &CommandContext) -> Result<Decision<Self>, Never> {
        let placed = Decision::event(OrderEvent::Placed { stock: stock.clone() });
        Ok(placed.schedule("ship", *after, Ship {}).effect(Mail {}))
    }
}

impl Handle<Ship> for Order {
    type Reply = ();

    fn decide(&self, _: &Ship, _: &CommandContext) -> Result<Decision<Self>, Never> {
        Ok(Decision::event(OrderEvent::Shipped))
    }
}
