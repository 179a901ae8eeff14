//! What a process manager reacts to, and in: [`Cause`], [`ReactContext`], [`ProcessContext`], and [`Answered`].

use std::fmt;

use aether_core::{ActorId, Position, RecordedEvent, Version};
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::event::{AnswerRecord, CommandSent};
use crate::actor::{Command, Handle};
use crate::command_id::CommandId;
use crate::error::{ActorError, AskError};

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

/// The answer to a command that a process has sent.
#[derive(Debug, Clone)]
pub struct Answered {
    pub(super) sent: CommandSent,
    pub(super) answer: AnswerRecord,
}

impl Answered {
    /// An answer of the actor of this key; for tests of process managers.
    ///
    /// # Errors
    /// [`ActorError`] if the key makes no id, or something cannot be written as JSON.
    pub fn new<A: Handle<C>, C: Command>(
        key: impl fmt::Display,
        command: &C,
        answer: Result<A::Reply, A::Error>,
    ) -> Result<Self, ActorError> {
        let json = |error| ActorError::convert("an answer", error);
        let sent = CommandSent {
            id: CommandId::new(),
            actor: ActorId::new(format!("{}-{key}", A::CATEGORY))?,
            command: C::NAME.to_owned(),
            data: to_raw_value(command).map_err(json)?,
        };
        let answer = match &answer {
            Ok(reply) => AnswerRecord::Done(to_raw_value(reply).map_err(json)?),
            Err(error) => AnswerRecord::Refused(to_raw_value(error).map_err(json)?),
        };
        Ok(Self { sent, answer })
    }

    /// Who has answered.
    #[must_use]
    pub fn actor(&self) -> &ActorId {
        &self.sent.actor
    }

    /// The name of the command.
    #[must_use]
    pub fn command_name(&self) -> &str {
        &self.sent.command
    }

    /// The command's id.
    #[must_use]
    pub fn command_id(&self) -> CommandId {
        self.sent.id
    }

    /// Whether the command was refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self.answer, AnswerRecord::Refused(_))
    }

    /// The answer, if it is one to this command by these actors. It is what an [`ask`](crate::ActorRef::ask) would have
    /// said: a reply, a refusal, or, where the reply was too large to be kept or cannot be read any more, what is wrong with
    /// it; the command was executed then.
    #[must_use]
    pub fn of<A: Handle<C>, C: Command>(&self) -> Option<Result<A::Reply, AskError<A::Error>>> {
        if !self.is_of::<A, C>() {
            return None;
        }
        let unreadable = |error| AskError::from(ActorError::convert("a recorded answer", error));
        Some(match &self.answer {
            AnswerRecord::Done(reply) => serde_json::from_str(reply.get()).map_err(unreadable),
            AnswerRecord::Refused(error) => {
                Err(serde_json::from_str(error.get()).map_or_else(unreadable, AskError::Refused))
            }
            AnswerRecord::DoneTooLarge => Err(ActorError::AlreadyDone { id: self.sent.id }.into()),
        })
    }

    /// The command that was sent, if it is this one and went to these actors.
    #[must_use]
    pub fn command<A: Handle<C>, C: Command>(&self) -> Option<C> {
        self.is_of::<A, C>().then(|| serde_json::from_str(self.sent.data.get()).ok()).flatten()
    }

    fn is_of<A: Handle<C>, C: Command>(&self) -> bool {
        self.sent.actor.category() == A::CATEGORY && self.sent.command == C::NAME
    }
}
