//! The domain: orders, the stock, the process manager that reserves, and the projection that counts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aether_actor::event::DomainEvent;
use aether_actor::{
    Actor, Answered, Cause, Command, CommandContext, Decision, Effect, Handle, Never, ProcessContext,
    ProcessManager, React, ReactContext, Reaction,
};
use aether_core::{EventFilter, RecordedEvent};
use aether_projection::{ApplyError, Keys, Projection};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::witness::Witness;

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

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
pub(crate) enum ReservationEvent {
    Confirmed,
}

/// One for each order.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Reservation {}

impl ProcessManager for Reservation {
    const NAME: &'static str = "reservation";
    type Event = ReservationEvent;
    type Sources = (Order,);
    type Sends = ((Stock, Reserve),);

    fn evolve(&mut self, _: &ReservationEvent) {}

    fn answered(&self, answer: &Answered, _: &ProcessContext) -> Reaction<Self> {
        match answer.of::<Stock, Reserve>() {
            Some(Ok(_)) => Reaction::event(ReservationEvent::Confirmed),
            _ => Reaction::nothing(),
        }
    }
}

impl React<Order> for Reservation {
    const EVENTS: Option<&'static [&'static str]> = Some(&["Placed"]);

    fn key(_: &OrderEvent, cause: &Cause) -> Option<String> {
        Some(cause.key().to_owned())
    }

    fn react(&self, event: &OrderEvent, context: &ReactContext) -> Reaction<Self> {
        match event {
            OrderEvent::Placed { stock } => {
                Reaction::nothing().send::<Stock, _>(stock, Reserve { order: context.key().to_owned() })
            }
            OrderEvent::Shipped => Reaction::nothing(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
pub(crate) enum StockEvent {
    Reserved { order: String },
}

/// Sent by the process manager alone.
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(crate) struct Reserve {
    pub(crate) order: String,
}

/// It does whatever it is told, however often: what is done twice stands in its log twice.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Stock {
    reserved: usize,
}

impl Actor for Stock {
    const CATEGORY: &'static str = "stock";
    type Event = StockEvent;
    type Error = Never;
    type Commands = (Reserve,);
    type Queries = ();

    fn evolve(&mut self, _: &StockEvent) {
        self.reserved += 1;
    }
}

impl Handle<Reserve> for Stock {
    type Reply = usize;

    fn decide(
        &self,
        Reserve { order }: &Reserve,
        _: &CommandContext,
    ) -> Result<Decision<Self, usize>, Never> {
        Ok(Decision::event(StockEvent::Reserved { order: order.clone() }).reply(self.reserved + 1))
    }
}

/// How often each event of the orders was applied: a view for each of those who place them.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) node: String,
    pub(crate) witness: Arc<Witness>,
}

impl Projection for Tally {
    type View = BTreeMap<Uuid, u32>;

    fn name(&self) -> &str {
        "tally"
    }

    fn filter(&self) -> EventFilter {
        EventFilter::category("order")
    }

    fn keys<'a>(&self, event: &'a RecordedEvent) -> Keys<'a> {
        let placer = event.actor().key().and_then(|key| key.split_once('-'));
        placer.map_or(Keys::none(), |(placer, _)| Keys::one(placer))
    }

    fn apply(
        &self,
        _key: &str,
        tally: &mut BTreeMap<Uuid, u32>,
        event: &RecordedEvent,
    ) -> Result<(), ApplyError> {
        self.witness.applied(&self.node);
        *tally.entry(event.id()).or_default() += 1;
        Ok(())
    }
}
