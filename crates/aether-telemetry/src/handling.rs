//! [`handling`] and [`Consumer`]: what is done because of an event.

use std::future::Future;

use aether_core::{Context, Event};
use tracing::{Instrument, Span};

use crate::span;

/// Runs `work` as the handling of an event: in a span `handle` that is part of the event's trace, and in the event's
/// [`Context`], so that events which are made in it are part of the event's conversation and name it as their cause.
///
/// For those who take events from a subscription or a bus by themselves; groups do this for their handlers.
///
/// # Cancel safety
/// As that of `work`.
pub async fn handling<T>(event: &Event, work: impl Future<Output = T>) -> T {
    run(span::handle(None, event), event, work).await
}

/// Someone who handles events under a name: a group or a projection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumer {
    name: String,
}

impl Consumer {
    /// The consumer of this name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }

    /// Handles an event like [`handling`], in a span that names this consumer.
    ///
    /// # Cancel safety
    /// As that of `work`.
    pub async fn handling<T>(&self, event: &Event, work: impl Future<Output = T>) -> T {
        run(span::handle(Some(&self.name), event), event, work).await
    }

    /// Runs `work` as the handling of several events at once, in a span that links to the traces of all of them. What is
    /// done because of a single one belongs into [`handling`] or [`applying`](Self::applying) of that one, inside.
    ///
    /// # Cancel safety
    /// As that of `work`.
    pub async fn handling_all<'e, T>(
        &self,
        events: impl ExactSizeIterator<Item = &'e Event>,
        work: impl Future<Output = T>,
    ) -> T {
        let span = span::handle_all(&self.name, events);
        work.instrument(span).await
    }

    /// Runs `work` as the application of an event to a view: in a span `apply` that is part of the event's trace. There is
    /// no context in it, since nothing that is applied makes events.
    pub fn applying<T>(&self, event: &Event, work: impl FnOnce() -> T) -> T {
        span::apply(&self.name, event).in_scope(work)
    }
}

async fn run<T>(span: Span, event: &Event, work: impl Future<Output = T>) -> T {
    Context::of(event).scope(work).instrument(span).await
}
