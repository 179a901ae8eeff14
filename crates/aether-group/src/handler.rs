//! [`Handler`]: what is done with the events of a group.

use std::sync::Arc;

use aether_core::{Position, Source};
use async_trait::async_trait;

use crate::{Batch, Claim};

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

/// What is to be done about an event that could not be handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// Try again, with back-off; after so many attempts as [`Retry`](crate::Retry) says, park the actor.
    Retry,
    /// It will never succeed: park the actor at once.
    Poison,
    /// It is not the event's fault, something that the handler needs is not there: try again for as long as it takes,
    /// with back-off. Never parks anybody.
    Unavailable,
}

/// That an event was not handled: which, why, and what is to be done.
///
/// Every error becomes one by `?`: try again, at the first event of the batch. (For that it is no
/// [`Error`](std::error::Error) itself.)
#[derive(Debug)]
#[non_exhaustive]
pub struct HandleError {
    /// The index in the batch of the event that failed. All before it have been handled.
    pub at: usize,
    /// What is to be done.
    pub kind: FailureKind,
    /// Why it failed.
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
