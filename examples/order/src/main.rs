//! An actor in a screenful: its events, what is asked of it, and how it decides.
//!
//! ```sh
//! cargo run -p order                                       # in memory
//! cargo run -p order --features nats -- --store nats  # on the server at localhost:4222
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::Arc;

use aether::Version;
use aether::actor::{
    Actor, ActorSystem, Answer, AskError, Command, CommandContext, CommandId, Decision, Handle, Query, Store,
};
use aether::event::DomainEvent;
use aether::memory::MemoryEventStore;
use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// What can happen to an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
enum OrderEvent {
    #[event(name = "OrderPlaced")]
    Placed { total: u32 },
    #[event(name = "OrderPaid")]
    Paid { amount: u32 },
    #[event(name = "OrderShipped")]
    Shipped,
    #[event(name = "OrderCancelled")]
    Cancelled,
}

/// What can be asked of an order.
#[derive(Debug, Serialize, Deserialize, Command)]
struct Place {
    total: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
struct Pay {
    amount: u32,
}

#[derive(Debug, Serialize, Deserialize, Command)]
struct Ship;

#[derive(Debug, Serialize, Deserialize, Command)]
struct Cancel;

/// What is still to be paid.
#[derive(Debug, Serialize, Deserialize, Query)]
struct Due;

/// Why an order refuses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
enum OrderError {
    #[error("there is no such order")]
    NotPlaced,
    #[error("it was placed already")]
    PlacedBefore,
    #[error("it was cancelled, or shipped")]
    Closed,
    #[error("that is {by} too much")]
    TooMuch { by: u32 },
    #[error("{due} of it is not paid")]
    NotPaid { due: u32 },
}

/// The state of an order: what its events add up to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Order {
    placed: bool,
    closed: bool,
    due: u32,
}

impl Actor for Order {
    const CATEGORY: &'static str = "order";
    type Event = OrderEvent;
    type Error = OrderError;
    type Commands = (Place, Pay, Ship, Cancel);
    type Queries = (Due,);

    fn evolve(&mut self, event: &OrderEvent) {
        match event {
            OrderEvent::Placed { total } => (self.placed, self.due) = (true, *total),
            OrderEvent::Paid { amount } => self.due -= amount,
            OrderEvent::Shipped | OrderEvent::Cancelled => self.closed = true,
        }
    }
}

impl Order {
    fn must_be_open(&self) -> Result<(), OrderError> {
        match self {
            Self { placed: false, .. } => Err(OrderError::NotPlaced),
            Self { closed: true, .. } => Err(OrderError::Closed),
            _ => Ok(()),
        }
    }
}

impl Handle<Place> for Order {
    type Reply = ();

    fn decide(&self, command: &Place, _: &CommandContext) -> Result<Decision<Self>, OrderError> {
        if self.placed {
            return Err(OrderError::PlacedBefore);
        }
        Ok(Decision::event(OrderEvent::Placed { total: command.total }))
    }
}

impl Handle<Pay> for Order {
    /// What is still to be paid.
    type Reply = u32;

    fn decide(&self, command: &Pay, _: &CommandContext) -> Result<Decision<Self, u32>, OrderError> {
        self.must_be_open()?;
        let amount = command.amount;
        let due =
            self.due.checked_sub(amount).ok_or(OrderError::TooMuch { by: amount - self.due.min(amount) })?;
        Ok(Decision::event(OrderEvent::Paid { amount }).reply(due))
    }
}

impl Handle<Ship> for Order {
    type Reply = ();

    fn decide(&self, _: &Ship, _: &CommandContext) -> Result<Decision<Self>, OrderError> {
        self.must_be_open()?;
        if self.due > 0 {
            return Err(OrderError::NotPaid { due: self.due });
        }
        Ok(Decision::event(OrderEvent::Shipped))
    }
}

impl Handle<Cancel> for Order {
    type Reply = ();

    fn decide(&self, _: &Cancel, _: &CommandContext) -> Result<Decision<Self>, OrderError> {
        self.must_be_open()?;
        Ok(Decision::event(OrderEvent::Cancelled))
    }
}

impl Answer<Due> for Order {
    type Reply = u32;

    fn answer(&self, _: &Due) -> u32 {
        self.due
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let system = ActorSystem::builder(open_store().await?).actor::<Order>().start().await?;
    let number = OffsetDateTime::now_utc().unix_timestamp();

    let order = system.actor::<Order>(number);
    order.ask(Place { total: 100 }).await?;
    println!("Order {number} is placed; {} is due.", order.query(Due).await?);

    println!("Ten people pay 10 each for it, all at once, and each of them sends it twice:");
    let payers: Vec<_> = (0..10)
        .map(|payer| {
            let (order, id) = (order.clone(), CommandId::from_key(&format!("payment {payer} of {number}")));
            tokio::spawn(async move {
                let first = order.ask(Pay { amount: 10 }).id(id).await?;
                let again = order.ask(Pay { amount: 10 }).id(id).await?;
                ensure!(first == again, "what is sent again is answered as before");
                Ok(())
            })
        })
        .collect();
    for payer in payers {
        payer.await??;
    }
    println!("  now {} is due", order.query(Due).await?);

    order.ask(Cancel).await?;
    match order.ask(Ship).await {
        Err(AskError::Refused(why)) => println!("It was cancelled, and then it is to be shipped: {why}."),
        other => bail!("a cancelled order must not be shipped: {other:?}"),
    }

    let (then, version) = system.state_at_version::<Order>(number, Version::new(6)).await?;
    println!("At version {version} of its history {} was due.", then.due);
    Ok(())
}

/// The store of the command line.
async fn open_store() -> Result<Arc<dyn Store>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Ok(Arc::new(MemoryEventStore::new())),
        ["--store", "nats"] => nats().await,
        _ => bail!("there is only `--store nats`"),
    }
}

#[cfg(feature = "nats")]
async fn nats() -> Result<Arc<dyn Store>> {
    use aether::jetstream::{JetStreamConfig, JetStreamEventStore, async_nats};

    let client = async_nats::connect("nats://localhost:4222").await?;
    Ok(Arc::new(JetStreamEventStore::create(client, JetStreamConfig::new("orders")).await?))
}

#[cfg(not(feature = "nats"))]
async fn nats() -> Result<Arc<dyn Store>> {
    bail!("this build is without NATS: build it with `--features nats`")
}
