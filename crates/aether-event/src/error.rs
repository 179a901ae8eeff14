//! [`DecodeError`]: why a saved event could not be read.

use std::error::Error;
use std::fmt;

use aether_core::{ActorId, Event, Source, Version};
use uuid::Uuid;

use crate::UpcastError;

/// The reason why a saved event could not be decoded: the event, what is wrong, and what to do.
#[derive(Debug)]
pub struct DecodeError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    /// The name of the enum.
    events: &'static str,
    /// The event: it says its actor, id, type and version.
    event: Event,
    problem: Problem,
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error(
        "no variant has this type; add one, name it by `was` or `retired`, or choose to skip unknown events"
    )]
    Unknown,
    #[error(
        "it was written by a newer version of this program (this one knows version {known} at most); update this \
         program, or choose to skip unknown events"
    )]
    Newer { known: u32 },
    #[error(
        "its data{} is not what the variant has; if the variant was changed, raise its version and add an upcaster",
        step.as_ref().map(|step| format!(", upcast to {step},")).unwrap_or_default()
    )]
    Data { step: Option<String>, source: Source },
    #[error("the upcaster from {step} failed")]
    Upcast { step: String, source: UpcastError },
    #[error("there is no upcaster from {step}; add one")]
    Stuck { step: String },
    #[error("an upcaster leads to {step}, which is not a known variant; name a type that exists")]
    Astray { step: String },
    #[error("the upcasters come by {step} twice, and would go on forever; let one of them lead elsewhere")]
    Circle { step: String },
    #[error("the upcaster from {step} leads to several types; say which by Upcast::split")]
    Ambiguous { step: String },
    #[error("the upcaster from {step} gave {target}, which it does not lead to; declare it behind `=>`")]
    Undeclared { step: String, target: String },
}

impl DecodeError {
    pub(crate) fn new(events: &'static str, event: &Event, problem: Problem) -> Self {
        Self(Box::new(Inner { events, event: event.clone(), problem }))
    }

    /// Returns the actor of the event.
    #[must_use]
    pub fn actor(&self) -> &ActorId {
        self.0.event.actor()
    }

    /// Its id.
    #[must_use]
    pub fn event_id(&self) -> Uuid {
        self.0.event.id()
    }

    /// Its type on the wire.
    #[must_use]
    pub fn event_type(&self) -> &str {
        self.0.event.event_type()
    }

    /// Returns the version of the event among the actor's events.
    #[must_use]
    pub fn version(&self) -> Version {
        self.0.event.version()
    }

    /// Returns whether the code does not know the type, or not this version of it.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self.0.problem, Problem::Unknown | Problem::Newer { .. })
    }

    /// Returns whether newer code wrote the event: its type is known, and its version is later than the code's.
    #[must_use]
    pub fn is_newer(&self) -> bool {
        matches!(self.0.problem, Problem::Newer { .. })
    }

    /// Returns whether the data does not fit the variant.
    #[must_use]
    pub fn is_data(&self) -> bool {
        matches!(self.0.problem, Problem::Data { .. })
    }

    /// Returns whether an upcaster failed or gave an invalid result.
    #[must_use]
    pub fn is_upcast(&self) -> bool {
        !self.is_unknown() && !self.is_data()
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { events, event, problem } = &*self.0;
        let (id, event_type, actor, version) =
            (event.id(), event.event_type(), event.actor(), event.version());
        write!(f, "event {id} of type {event_type} ({actor}, version {version}) is no {events}: {problem}")
    }
}

impl Error for DecodeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.problem.source()
    }
}
