//! What a process manager's log says beside its own events, and the commands that it is driven by.

use aether_core::ActorId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::context::Cause;
use crate::{Command, CommandId, Outcome};

/// A command was sent: the event `process.CommandSent` in the log of a process.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CommandSent {
    /// The command's id.
    pub id: CommandId,
    /// Whom it goes to.
    pub actor: ActorId,
    /// The command's name.
    pub command: String,
    /// The command, as JSON.
    pub data: Box<RawValue>,
}

/// A command was answered: the event `process.CommandAnswered` in the log of a process.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CommandAnswered {
    /// The command's id.
    pub id: CommandId,
    pub(super) answer: AnswerRecord,
}

/// What became of a command, as it stands in a log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AnswerRecord {
    /// Executed, with this reply, as JSON.
    Done(Box<RawValue>),
    /// Refused, with this error, as JSON.
    Refused(Box<RawValue>),
    /// Executed; the reply was too large to be kept.
    DoneTooLarge,
}

impl TryFrom<&Outcome> for AnswerRecord {
    type Error = serde_json::Error;

    fn try_from(outcome: &Outcome) -> Result<Self, serde_json::Error> {
        Ok(match outcome {
            Outcome::Done(reply) => Self::Done(serde_json::from_slice(reply)?),
            Outcome::Refused(error) => Self::Refused(serde_json::from_slice(error)?),
            Outcome::DoneTooLarge => Self::DoneTooLarge,
        })
    }
}

/// To a process: an event that concerns it.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReactTo {
    pub(super) cause: Cause,
    pub(super) event: Box<RawValue>,
}

/// To a process: the answer to a command that it has sent.
#[derive(Debug, Serialize, Deserialize)]
pub struct TakeAnswer {
    pub(super) sent: CommandSent,
    pub(super) answer: AnswerRecord,
}

/// To a process, from itself: a timer.
#[derive(Debug, Serialize, Deserialize)]
pub struct TimeOut {
    pub(super) timer: String,
}

impl Command for ReactTo {
    const NAME: &'static str = "process.React";
}

impl Command for TakeAnswer {
    const NAME: &'static str = "process.TakeAnswer";
}

impl Command for TimeOut {
    const NAME: &'static str = "process.TimeOut";
}
