//! [`Cause`], [`ReactContext`] and [`ProcessContext`]: what a process manager reacts in.

use aether_core::{ActorId, Position, RecordedEvent, Version};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

/// Which event a process manager reacts to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Cause {
    /// Whom it happened to.
    pub actor: ActorId,
    /// The event's id.
    pub event_id: Uuid,
    /// Where it stands among the actor's events.
    pub version: Version,
    /// Where it stands among all events.
    pub position: Position,
    /// When it was recorded, by the store's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub recorded_at: OffsetDateTime,
    /// The conversation that it is part of.
    pub correlation_id: Option<String>,
}

impl Cause {
    /// The event as a cause.
    #[must_use]
    pub fn of(event: &RecordedEvent) -> Self {
        Self {
            actor: event.actor().clone(),
            event_id: event.id(),
            version: event.version(),
            position: event.position,
            recorded_at: event.recorded_at,
            correlation_id: event.metadata().correlation_id.clone(),
        }
    }

    /// The actor's key; empty if it has none.
    #[must_use]
    pub fn key(&self) -> &str {
        self.actor.key().unwrap_or_default()
    }
}

/// What a process reacts to an event in.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ReactContext {
    /// The event.
    pub cause: Cause,
    /// The process.
    pub process: ActorId,
    /// The time, by the system's clock.
    pub now: OffsetDateTime,
}

impl ReactContext {
    /// A context; for tests of process managers.
    #[must_use]
    pub fn new(process: ActorId, cause: Cause, now: OffsetDateTime) -> Self {
        Self { cause, process, now }
    }

    /// The key of the process.
    #[must_use]
    pub fn key(&self) -> &str {
        self.process.key().unwrap_or_default()
    }
}

/// What a process reacts to an answer or a timer in.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ProcessContext {
    /// The process.
    pub process: ActorId,
    /// The time, by the system's clock.
    pub now: OffsetDateTime,
}

impl ProcessContext {
    /// A context; for tests of process managers.
    #[must_use]
    pub fn new(process: ActorId, now: OffsetDateTime) -> Self {
        Self { process, now }
    }

    /// The key of the process.
    #[must_use]
    pub fn key(&self) -> &str {
        self.process.key().unwrap_or_default()
    }
}
