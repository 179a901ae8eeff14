//! How a trace travels with events: the W3C trace context in their metadata.
//!
//! All of this does nothing unless the feature `otel` is on and a subscriber with the layer of `tracing-opentelemetry`
//! wants the span.

use std::borrow::Cow;

use aether_core::Event;
use tracing::Span;

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
