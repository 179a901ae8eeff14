//! [`Event`]: one fact about one actor, and the [`Metadata`] beside its data.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::{InvalidEvent, Rule};
use crate::payload::{Payload, PayloadError};
use crate::{ActorId, Context, Version};

/// Something that happened to an actor. Immutable; cloning is cheap (a reference count).
///
/// ```
/// use aether_core::{ActorId, Event, Version};
/// use serde_json::json;
///
/// let order = ActorId::new("order-123")?;
/// let placed = Event::new(&order, Version::new(1), "OrderPlaced", &json!({"total": 100}))?;
/// let shipped = Event::builder(&order, placed.version().next(), "OrderShipped")
///     .correlation_id("request-7")
///     .causation_id(placed.id())
///     .metadata("user_id", "ada")
///     .build()?;
/// assert_eq!(placed.data::<serde_json::Value>()?["total"], 100);
/// assert!(shipped.payload().is_absent());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event(Arc<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    id: Uuid,
    event_type: Cow<'static, str>,
    actor: ActorId,
    version: Version,
    payload: Payload,
    metadata: Metadata,
    timestamp: OffsetDateTime,
}

impl Event {
    /// The longest event type, in bytes.
    pub const MAX_TYPE_LEN: usize = 255;

    /// An event with JSON data, a fresh UUIDv7 as its id, and the time now.
    ///
    /// # Errors
    /// [`InvalidEvent`] as from [`EventBuilder::build`].
    pub fn new<T: Serialize + ?Sized>(
        actor: &ActorId,
        version: Version,
        event_type: impl Into<Cow<'static, str>>,
        data: &T,
    ) -> Result<Self, InvalidEvent> {
        Self::builder(actor, version, event_type).data(data).build()
    }

    /// Starts an event of which more is said than [`Event::new`] takes.
    pub fn builder(
        actor: &ActorId,
        version: Version,
        event_type: impl Into<Cow<'static, str>>,
    ) -> EventBuilder {
        EventBuilder {
            id: None,
            event_type: event_type.into(),
            actor: actor.clone(),
            version,
            payload: Ok(Payload::absent()),
            metadata: Metadata::default(),
            timestamp: None,
        }
    }

    /// Returns the unique id of the event. Stores recognise a repeated commit by the ids of its events.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.0.id
    }

    /// Returns the type of the event, such as `OrderPlaced`.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.0.event_type
    }

    /// Returns the actor of the event.
    #[must_use]
    pub fn actor(&self) -> &ActorId {
        &self.0.actor
    }

    /// Returns the version of the event among the actor's events.
    #[must_use]
    pub fn version(&self) -> Version {
        self.0.version
    }

    /// The data, raw.
    #[must_use]
    pub fn payload(&self) -> &Payload {
        &self.0.payload
    }

    /// The data as a value.
    ///
    /// # Errors
    /// As [`Payload::to`].
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        self.0.payload.to()
    }

    /// Returns the metadata of the event.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.0.metadata
    }

    /// Returns the time at which it happened, by the clock of the event's author, in UTC.
    #[must_use]
    pub fn timestamp(&self) -> OffsetDateTime {
        self.0.timestamp
    }

    /// The same event, with the W3C trace context of a span.
    #[must_use]
    pub fn with_traceparent(&self, traceparent: impl Into<String>) -> Self {
        let mut inner = Inner::clone(&self.0);
        inner.metadata.traceparent = Some(traceparent.into());
        Self(Arc::new(inner))
    }

    /// The bytes of its texts and data: what it takes at least, in any encoding.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.event_type.len() + self.0.actor.as_str().len() + self.0.payload.len() + self.0.metadata.size()
    }

    /// Returns, for codecs, an event as it was stored, without the checks of the builder.
    pub(crate) fn restore(
        id: Uuid,
        event_type: String,
        actor: ActorId,
        version: Version,
        payload: Payload,
        metadata: Metadata,
        timestamp: OffsetDateTime,
    ) -> Self {
        let event_type = Cow::Owned(event_type);
        Self(Arc::new(Inner { id, event_type, actor, version, payload, metadata, timestamp }))
    }
}

/// Says what an [`Event`] is, part by part.
#[derive(Debug)]
#[must_use = "an event is made by build()"]
pub struct EventBuilder {
    id: Option<Uuid>,
    event_type: Cow<'static, str>,
    actor: ActorId,
    version: Version,
    payload: Result<Payload, PayloadError>,
    metadata: Metadata,
    timestamp: Option<OffsetDateTime>,
}

impl EventBuilder {
    /// The id of the event; a fresh UUIDv7 if this is not called.
    pub fn id(mut self, id: Uuid) -> Self {
        self.id = Some(id);
        self
    }

    /// The data, as JSON.
    pub fn data<T: Serialize + ?Sized>(mut self, data: &T) -> Self {
        self.payload = Payload::json(data);
        self
    }

    /// The data, as it is.
    pub fn payload(mut self, payload: Payload) -> Self {
        self.payload = Ok(payload);
        self
    }

    /// The command that led to the event.
    pub fn command_id(mut self, id: impl ToString) -> Self {
        self.metadata.command_id = Some(id.to_string());
        self
    }

    /// The conversation that the event is part of.
    pub fn correlation_id(mut self, id: impl ToString) -> Self {
        self.metadata.correlation_id = Some(id.to_string());
        self
    }

    /// The event or command that directly caused the event.
    pub fn causation_id(mut self, id: impl ToString) -> Self {
        self.metadata.causation_id = Some(id.to_string());
        self
    }

    /// The W3C trace context of the current span.
    pub fn traceparent(mut self, traceparent: impl Into<String>) -> Self {
        self.metadata.traceparent = Some(traceparent.into());
        self
    }

    /// One entry of the application's own metadata.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.user.insert(key.into(), value.into());
        self
    }

    /// Sets the time at which it happened (default: now).
    pub fn timestamp(mut self, timestamp: OffsetDateTime) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// Makes the event. It takes the conversation and the cause from the current [`Context`] where it was not told them.
    ///
    /// # Errors
    /// [`InvalidEvent`] if its version is 0, its type is empty or longer than [`Event::MAX_TYPE_LEN`] bytes, its data
    /// cannot be written as JSON, or its timestamp lies outside the years 0 to 9999.
    pub fn build(self) -> Result<Event, InvalidEvent> {
        let id = self.id.unwrap_or_else(Uuid::now_v7);
        let invalid = |rule| InvalidEvent::of_event(rule, &self.actor, id);
        if self.version.is_zero() {
            return Err(invalid(Rule::VersionZero));
        }
        if self.event_type.is_empty() || self.event_type.len() > Event::MAX_TYPE_LEN {
            return Err(invalid(Rule::TypeLength { length: self.event_type.len() }));
        }
        // RFC 3339, in which events travel, has years of four digits.
        let timestamp = self.timestamp.unwrap_or_else(OffsetDateTime::now_utc);
        let timestamp = timestamp
            .checked_to_offset(time::UtcOffset::UTC)
            .filter(|t| (0..=9999).contains(&t.year()))
            .ok_or_else(|| invalid(Rule::TimestampOutOfRange))?;
        let payload = self
            .payload
            .map_err(|source| InvalidEvent::of_event(Rule::Data, &self.actor, id).because(source))?;
        let mut metadata = self.metadata;
        if let Some(context) = Context::current() {
            metadata.correlation_id = metadata.correlation_id.or(context.correlation_id);
            metadata.causation_id = metadata.causation_id.or(context.causation_id);
        }
        Ok(Event(Arc::new(Inner {
            id,
            event_type: self.event_type,
            actor: self.actor,
            version: self.version,
            payload,
            metadata,
            timestamp,
        })))
    }
}

/// Data about an event beside its payload: its cause, its conversation and its trace.
///
/// The named entries are what every event store keeps; `user` holds any keys of the application.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Metadata {
    /// The command that led to the event.
    pub command_id: Option<String>,
    /// The conversation that the event is part of: the same for everything that one request set off.
    pub correlation_id: Option<String>,
    /// The event or command that directly caused the event.
    pub causation_id: Option<String>,
    /// The W3C trace context of the span that saved the event.
    pub traceparent: Option<String>,
    /// The application's own entries, under any key.
    pub user: BTreeMap<String, String>,
}

impl Metadata {
    /// Returns empty metadata.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes of all keys and values.
    pub(crate) fn size(&self) -> usize {
        let named = [&self.command_id, &self.correlation_id, &self.causation_id, &self.traceparent];
        let named: usize = named.into_iter().flatten().map(String::len).sum();
        named + self.user.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> ActorId {
        ActorId::new("order-1").unwrap()
    }

    #[test]
    fn the_builder_refuses_what_no_store_may_keep() {
        let rule = |builder: EventBuilder| builder.build().unwrap_err().rule().clone();
        let v1 = Version::new(1);
        assert_eq!(rule(Event::builder(&order(), Version::ZERO, "A")), Rule::VersionZero);
        assert_eq!(rule(Event::builder(&order(), v1, "")), Rule::TypeLength { length: 0 });
        assert_eq!(rule(Event::builder(&order(), v1, "x".repeat(256))), Rule::TypeLength { length: 256 });
        let no_json = std::collections::BTreeMap::from([((1, 2), 3)]);
        assert_eq!(rule(Event::builder(&order(), v1, "A").data(&no_json)), Rule::Data);
        let early = time::Date::from_calendar_date(-5, time::Month::May, 1).unwrap().midnight().assume_utc();
        assert_eq!(rule(Event::builder(&order(), v1, "A").timestamp(early)), Rule::TimestampOutOfRange);
    }

    #[test]
    fn an_invalid_event_says_which_field_of_which_event() {
        let id = Uuid::now_v7();
        let error = Event::builder(&order(), Version::ZERO, "A").id(id).build().unwrap_err();
        assert_eq!(error.field(), "version");
        assert_eq!(error.event_id(), Some(id));
        assert_eq!(error.actor(), Some(&order()));
    }
}
