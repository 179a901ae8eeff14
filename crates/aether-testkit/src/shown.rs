//! [`Shown`]: what is declared and sent, as it is compared and shown.

use aether_actor::{CommandSent, Declaration, When};
use serde_json::Value;
use time::OffsetDateTime;

use super::compare;

/// A timer, an effect, or a command that is sent.
#[derive(Debug, PartialEq)]
pub(super) enum Shown {
    Timer { name: String, at: OffsetDateTime, command: String, data: Value },
    Cancelled { name: String },
    Effect { name: String, data: Value },
    Sent { to: String, command: String, data: Value },
}

impl Shown {
    #[track_caller]
    pub(super) fn of(declared: Declaration<'_>, now: OffsetDateTime) -> Self {
        match declared {
            Declaration::Timer { name, when, command, data } => Self::Timer {
                name: name.to_owned(),
                at: due(when, now),
                command: command.to_owned(),
                data: value("the command of a timer", data),
            },
            Declaration::Cancelled { name } => Self::Cancelled { name: name.to_owned() },
            Declaration::Effect { name, data } => {
                Self::Effect { name: name.to_owned(), data: value("an effect", data) }
            }
            other => panic!("{other:?} is not known to scenarios"),
        }
    }

    #[track_caller]
    pub(super) fn of_sent(sent: &CommandSent) -> Self {
        Self::Sent {
            to: sent.actor.to_string(),
            command: sent.command.clone(),
            data: compare::read("a command", sent.data.get()),
        }
    }
}

/// When a timer fires that is set now.
#[track_caller]
pub(super) fn due(when: When, now: OffsetDateTime) -> OffsetDateTime {
    match when {
        When::At(at) => at,
        When::After(after) => now + after,
        other => panic!("{other:?} is not known to scenarios"),
    }
}

#[track_caller]
fn value(what: &str, data: Result<&str, &str>) -> Value {
    match data {
        Ok(json) => compare::read(what, json),
        Err(error) => panic!("{what} cannot be written as JSON: {error}"),
    }
}
