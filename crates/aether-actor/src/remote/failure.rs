//! [`Failure`]: an [`ActorError`] on its way from one process to another.

use std::error::Error;

use serde::{Deserialize, Serialize};

use crate::error::ActorError;

/// An [`ActorError`] on its way from one process to another.
///
/// Its code is a stable word. What a program of another version cannot read as one of its own errors, and what rests on a
/// cause that does not travel, becomes [`ActorError::Elsewhere`], which says as much as a caller has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Which error it is.
    code: String,
    /// What it says, with its causes.
    message: String,
    /// Whether the command may have been executed.
    unknown: bool,
    /// Whether it may succeed later.
    retryable: bool,
    /// What the error consists of, as texts, in the order of [`parts`].
    parts: Vec<String>,
}

impl Failure {
    /// The stable word for which error it is.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }
}

impl From<&ActorError> for Failure {
    fn from(error: &ActorError) -> Self {
        let (code, parts) = parts(error);
        Self {
            code: code.to_owned(),
            message: message(error),
            unknown: error.is_unknown(),
            retryable: error.is_retryable(),
            parts,
        }
    }
}

impl From<Failure> for ActorError {
    fn from(failure: Failure) -> Self {
        let Failure { code, message, unknown, retryable, parts } = failure;
        rebuild(&code, &parts).unwrap_or(Self::Elsewhere { message, unknown, retryable })
    }
}

/// The word for an error, and what it consists of if it can be made again from that.
fn parts(error: &ActorError) -> (&'static str, Vec<String>) {
    match error {
        ActorError::InvalidActor(_) => ("invalid_actor", vec![]),
        ActorError::NotRegistered { category } => ("not_registered", vec![category.clone()]),
        ActorError::NotListed { .. } => ("not_listed", vec![]),
        ActorError::Convert { .. } => ("convert", vec![]),
        ActorError::TimedOut { id } => ("timed_out", vec![id.to_string()]),
        ActorError::Overloaded { capacity } => ("overloaded", vec![capacity.to_string()]),
        ActorError::Expired => ("expired", vec![]),
        ActorError::Panicked { message } => ("panicked", vec![message.clone()]),
        ActorError::Parked(_) => ("parked", vec![]),
        ActorError::WindowPassed { id } => ("window_passed", vec![id.to_string()]),
        ActorError::AlreadyDone { id } => ("already_done", vec![id.to_string()]),
        ActorError::TimerGone => ("timer_gone", vec![]),
        ActorError::SameActorTwice { actor } => ("same_actor_twice", vec![actor.to_string()]),
        ActorError::Contended { attempts } => ("contended", vec![attempts.to_string()]),
        ActorError::Save(_) => ("save", vec![]),
        ActorError::Load(_) => ("load", vec![]),
        ActorError::Stopped => ("stopped", vec![]),
        ActorError::NotProvided { .. } => ("not_provided", vec![]),
        ActorError::Elsewhere { .. } => ("elsewhere", vec![]),
        ActorError::Internal { .. } => ("internal", vec![]),
    }
}

/// The error that a word and its parts stand for; `None` if they stand for none that can be made again.
fn rebuild(code: &str, parts: &[String]) -> Option<ActorError> {
    Some(match (code, parts) {
        ("not_registered", [category]) => ActorError::NotRegistered { category: category.clone() },
        ("timed_out", [id]) => ActorError::TimedOut { id: id.parse().ok()? },
        ("overloaded", [capacity]) => ActorError::Overloaded { capacity: capacity.parse().ok()? },
        ("expired", []) => ActorError::Expired,
        ("panicked", [message]) => ActorError::Panicked { message: message.clone() },
        ("window_passed", [id]) => ActorError::WindowPassed { id: id.parse().ok()? },
        ("already_done", [id]) => ActorError::AlreadyDone { id: id.parse().ok()? },
        ("timer_gone", []) => ActorError::TimerGone,
        ("same_actor_twice", [actor]) => ActorError::SameActorTwice { actor: actor.parse().ok()? },
        ("contended", [attempts]) => ActorError::Contended { attempts: attempts.parse().ok()? },
        ("stopped", []) => ActorError::Stopped,
        _ => return None,
    })
}

/// What an error says, and what its causes say that it does not say itself.
fn message(error: &ActorError) -> String {
    if let ActorError::Elsewhere { message, .. } = error {
        return message.clone();
    }
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !message.ends_with(&said) {
            message.push_str(": ");
            message.push_str(&said);
        }
        cause = error.source();
    }
    message
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aether_core::{ActorId, SaveError, SnapshotError, Version};

    use super::*;
    use crate::{CommandId, LoadError, Poison};

    fn poison() -> Arc<Poison> {
        Arc::new(Poison::Record { version: Version::new(3), what: "torn".into() })
    }

    /// One of each, in the order of their declaration.
    fn every() -> Vec<ActorError> {
        let (id, message) = (CommandId::new(), String::from("boom"));
        vec![
            ActorError::InvalidActor(aether_core::InvalidActorId::Empty),
            ActorError::NotRegistered { category: "order".into() },
            ActorError::NotListed { category: "order", name: "Place".into() },
            ActorError::convert("a reply", std::io::Error::other("not JSON")),
            ActorError::TimedOut { id },
            ActorError::Overloaded { capacity: 1024 },
            ActorError::Expired,
            ActorError::Panicked { message: message.clone() },
            ActorError::Parked(poison()),
            ActorError::WindowPassed { id },
            ActorError::AlreadyDone { id },
            ActorError::TimerGone,
            ActorError::SameActorTwice { actor: ActorId::new("order-1").unwrap() },
            ActorError::Contended { attempts: 64 },
            ActorError::Save(Arc::new(SaveError::UnknownOutcome("cut off".into()))),
            ActorError::Save(Arc::new(SaveError::Unavailable("no leader".into()))),
            ActorError::Load(Arc::new(LoadError::Poison(poison()))),
            ActorError::Load(Arc::new(LoadError::Snapshot(SnapshotError::Unavailable("no leader".into())))),
            ActorError::Stopped,
            ActorError::NotProvided { what: "the timer \"t\"".into(), needs: "timers" },
            ActorError::Elsewhere { message, unknown: true, retryable: true },
            ActorError::Internal { what: "it was settled before it was decided" },
        ]
    }

    fn travelled(error: &ActorError) -> ActorError {
        let json = serde_json::to_vec(&Failure::from(error)).unwrap();
        serde_json::from_slice::<Failure>(&json).unwrap().into()
    }

    #[test]
    fn every_error_arrives_as_itself_or_says_as_much() {
        for error in every() {
            let arrived = travelled(&error);
            assert_eq!(arrived.is_unknown(), error.is_unknown(), "{error}");
            assert_eq!(arrived.is_retryable(), error.is_retryable(), "{error}");
            match &arrived {
                ActorError::Elsewhere { message, .. } => {
                    assert!(message.contains(&error.to_string()) || arrived == error, "{message}");
                    assert_eq!(travelled(&arrived), arrived, "it grows on its way");
                }
                other => assert_eq!(other, &error),
            }
        }
    }

    #[test]
    fn codes_are_stable() {
        let codes: Vec<_> = every().iter().map(|error| Failure::from(error).code).collect();
        let expected = "invalid_actor not_registered not_listed convert timed_out overloaded expired panicked \
                        parked window_passed already_done timer_gone same_actor_twice contended save save load \
                        load stopped not_provided elsewhere internal";
        assert_eq!(codes.join(" "), expected);
    }

    #[test]
    fn what_callers_tell_apart_arrives_as_itself() {
        let lost = [
            "invalid_actor",
            "not_listed",
            "convert",
            "parked",
            "save",
            "load",
            "not_provided",
            "elsewhere",
            "internal",
        ];
        for error in every() {
            let is_lost = lost.contains(&Failure::from(&error).code());
            assert_eq!(matches!(travelled(&error), ActorError::Elsewhere { .. }), is_lost, "{error}");
        }
    }

    #[test]
    fn the_causes_are_told() {
        let arrived = travelled(&ActorError::convert("a reply", std::io::Error::other("not JSON")));
        assert!(arrived.to_string().ends_with("a reply cannot be converted: not JSON"), "{arrived}");
    }

    #[test]
    fn an_error_of_a_later_version_says_what_it_can() {
        let json = r#"{"code":"melted","message":"too hot","unknown":true,"retryable":false,"parts":["7"]}"#;
        let arrived = ActorError::from(serde_json::from_str::<Failure>(json).unwrap());
        assert!(arrived.is_unknown() && !arrived.is_retryable());
        assert!(arrived.to_string().ends_with("too hot"), "{arrived}");
        // A known one whose parts have changed.
        let json =
            r#"{"code":"contended","message":"others","unknown":false,"retryable":true,"parts":["x"]}"#;
        let arrived = ActorError::from(serde_json::from_str::<Failure>(json).unwrap());
        assert_eq!(
            arrived,
            ActorError::Elsewhere { message: "others".into(), unknown: false, retryable: true }
        );
    }
}
