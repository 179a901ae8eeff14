//! [`handling`] and [`Consumer`]: what is done because of an event.

use std::future::Future;

use aether_core::{Context, Event};
use tracing::{Instrument, Span};

use crate::{Destination, span};

/// Runs `work` as the handling of an event: in a span `handle` that is part of the event's trace, and in the event's
/// [`Context`], so that events which are made in it are part of the event's conversation and name it as their cause.
///
/// For those who take events from a subscription or a bus by themselves; groups do this for their handlers.
///
/// # Cancel safety
/// As that of `work`.
pub async fn handling<T>(event: &Event, work: impl Future<Output = T>) -> T {
    run(span::handle(None, None, event), event, work).await
}

/// Someone who handles events, as spans name it: a group, a projection, a subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumer {
    destination: Destination,
    name: Option<String>,
}

impl Consumer {
    /// Of events that are kept or sent there.
    #[must_use]
    pub fn new(destination: Destination) -> Self {
        Self { destination, name: None }
    }

    /// The name of the group or the projection: the `messaging.consumer.group.name`.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The span for the handling of an event, for whoever enters it by itself.
    #[must_use]
    pub fn span(&self, event: &Event) -> Span {
        span::handle(Some(&self.destination), self.name.as_deref(), event)
    }

    /// As [`handling`], in a span that names this consumer.
    ///
    /// # Cancel safety
    /// As that of `work`.
    pub async fn handling<T>(&self, event: &Event, work: impl Future<Output = T>) -> T {
        run(self.span(event), event, work).await
    }

    /// Runs `work` in such a span, without the context: for what makes no events, such as a projection.
    pub fn applying<T>(&self, event: &Event, work: impl FnOnce() -> T) -> T {
        self.span(event).in_scope(work)
    }
}

async fn run<T>(span: Span, event: &Event, work: impl Future<Output = T>) -> T {
    Context::of(event).scope(work).instrument(span).await
}
