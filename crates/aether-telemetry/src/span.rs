//! The spans: `save`, `load`, `publish`, `handle`, `apply`, `ask` and `turn`, with the attributes of OpenTelemetry's semantic
//! conventions for messaging.
//!
//! Each is opened at level INFO with the target `aether`. OpenTelemetry sees it under the name `<operation> <destination>`,
//! or `<operation> <consumer>`.
//! Where no subscriber wants it, it costs the look at a flag.

use std::fmt;

use aether_core::{ActorId, Commit, Event, ReadError, SaveError};
use tracing::Span;
use tracing::field::Empty;

use crate::trace;

/// The system of those who handle events: they do not know where these come from.
const SYSTEM: &str = "aether";

/// The save of a commit.
#[must_use]
pub fn save(destination: &Destination, commit: &Commit<'_>) -> Span {
    let events = commit.as_events();
    let (first, one) = (events.first(), events.len() == 1);
    tracing::info_span!(
        target: "aether",
        "save",
        otel.name = display(format_args!("save {}", destination.name)),
        otel.kind = "producer",
        otel.status_code = Empty,
        error.type = Empty,
        messaging.system = destination.system,
        messaging.operation.name = "save",
        messaging.operation.type = "send",
        messaging.destination.name = destination.name,
        messaging.message.id = first.filter(|_| one).map(|event| display(event.id())),
        messaging.message.conversation_id = first.and_then(conversation),
        messaging.batch.message_count = (!one).then_some(events.len()),
        aether.actor = first.map(|event| display(event.actor())),
        aether.event.type = first.filter(|_| one).map(Event::event_type),
        aether.commit.id = display(commit.id()),
    )
}

/// The load of an actor's events or commits.
#[must_use]
pub fn load(destination: &Destination, actor: &ActorId) -> Span {
    tracing::info_span!(
        target: "aether",
        "load",
        otel.name = display(format_args!("load {}", destination.name)),
        otel.kind = "client",
        otel.status_code = Empty,
        error.type = Empty,
        messaging.system = destination.system,
        messaging.operation.name = "load",
        messaging.operation.type = "receive",
        messaging.destination.name = destination.name,
        messaging.batch.message_count = Empty,
        aether.actor = display(actor),
    )
}

/// The publication of events on a bus. It is part of what publishes; if nothing does, of the trace that an event carries,
/// to whose span it links otherwise.
#[must_use]
pub fn publish(destination: &Destination, events: &[Event]) -> Span {
    let (first, one) = (events.first(), events.len() == 1);
    let is_created_here = |event: &Event| event.metadata().traceparent.is_none();
    let span = tracing::info_span!(
        target: "aether",
        "publish",
        otel.name = display(format_args!("publish {}", destination.name)),
        otel.kind = if events.iter().any(is_created_here) { "producer" } else { "client" },
        otel.status_code = Empty,
        error.type = Empty,
        messaging.system = destination.system,
        messaging.operation.name = "publish",
        messaging.operation.type = "send",
        messaging.destination.name = destination.name,
        messaging.message.id = first.filter(|_| one).map(|event| display(event.id())),
        messaging.message.conversation_id = first.and_then(conversation),
        messaging.batch.message_count = (!one).then_some(events.len()),
        aether.actor = first.map(|event| display(event.actor())),
        aether.event.type = first.filter(|_| one).map(Event::event_type),
    );
    if let [event] = events {
        trace::accompany(&span, event);
    }
    span
}

/// The handling of an event, by a consumer of this name if it has one. It is part of the trace that the event carries, and
/// links to the span that is current.
#[must_use]
pub fn handle(consumer: Option<&str>, event: &Event) -> Span {
    let span = tracing::info_span!(
        target: "aether",
        "handle",
        otel.name = display(Named("handle", consumer)),
        otel.kind = "consumer",
        otel.status_code = Empty,
        error.type = Empty,
        messaging.system = SYSTEM,
        messaging.operation.name = "handle",
        messaging.operation.type = "process",
        messaging.consumer.group.name = consumer,
        messaging.message.id = display(event.id()),
        messaging.message.conversation_id = conversation(event),
        aether.actor = display(event.actor()),
        aether.event.type = event.event_type(),
    );
    trace::follow(&span, event);
    span
}

/// The handling of several events at once. It links to the traces that they carry.
#[must_use]
pub fn handle_all<'e>(consumer: &str, events: impl ExactSizeIterator<Item = &'e Event>) -> Span {
    let span = tracing::info_span!(
        target: "aether",
        "handle",
        otel.name = display(Named("handle", Some(consumer))),
        otel.kind = "consumer",
        otel.status_code = Empty,
        error.type = Empty,
        messaging.system = SYSTEM,
        messaging.operation.name = "handle",
        messaging.operation.type = "process",
        messaging.consumer.group.name = consumer,
        messaging.batch.message_count = events.len(),
    );
    trace::link(&span, events);
    span
}

/// The application of an event to a view. It hangs together with others as [`handle`] does.
#[must_use]
pub fn apply(projection: &str, event: &Event) -> Span {
    let span = tracing::info_span!(
        target: "aether",
        "apply",
        otel.name = display(Named("apply", Some(projection))),
        otel.kind = "consumer",
        messaging.system = SYSTEM,
        messaging.operation.name = "apply",
        messaging.operation.type = "process",
        messaging.consumer.group.name = projection,
        messaging.message.id = display(event.id()),
        messaging.message.conversation_id = conversation(event),
        aether.actor = display(event.actor()),
        aether.event.type = event.event_type(),
    );
    trace::follow(&span, event);
    span
}

/// A command, or a query that has to wait, on its way to an actor of this category: `operation` is `ask` or `query`. It is
/// open until it is answered. [`ask_of`] says which actor it is.
#[must_use]
pub fn ask(
    operation: &'static str,
    category: &str,
    name: &str,
    id: impl fmt::Display,
    conversation: Option<&str>,
) -> Span {
    tracing::info_span!(
        target: "aether",
        "ask",
        otel.name = display(Named(operation, Some(category))),
        otel.kind = "internal",
        otel.status_code = Empty,
        error.type = Empty,
        messaging.system = SYSTEM,
        messaging.operation.name = operation,
        messaging.operation.type = "send",
        messaging.destination.name = category,
        messaging.message.id = display(id),
        messaging.message.conversation_id = conversation,
        aether.actor = Empty,
        aether.command = name,
        aether.outcome = Empty,
    )
}

/// Says on an [`ask`] which actor it is put to.
pub fn ask_of(ask: &Span, actor: &ActorId) {
    if !ask.is_disabled() {
        ask.record("aether.actor", tracing::field::display(actor));
    }
}

/// Says on an [`ask`] what it came to, by the value of the label `outcome`.
pub fn ask_ended(ask: &Span, outcome: &'static str) {
    ask.record("aether.outcome", outcome);
}

/// The turn of an actor: what it does for those that wait at once, from loading to saving. It is part of the [`ask`] that it
/// is for; if it is for several, it links to them. There is none if it is for none.
#[must_use]
pub fn turn<'s>(category: &str, actor: &ActorId, asks: impl Iterator<Item = &'s Span> + Clone) -> Span {
    let mut ids = asks.clone().filter_map(Span::id);
    let Some(first) = ids.next() else { return Span::none() };
    let one = ids.next().is_none();
    let span = tracing::info_span!(
        target: "aether",
        parent: one.then_some(first),
        "turn",
        otel.name = display(Named("turn", Some(category))),
        otel.kind = "internal",
        messaging.system = SYSTEM,
        messaging.operation.name = "turn",
        messaging.operation.type = "process",
        messaging.destination.name = category,
        messaging.batch.message_count = (!one).then(|| asks.clone().count()),
        aether.actor = display(actor),
    );
    if !one {
        // More links than that, OpenTelemetry drops.
        asks.take(128).for_each(|ask| {
            span.follows_from(ask);
        });
    }
    span
}

/// An operation, and whose it is.
struct Named<'a>(&'static str, Option<&'a str>);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)?;
        self.1.map_or(Ok(()), |name| write!(f, " {name}"))
    }
}

/// Says on a span of this module that what it is about has failed, by the kind of the error.
pub fn fail(span: &Span, kind: &'static str) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", kind);
}

fn conversation(event: &Event) -> Option<&str> {
    event.metadata().correlation_id.as_deref()
}

/// The kind of the error, for spans and labels.
pub(crate) fn save_error(error: &SaveError) -> &'static str {
    match error {
        SaveError::VersionConflict(_) => "conflict",
        SaveError::UnknownOutcome(_) => "unknown_outcome",
        SaveError::Invalid(_) => "invalid",
        SaveError::TooLarge { .. } => "too_large",
        SaveError::StoreFull { .. } => "full",
        SaveError::HistoryIncomplete(_) => "incomplete",
        SaveError::Unavailable(_) => "unavailable",
        SaveError::PermissionDenied { .. } => "denied",
        SaveError::Unsupported(_) => "unsupported",
        SaveError::Corrupt { .. } => "corrupt",
        _ => "other",
    }
}

/// The kind of the error, for spans and labels.
pub(crate) fn read_error(error: &ReadError) -> &'static str {
    match error {
        ReadError::HistoryIncomplete(_) => "incomplete",
        ReadError::PositionExpired { .. } => "expired",
        ReadError::Unavailable(_) => "unavailable",
        ReadError::PermissionDenied { .. } => "denied",
        ReadError::Unsupported(_) => "unsupported",
        ReadError::Corrupt { .. } => "corrupt",
        _ => "other",
    }
}

/// The place where events are kept or sent: the `messaging.system` and `messaging.destination.name` of spans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    pub(crate) system: &'static str,
    pub(crate) name: String,
}

impl Destination {
    /// A stream of JetStream, or what is common to the subjects of a bus.
    #[must_use]
    pub fn nats(name: impl Into<String>) -> Self {
        Self { system: "nats", name: name.into() }
    }

    /// Something in the memory of this process.
    #[must_use]
    pub fn local(name: impl Into<String>) -> Self {
        Self { system: "aether", name: name.into() }
    }
}
