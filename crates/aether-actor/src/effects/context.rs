//! [`EffectContext`]: what is known of an effect beside itself.

use aether_core::{ActorId, RecordedEvent};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::CommandId;

/// What is known of an effect beside itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EffectContext {
    /// What makes the effect the same one when it comes again, for whoever does it: the idempotency key of a request, the
    /// message id of a mail.
    pub id: Uuid,
    /// The actor whose decision it is.
    pub actor: ActorId,
    /// The command that led to it.
    pub command_id: Option<CommandId>,
    /// Which attempt this is, from 1 on, as far as this process has counted: another one may have tried before.
    pub attempt: u32,
    /// When the decision was saved, by the store's clock.
    pub recorded_at: OffsetDateTime,
    /// The conversation that it is part of.
    pub correlation_id: Option<String>,
}

impl EffectContext {
    /// The first attempt at an effect of an actor; for tests of handlers.
    #[must_use]
    pub fn new(id: Uuid, actor: ActorId, recorded_at: OffsetDateTime) -> Self {
        Self { id, actor, command_id: None, attempt: 1, recorded_at, correlation_id: None }
    }

    pub(super) fn of(event: &RecordedEvent, attempt: u32) -> Self {
        let metadata = event.metadata();
        Self {
            command_id: metadata.command_id.as_ref().and_then(|id| id.parse().ok()),
            attempt,
            correlation_id: metadata.correlation_id.clone(),
            ..Self::new(event.id(), event.actor().clone(), event.recorded_at)
        }
    }
}
