//! System events: what a decision declares beside its events, as it stands in the actor's log.
//!
//! Their types begin with `aether.`; the actor's `evolve` does not see them. They are events, so that the consumers that
//! set the timers and do the effects can follow them like all others.

use aether_core::{ActorId, Event, InvalidEvent, PayloadError, Version};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use time::OffsetDateTime;

use crate::command_id::CommandId;
use crate::decision::{Declared, Unwritable, When};
use crate::error::ActorError;

/// The type of [`TimerSet`].
pub(crate) const TIMER_SET: &str = "aether.TimerSet";
/// The type of [`TimerCancelled`].
pub(crate) const TIMER_CANCELLED: &str = "aether.TimerCancelled";
/// The type of [`EffectDeclared`].
pub(crate) const EFFECT_DECLARED: &str = "aether.EffectDeclared";

/// A timer was set. The event's id is that of the command that it sends.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TimerSet {
    /// The timer's name; one of the same name is replaced.
    pub(crate) name: String,
    /// When it fires.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
    /// The name of the command.
    pub(crate) command: String,
    /// The command.
    pub(crate) data: Box<RawValue>,
}

/// A timer was cancelled.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TimerCancelled {
    pub(crate) name: String,
}

/// Something is to be done in the world.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EffectDeclared {
    /// The name of the effect's type.
    pub(crate) name: String,
    /// The effect.
    pub(crate) data: Box<RawValue>,
}

/// What a system event changes in what the runtime knows of its actor.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    TimerSet { name: String, id: CommandId },
    TimerCancelled { name: String },
    Nothing,
}

impl Change {
    /// What this system event changes.
    pub(crate) fn of(event: &Event) -> Result<Self, PayloadError> {
        Ok(match event.event_type() {
            TIMER_SET => {
                Self::TimerSet { name: event.data::<TimerSet>()?.name, id: CommandId::from(event.id()) }
            }
            TIMER_CANCELLED => Self::TimerCancelled { name: event.data::<TimerCancelled>()?.name },
            _ => Self::Nothing,
        })
    }
}

/// The system event of something declared.
pub(crate) fn event_of(
    declared: &Declared,
    actor: &ActorId,
    version: Version,
    command: CommandId,
    now: OffsetDateTime,
) -> Result<Event, ActorError> {
    let event = match declared {
        Declared::SetTimer { name, when, command: of, data } => {
            let at = match when {
                When::At(at) => *at,
                When::After(after) => now + *after,
            };
            let data = raw(data, "the command of a timer")?;
            let set = TimerSet { name: name.clone(), at, command: (*of).to_owned(), data };
            build(actor, version, TIMER_SET, &set, command, now)
        }
        Declared::CancelTimer { name } => {
            build(actor, version, TIMER_CANCELLED, &TimerCancelled { name: name.clone() }, command, now)
        }
        Declared::Effect { name, data } => {
            let declared = EffectDeclared { name: (*name).to_owned(), data: raw(data, "an effect")? };
            build(actor, version, EFFECT_DECLARED, &declared, command, now)
        }
    };
    event.map_err(|error| ActorError::Save(std::sync::Arc::new(error.into())))
}

fn build<T: Serialize>(
    actor: &ActorId,
    version: Version,
    event_type: &'static str,
    data: &T,
    command: CommandId,
    now: OffsetDateTime,
) -> Result<Event, InvalidEvent> {
    Event::builder(actor, version, event_type).data(data).command_id(command).timestamp(now).build()
}

fn raw(data: &Result<Box<RawValue>, Unwritable>, what: &'static str) -> Result<Box<RawValue>, ActorError> {
    data.clone().map_err(|error| ActorError::convert(what, error))
}
