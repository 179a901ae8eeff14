//! The process manager: what is ordered is reserved.

use aether_actor::event::DomainEvent;
use aether_actor::{Answered, Cause, ProcessContext, ProcessManager, React, ReactContext, Reaction};
use serde::{Deserialize, Serialize};

use crate::order::{Order, OrderEvent};
use crate::stock::{Reserve, Stock};

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
