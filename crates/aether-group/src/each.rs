//! [`each`]: a closure as a handler; and [`because_of`], which every event is handled in.

use std::fmt;
use std::future::Future;

use aether_core::{Event, RecordedEvent};
use aether_telemetry::handling;
use async_trait::async_trait;

use crate::{Batch, HandleError, Handler, Handling};

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

/// What [`each`] makes.
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
