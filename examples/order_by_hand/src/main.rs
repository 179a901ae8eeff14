//! What an actor does for you, done by hand on the bare store: load, decide, save with `Exact`; after a conflict load
//! again, decide again, save again.
//!
//! ```sh
//! cargo run -p order_by_hand
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::time::Duration;

use aether::memory::MemoryEventStore;
use aether::{
    ActorId, ActorSnapshot, Event, EventStore, EventStoreExt, Expected, SaveError, SnapshotStore, Version,
};
use anyhow::{Context, Result, bail};
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};

/// What can happen to an order.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum OrderEvent {
    Placed { total: u32 },
    Paid { amount: u32 },
    Shipped,
    Cancelled,
}

impl OrderEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::Placed { .. } => "OrderPlaced",
            Self::Paid { .. } => "OrderPaid",
            Self::Shipped => "OrderShipped",
            Self::Cancelled => "OrderCancelled",
        }
    }
}

/// What can be asked of an order.
#[derive(Debug, Clone, Copy)]
enum Command {
    Place { total: u32 },
    Pay { amount: u32 },
    Ship,
    Cancel,
}

/// The state of an order: what its events add up to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Order {
    total: Option<u32>,
    paid: u32,
    shipped: bool,
    cancelled: bool,
}

impl Order {
    /// What is decided is a matter of the state alone: no store, no clock.
    fn decide(&self, command: Command) -> Result<OrderEvent, &'static str> {
        match (command, self.total) {
            (Command::Place { .. }, Some(_)) => Err("it was placed already"),
            (Command::Place { total }, None) => Ok(OrderEvent::Placed { total }),
            (_, None) => Err("there is no such order"),
            _ if self.cancelled => Err("it was cancelled"),
            _ if self.shipped => Err("it was shipped already"),
            (Command::Pay { amount }, Some(total)) if self.paid + amount > total => Err("that is too much"),
            (Command::Pay { amount }, _) => Ok(OrderEvent::Paid { amount }),
            (Command::Ship, Some(total)) if self.paid < total => Err("it is not paid"),
            (Command::Ship, _) => Ok(OrderEvent::Shipped),
            (Command::Cancel, _) => Ok(OrderEvent::Cancelled),
        }
    }

    /// What has happened is not to be argued with.
    fn apply(&mut self, event: OrderEvent) {
        match event {
            OrderEvent::Placed { total } => self.total = Some(total),
            OrderEvent::Paid { amount } => self.paid += amount,
            OrderEvent::Shipped => self.shipped = true,
            OrderEvent::Cancelled => self.cancelled = true,
        }
    }
}

/// A snapshot is taken when this many events have come since the last one.
const SNAPSHOT_EVERY: u64 = 5;
/// How often a command is decided again.
const ATTEMPTS: usize = 20;

/// Orders in a store. With `JetStreamEventStore` in the place of the memory store, nothing else changes.
#[derive(Debug, Clone)]
struct Orders<S> {
    store: S,
}

/// An order as it was loaded.
#[derive(Debug)]
struct Loaded {
    order: Order,
    version: Version,
    snapshot: Version,
}

impl<S: EventStore + SnapshotStore> Orders<S> {
    /// The latest snapshot, and the events after it.
    async fn load(&self, id: &ActorId) -> Result<Loaded> {
        let mut loaded = Loaded { order: Order::default(), version: Version::ZERO, snapshot: Version::ZERO };
        if let Some(snapshot) = self.store.load_snapshot(id).await? {
            // One that does not fit the state any more is as good as none.
            if let Ok(order) = snapshot.state() {
                loaded = Loaded { order, version: snapshot.version, snapshot: snapshot.version };
            }
        }
        let mut events = self.store.get_events(id, loaded.version.next());
        while let Some(event) = events.try_next().await? {
            loaded.order.apply(event.data()?);
            loaded.version = event.version();
        }
        Ok(loaded)
    }

    /// Saves what was decided on the order as it was loaded, unless somebody else was faster.
    async fn save(&self, id: &ActorId, loaded: &Loaded, event: &OrderEvent) -> Result<Version, SaveError> {
        let event = Event::new(id, loaded.version.next(), event.event_type(), event)?;
        let mut pause = Duration::from_millis(10);
        loop {
            let saved =
                self.store.save_expecting(std::slice::from_ref(&event), Expected::Exact(loaded.version));
            match saved.await {
                // The very same event again: should it stand already, it is recognised by its id.
                Err(error) if error.is_retryable() && pause < Duration::from_secs(5) => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                result => return result.map(|saved| saved.version),
            }
        }
    }

    /// Carries out a command: load, decide, save, and all of it again after a conflict.
    async fn handle(&self, id: &ActorId, command: Command) -> Result<Version> {
        for _ in 0..ATTEMPTS {
            let mut loaded = self.load(id).await?;
            let event = match loaded.order.decide(command) {
                Ok(event) => event,
                Err(refusal) => bail!("{command:?} of {id} is refused: {refusal}"),
            };
            match self.save(id, &loaded, &event).await {
                Ok(version) => {
                    if version.get() - loaded.snapshot.get() >= SNAPSHOT_EVERY {
                        loaded.order.apply(event);
                        let snapshot = ActorSnapshot::new(id, version, &loaded.order)?;
                        self.store.save_snapshot(&snapshot).await?;
                    }
                    return Ok(version);
                }
                Err(error) if error.is_version_conflict() => {}
                Err(error) => return Err(error).context("the order cannot be saved"),
            }
        }
        bail!("{id} was changed by others {ATTEMPTS} times in a row")
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let orders = Orders { store: MemoryEventStore::new() };

    let id = ActorId::new("order-1")?;
    orders.handle(&id, Command::Place { total: 100 }).await?;
    orders.handle(&id, Command::Pay { amount: 100 }).await?;

    println!("A clerk looks at {id}, and while he thinks, the customer cancels it:");
    let seen = orders.load(&id).await?;
    let shipped = seen.order.decide(Command::Ship).map_err(anyhow::Error::msg)?;
    orders.handle(&id, Command::Cancel).await?;
    match orders.save(&id, &seen, &shipped).await {
        Err(error) if error.is_version_conflict() => println!("  {error}"),
        other => bail!("the clerk's save should be a conflict: {other:?}"),
    }
    match orders.handle(&id, Command::Ship).await {
        Err(refusal) => println!("  so it is loaded and decided again: {refusal}"),
        Ok(_) => bail!("a cancelled order must not be shipped"),
    }

    let id = ActorId::new("order-2")?;
    orders.handle(&id, Command::Place { total: 100 }).await?;
    println!("Ten people pay 10 each for {id}, all at once:");
    let payers: Vec<_> = (0..10)
        .map(|_| {
            let (orders, id) = (orders.clone(), id.clone());
            tokio::spawn(async move { orders.handle(&id, Command::Pay { amount: 10 }).await })
        })
        .collect();
    for payer in payers {
        payer.await??;
    }
    let Loaded { order, version, snapshot } = orders.load(&id).await?;
    println!("  paid {} by version {version}, loaded from a snapshot of version {snapshot}", order.paid);
    orders.handle(&id, Command::Ship).await?;
    Ok(())
}
