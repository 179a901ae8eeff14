//! [`Handler`]: the trait that users implement, the [`Batch`]es and [`Claim`]s it receives, its errors, and [`each`] for closures.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use aether_core::{ActorId, Event, Position, RecordedEvent, Source};
use aether_telemetry::handling;
use async_trait::async_trait;

use crate::{Epoch, Parked, Partition};

/// Handles the events of the partitions that a member has.
///
/// For each partition the calls come in this order: [`gained`](Self::gained), any number of [`handle`](Self::handle),
/// [`lost`](Self::lost), each after the one before has returned, but for batches of different actors, which may run at
/// the same time when the member's [`concurrency`](crate::GroupBuilder::concurrency) allows it.
///
/// An event is done when `handle` has returned for it; then the group's checkpoint may pass it. A member that dies before
/// the checkpoint is written leaves the events since the last one to its successor, which handles them again: **at least
/// once**. An effect that must happen once is made so by whoever stores it: by the event's position or id, in the same
/// transaction.
///
/// # Two members at once
/// A member that is frozen, or cut off, for longer than the suspicion loses its partitions while one of its handlers may
/// still be at work. Its checkpoints are refused; its other effects only the handler can fence, with the
/// [`epoch`](Batch::epoch), which is higher for whoever has the partition after it:
///
/// ```
/// # use std::collections::HashMap;
/// # use std::sync::Mutex;
/// # use aether_group::{Batch, Epoch, Handler, HandleError, Partition};
/// #[derive(Default)]
/// struct Totals {
///     // In a database: one row for each partition, checked and written in the transaction of the effect.
///     rows: Mutex<HashMap<Partition, (Epoch, usize)>>,
/// }
///
/// #[async_trait::async_trait]
/// impl Handler for Totals {
///     async fn handle(&self, batch: &Batch) -> Result<(), HandleError> {
///         let mut rows = self.rows.lock().map_err(|_| HandleError::unavailable("poisoned lock"))?;
///         let (epoch, total) = rows.entry(batch.partition).or_default();
///         if batch.epoch < *epoch {
///             return Err(HandleError::unavailable("the partition belongs to another member"));
///         }
///         (*epoch, *total) = (batch.epoch, *total + batch.events.len());
///         Ok(())
///     }
/// }
/// ```
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Handles the events of a batch, in order.
    ///
    /// A panic counts as [`HandleError::retry`] at the first event.
    ///
    /// # Errors
    /// [`HandleError`], which says at which event it failed and what is to be done. The events before that one count as
    /// done.
    ///
    /// # Cancel safety
    /// The future is dropped only when the member is dropped, or has not stopped within its deadline.
    async fn handle(&self, batch: &Batch) -> Result<(), HandleError>;

    /// The member has claimed a partition. A handler that keeps a checkpoint of its own, in the transaction of its
    /// effects, returns it here: it wins over the one of the group. `None`: the group's holds.
    ///
    /// # Errors
    /// The call is made again, with back-off, until it succeeds or the partition is lost; nothing of the partition is
    /// handled until then. Kind and index do not matter.
    async fn gained(&self, _claim: &Claim) -> Result<Option<Position>, HandleError> {
        Ok(None)
    }

    /// The member does not have the partition any more, or is about to release it; none of its batches is being handled.
    async fn lost(&self, _claim: &Claim) {}
}

#[async_trait]
impl<H: Handler + ?Sized> Handler for Arc<H> {
    async fn handle(&self, batch: &Batch) -> Result<(), HandleError> {
        (**self).handle(batch).await
    }

    async fn gained(&self, claim: &Claim) -> Result<Option<Position>, HandleError> {
        (**self).gained(claim).await
    }

    async fn lost(&self, claim: &Claim) {
        (**self).lost(claim).await;
    }
}

/// The reaction to an event that could not be handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// Try again, with back-off; after so many attempts as [`Retry`](crate::Retry) says, park the actor.
    Retry,
    /// A failure that will never pass: the group parks the actor at once.
    Poison,
    /// A failure that is not the event's fault, such as a database that is down: the group retries as long as it takes,
    /// with back-off. Never parks anybody.
    Unavailable,
}

/// The error of a handler: the failed event, the cause, and the reaction.
///
/// Every error becomes one by `?`: try again, at the first event of the batch. (For that it is no
/// [`Error`](std::error::Error) itself.)
#[derive(Debug)]
#[non_exhaustive]
pub struct HandleError {
    /// The index in the batch of the event that failed. All before it have been handled.
    pub at: usize,
    /// The reaction.
    pub kind: FailureKind,
    /// The cause.
    pub source: Source,
}

impl HandleError {
    /// Try again; park the actor after too many attempts.
    #[must_use]
    pub fn retry(source: impl Into<Source>) -> Self {
        Self { at: 0, kind: FailureKind::Retry, source: source.into() }
    }

    /// Park the actor at once.
    #[must_use]
    pub fn poison(source: impl Into<Source>) -> Self {
        Self { at: 0, kind: FailureKind::Poison, source: source.into() }
    }

    /// Try again for as long as it takes.
    #[must_use]
    pub fn unavailable(source: impl Into<Source>) -> Self {
        Self { at: 0, kind: FailureKind::Unavailable, source: source.into() }
    }

    /// The same, at the event of this index.
    #[must_use]
    pub fn at(mut self, index: usize) -> Self {
        self.at = index;
        self
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for HandleError {
    fn from(error: E) -> Self {
        Self::retry(error)
    }
}

/// Events to be handled in one go, in order: of one actor with [`Order::Actor`](crate::Order::Actor), of one partition
/// with [`Order::Partition`](crate::Order::Partition). There is at least one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Batch {
    /// The group.
    pub group: Arc<str>,
    /// The partition that the events belong to.
    pub partition: Partition,
    /// The epoch of the claim by which this member has it.
    pub epoch: Epoch,
    /// The number of this attempt at the first event, from 1 on. An event that has failed is handed out alone.
    pub attempt: u32,
    /// `true` for events of an actor that was parked and is resumed. They are older than what the partition has
    /// come to: their positions must not set back a checkpoint, nor be taken for repetitions because they are below it.
    ///
    /// What comes so are the actor's events up to where this member has read the partition; the later ones come as all
    /// others do, and none is left out or comes before an earlier one. After a claim has moved, that place may be behind
    /// what an earlier claim had handed out, if its checkpoint was. Then events of the actor between the two come as all
    /// others do although
    /// - they have waited, and events of other actors behind them were handed out before: a handler that tells
    ///   repetitions by *one position for the partition* has to return it from [`gained`](crate::Handler::gained), which
    ///   makes the member begin there, so that all that has waited comes as resumed. Position by actor, version or id need
    ///   no such care;
    /// - they were handed out as resumed ones before: once more, as after any failure. That goes for an event that was
    ///   [skipped](crate::GroupAdmin::skip) too, if the checkpoint had not passed it.
    pub resumed: bool,
    /// The events.
    pub events: Vec<RecordedEvent>,
    /// Up to where this partition (with [`Order::Partition`](crate::Order::Partition)) or this actor had been handed out
    /// before the batch; `None` if the group begins here. An event that comes again after a failure, or because a
    /// member died, comes with the same position as before.
    pub after: Option<Position>,
}

impl Batch {
    /// A first attempt at these events; for tests of handlers.
    #[must_use]
    pub fn new(
        group: impl Into<Arc<str>>,
        partition: Partition,
        epoch: Epoch,
        events: Vec<RecordedEvent>,
    ) -> Self {
        Self { group: group.into(), partition, epoch, attempt: 1, resumed: false, events, after: None }
    }

    /// The position of the last event. With [`Order::Partition`](crate::Order::Partition), unless the batch is
    /// [`resumed`](Self::resumed), a handler that keeps a checkpoint of its own stores this one with its effects: all
    /// events of the partition up to here have then been handled, or their actors are parked.
    #[must_use]
    pub fn through(&self) -> Option<Position> {
        self.events.last().map(|event| event.position)
    }

    /// Returns the circumstances of the batch, without its events.
    #[must_use]
    pub fn handling(&self) -> Handling {
        Handling {
            partition: self.partition,
            epoch: self.epoch,
            attempt: self.attempt,
            resumed: self.resumed,
        }
    }
}

/// The circumstances in which [`each`](crate::each)'s closure receives an event; as in [`Batch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Handling {
    /// The partition that the event belongs to.
    pub partition: Partition,
    /// The epoch of the claim by which this member has it.
    pub epoch: Epoch,
    /// The number of this attempt, from 1 on.
    pub attempt: u32,
    /// `true` for an event of an actor that was parked and is resumed.
    pub resumed: bool,
}

/// A partition that this member has claimed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Claim {
    /// The group.
    pub group: Arc<str>,
    /// The partition.
    pub partition: Partition,
    /// The number of the claim.
    pub epoch: Epoch,
    /// Up to where the partition has been handled, as the group knows it; `None` if nothing has been.
    pub position: Option<Position>,
    /// The actors of the partition that are parked.
    pub parked: BTreeMap<ActorId, Parked>,
}

impl Claim {
    /// A claim of a partition of which nothing has been handled; for tests of handlers.
    #[must_use]
    pub fn new(group: impl Into<Arc<str>>, partition: Partition, epoch: Epoch) -> Self {
        Self { group: group.into(), partition, epoch, position: None, parked: BTreeMap::new() }
    }
}

/// A handler that calls `handle` for each event.
///
/// ```
/// use aether_group::{HandleError, each};
///
/// let mailer = each(async |event, handling| {
///     tracing::info!(actor = %event.actor(), attempt = handling.attempt, "sending");
///     Ok(())
/// });
/// # let _ = mailer;
/// # fn is_handler(_: &impl aether_group::Handler) {}
/// # is_handler(&mailer);
/// ```
pub fn each<F, R>(handle: F) -> Each<F>
where
    F: Fn(RecordedEvent, Handling) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), HandleError>> + Send,
{
    Each(handle)
}

/// The handler that [`each`] returns.
#[derive(Clone)]
pub struct Each<F>(F);

impl<F> fmt::Debug for Each<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Each").finish_non_exhaustive()
    }
}

#[async_trait]
impl<F, R> Handler for Each<F>
where
    F: Fn(RecordedEvent, Handling) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), HandleError>> + Send,
{
    async fn handle(&self, batch: &Batch) -> Result<(), HandleError> {
        for (index, event) in batch.events.iter().enumerate() {
            // Only the first event of a batch can have been tried before.
            let attempt = if index == 0 { batch.attempt } else { 1 };
            let handling = Handling { attempt, ..batch.handling() };
            let work = (self.0)(event.clone(), handling);
            let handled = match batch.events.len() {
                // Whatever is done because of a batch is done because of its only event.
                1 => work.await,
                _ => because_of(event, work).await,
            };
            handled.map_err(|error| error.at(index))?;
        }
        Ok(())
    }
}

/// Runs `work` as something that is done because of this event: events that are made in it are part of the event's
/// conversation and name it as their cause, and its span is part of the event's trace. A handler of batches does so itself
/// for each event.
pub async fn because_of<T>(event: &Event, work: impl Future<Output = T>) -> T {
    handling(event, work).await
}
