//! [`Totals`]: the views, in SQLite, with their checkpoint.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aether::projection::{Batch, Claim, HandleError, Partition, Target};
use aether::{ActorId, EventFilter, Position, RecordedEvent};
use anyhow::Result;
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::orders::Placed;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS totals (
        customer TEXT PRIMARY KEY, orders INTEGER NOT NULL, cents INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS checkpoints (
        partition INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, position TEXT
    ) STRICT;
    CREATE TABLE IF NOT EXISTS late (actor TEXT PRIMARY KEY, position TEXT NOT NULL) STRICT;
";

/// What a customer has ordered, in all.
#[derive(Debug, PartialEq)]
pub(crate) struct Total {
    pub(crate) customer: String,
    pub(crate) orders: u32,
    pub(crate) cents: u32,
}

/// The totals of all customers, in SQLite. Clones share the connection.
#[derive(Debug, Clone)]
pub(crate) struct Totals {
    db: Arc<Mutex<Connection>>,
    applied: Arc<AtomicU64>,
    /// Told of each step, so that a test can end the process there.
    step: fn(&'static str),
}

impl Totals {
    pub(crate) fn open(path: &str) -> Result<Self> {
        let db = Connection::open(path)?;
        db.execute_batch(SCHEMA)?;
        // Here the claims are kept in memory, and are counted anew in each process. With a coordination that outlives the
        // process, as on NATS, the epochs stay as they are.
        db.execute("UPDATE checkpoints SET epoch = 0", [])?;
        Ok(Self { db: Arc::new(Mutex::new(db)), applied: Arc::default(), step: |_| {} })
    }

    #[cfg(test)]
    pub(crate) fn stepping(mut self, step: fn(&'static str)) -> Self {
        self.step = step;
        self
    }

    /// How many events this process has applied.
    pub(crate) fn applied(&self) -> u64 {
        self.applied.load(Ordering::Relaxed)
    }

    pub(crate) fn all(&self) -> Result<Vec<Total>> {
        let db = self.db();
        let mut query = db.prepare("SELECT customer, orders, cents FROM totals ORDER BY customer")?;
        let rows = query.query_map([], |row| {
            Ok(Total { customer: row.get(0)?, orders: row.get(1)?, cents: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A transaction that panics is rolled back.
    fn db(&self) -> MutexGuard<'_, Connection> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Events and checkpoint, in one transaction.
    fn commit(&self, batch: &Batch) -> Result<(), HandleError> {
        let mut db = self.db();
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(unavailable)?;
        (self.step)("begun");
        let (epoch, checkpoint) = checkpoint(&tx, batch.partition)?;
        if epoch > batch.epoch.get() {
            return Err(HandleError::unavailable("another process has the partition"));
        }
        let (mut through, mut failed, mut applied) = (checkpoint, None, 0);
        for (index, event) in batch.events.iter().enumerate() {
            let late = late(&tx, event.actor())?;
            // What had been parked is older than the checkpoint; how far it has come is kept by actor.
            let is_seen = |mark: Option<Position>| mark.is_some_and(|mark| event.position <= mark);
            if is_seen(late) || (!batch.resumed && is_seen(checkpoint)) {
                continue;
            }
            let Ok(placed) = event.data::<Placed>() else {
                failed = Some(HandleError::poison("not an order").at(index));
                break;
            };
            add(&tx, &placed).map_err(unavailable)?;
            keep_late(&tx, event, batch.resumed, late.is_some()).map_err(unavailable)?;
            through = Some(event.position);
            applied += 1;
        }
        (self.step)("applied");
        if !batch.resumed {
            write_checkpoint(&tx, batch.partition, batch.epoch.get(), through).map_err(unavailable)?;
        }
        (self.step)("checkpointed");
        tx.commit().map_err(unavailable)?;
        (self.step)("committed");
        self.applied.fetch_add(applied, Ordering::Relaxed);
        failed.map_or(Ok(()), Err)
    }

    /// Up to where the partition has come. Whoever had it before is fenced off from now on.
    fn claim(&self, claim: &Claim) -> Result<Option<Position>, HandleError> {
        let mut db = self.db();
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(unavailable)?;
        let (epoch, position) = checkpoint(&tx, claim.partition)?;
        if epoch > claim.epoch.get() {
            return Err(HandleError::unavailable("another process has the partition"));
        }
        write_checkpoint(&tx, claim.partition, claim.epoch.get(), position).map_err(unavailable)?;
        tx.commit().map_err(unavailable)?;
        Ok(position)
    }
}

#[async_trait]
impl Target for Totals {
    fn name(&self) -> &str {
        "totals"
    }

    fn filter(&self) -> EventFilter {
        EventFilter::category("order").types(["OrderPlaced"])
    }

    async fn checkpoint(&self, claim: &Claim) -> Result<Option<Position>, HandleError> {
        let (totals, claim) = (self.clone(), claim.clone());
        tokio::task::spawn_blocking(move || totals.claim(&claim)).await?
    }

    async fn apply(&self, batch: &Batch) -> Result<(), HandleError> {
        let (totals, batch) = (self.clone(), batch.clone());
        tokio::task::spawn_blocking(move || totals.commit(&batch)).await?
    }
}

/// It is not the event's fault: try again.
fn unavailable(error: rusqlite::Error) -> HandleError {
    HandleError::unavailable(error)
}

fn checkpoint(tx: &Transaction<'_>, partition: Partition) -> Result<(u64, Option<Position>), HandleError> {
    let row = tx.query_row(
        "SELECT epoch, position FROM checkpoints WHERE partition = ?1",
        [partition.get()],
        |row| Ok((row.get::<_, u64>(0)?, row.get::<_, Option<String>>(1)?)),
    );
    let Some((epoch, position)) = row.optional().map_err(unavailable)? else { return Ok((0, None)) };
    Ok((epoch, position.map(|position| position.parse()).transpose()?))
}

fn write_checkpoint(
    tx: &Transaction<'_>,
    partition: Partition,
    epoch: u64,
    position: Option<Position>,
) -> rusqlite::Result<()> {
    let position = position.map(|position| position.to_string());
    let sql = "INSERT OR REPLACE INTO checkpoints (partition, epoch, position) VALUES (?1, ?2, ?3)";
    tx.execute(sql, params![partition.get(), epoch, position]).map(|_| ())
}

fn late(tx: &Transaction<'_>, actor: &ActorId) -> Result<Option<Position>, HandleError> {
    let mut query = tx.prepare_cached("SELECT position FROM late WHERE actor = ?1").map_err(unavailable)?;
    let row = query.query_row([actor.as_str()], |row| row.get::<_, String>(0)).optional();
    Ok(row.map_err(unavailable)?.map(|position| position.parse()).transpose()?)
}

/// Keeps how far an actor that was parked has come; a later event of the actor, in its turn, makes up for it.
fn keep_late(
    tx: &Transaction<'_>,
    event: &RecordedEvent,
    resumed: bool,
    is_kept: bool,
) -> rusqlite::Result<()> {
    let actor = event.actor().as_str();
    if resumed {
        let sql = "INSERT OR REPLACE INTO late (actor, position) VALUES (?1, ?2)";
        tx.execute(sql, params![actor, event.position.to_string()])?;
    } else if is_kept {
        tx.execute("DELETE FROM late WHERE actor = ?1", [actor])?;
    }
    Ok(())
}

fn add(tx: &Transaction<'_>, placed: &Placed) -> rusqlite::Result<()> {
    let mut add = tx.prepare_cached(
        "INSERT INTO totals (customer, orders, cents) VALUES (?1, 1, ?2)
         ON CONFLICT (customer) DO UPDATE SET orders = orders + 1, cents = cents + excluded.cents",
    )?;
    add.execute(params![placed.customer, placed.cents]).map(|_| ())
}
