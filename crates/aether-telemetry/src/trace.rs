//! Traces that travel with events: the W3C trace context in their metadata; and [`handling`] an event within its trace.
//!
//! The trace context does nothing unless the feature `otel` is on and a subscriber with the layer of `tracing-opentelemetry`
//! wants the span.

use std::borrow::Cow;
use std::future::Future;

use aether_core::{Context, Event};
use tracing::{Instrument, Span};

use crate::span;

/// The events, with the trace context of the span on those that carry none. Without a trace they are as they were.
#[must_use]
pub fn stamp<'e>(span: &Span, events: &'e [Event]) -> Cow<'e, [Event]> {
    let carries_none = |event: &Event| event.metadata().traceparent.is_none();
    if span.is_disabled() || !events.iter().any(carries_none) {
        return Cow::Borrowed(events);
    }
    let Some(traceparent) = traceparent(span) else { return Cow::Borrowed(events) };
    let stamp = |event: &Event| {
        if carries_none(event) { event.with_traceparent(&*traceparent) } else { event.clone() }
    };
    events.iter().map(stamp).collect()
}

/// Stamps one event, like [`stamp`].
#[must_use]
pub fn stamp_one<'e>(span: &Span, event: &'e Event) -> Cow<'e, Event> {
    match stamp(span, std::slice::from_ref(event)) {
        Cow::Borrowed(_) => Cow::Borrowed(event),
        Cow::Owned(events) => events.into_iter().next().map_or(Cow::Borrowed(event), Cow::Owned),
    }
}

/// The trace context of the span, as it is written into an event; `None` if it is not part of a trace.
#[must_use]
pub fn traceparent(span: &Span) -> Option<String> {
    #[cfg(feature = "otel")]
    return crate::otel::context(span).map(|context| crate::otel::format(&context));
    #[cfg(not(feature = "otel"))]
    {
        let _ = span;
        None
    }
}

/// Makes the span, which has not been entered yet, part of the trace that the event carries, and links it to the span
/// that is current.
pub fn follow(span: &Span, event: &Event) {
    #[cfg(feature = "otel")]
    if let (false, Some(parent)) = (span.is_disabled(), event.metadata().traceparent.as_deref()) {
        crate::otel::follow(span, parent);
    }
    #[cfg(not(feature = "otel"))]
    let _ = (span, event);
}

/// Links the span to the one that the event carries; makes it part of that trace, if no span is current.
pub fn accompany(span: &Span, event: &Event) {
    #[cfg(feature = "otel")]
    if let (false, Some(origin)) = (span.is_disabled(), event.metadata().traceparent.as_deref()) {
        crate::otel::accompany(span, origin);
    }
    #[cfg(not(feature = "otel"))]
    let _ = (span, event);
}

/// Links the span to those that the events carry, up to 128 of them: more than that, OpenTelemetry drops.
pub fn link<'e>(span: &Span, events: impl Iterator<Item = &'e Event>) {
    #[cfg(feature = "otel")]
    if !span.is_disabled() {
        let carried = events.filter_map(|event| event.metadata().traceparent.as_deref());
        crate::otel::link(span, carried.take(128));
    }
    #[cfg(not(feature = "otel"))]
    let _ = (span, events);
}

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
