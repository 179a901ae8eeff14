//! Stocks that orders take from.

use aether_actor::event::DomainEvent;
use aether_actor::{Actor, Command, CommandContext, Decision, Handle, Never};
use serde::{Deserialize, Serialize};

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
