//! [`InvalidEvent`]: an event or a commit that no store may keep.

use std::fmt;

use uuid::Uuid;

use super::Source;
use crate::commit::MAX_ACTORS;
use crate::{ActorId, Event};

/// An event, or a commit of events, that breaks a rule which holds whatever is stored.
#[derive(Debug)]
pub struct InvalidEvent(Box<Inner>);

#[derive(Debug)]
struct Inner {
    rule: Rule,
    actor: Option<ActorId>,
    event_id: Option<Uuid>,
    source: Option<Source>,
}

/// The rule that an event or a commit breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// An event's version is at least 1.
    VersionZero,
    /// The versions of one actor's events in a commit are strictly ascending.
    VersionsNotAscending,
    /// An event type has 1 to [`Event::MAX_TYPE_LEN`] bytes.
    TypeLength {
        /// The length of this one, in bytes.
        length: usize,
    },
    /// The data of an event must be what its content type says.
    Data,
    /// A timestamp lies in the years 0 to 9999.
    TimestampOutOfRange,
    /// The events of a commit have different ids.
    DuplicateId,
    /// A commit has at least one event, or a note.
    EmptyCommit,
    /// An actor's part of a commit that has no events for it is saved [`At`](crate::Expected::At) a head: nothing else
    /// makes it recognisable when it is sent again.
    NoEventsWithoutHead,
    /// A commit is over at most 100 actors.
    TooManyActors {
        /// The number of them.
        actors: usize,
    },
}

impl Rule {
    fn field(&self) -> &'static str {
        match self {
            Self::VersionZero | Self::VersionsNotAscending => "version",
            Self::TypeLength { .. } => "event_type",
            Self::Data => "data",
            Self::TimestampOutOfRange => "timestamp",
            Self::DuplicateId => "id",
            Self::EmptyCommit => "events",
            Self::NoEventsWithoutHead => "expected",
            Self::TooManyActors { .. } => "actors",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VersionZero => f.write_str("a version is at least 1"),
            Self::VersionsNotAscending => {
                f.write_str("the versions of an actor's events in a commit are strictly ascending")
            }
            Self::TypeLength { length } => {
                write!(f, "an event type has 1 to {} bytes, this one has {length}", Event::MAX_TYPE_LEN)
            }
            Self::Data => f.write_str("the data is what its content type says"),
            Self::TimestampOutOfRange => f.write_str("a timestamp lies in the years 0 to 9999"),
            Self::DuplicateId => f.write_str("the events of a commit have different ids"),
            Self::EmptyCommit => f.write_str("a commit has at least one event or a note"),
            Self::NoEventsWithoutHead => {
                f.write_str("without events, a commit is saved Expected::At the head that it was decided on")
            }
            Self::TooManyActors { actors } => {
                write!(f, "a commit is over at most {MAX_ACTORS} actors, this one is over {actors}")
            }
        }
    }
}

impl InvalidEvent {
    pub(crate) fn new(rule: Rule) -> Self {
        Self(Box::new(Inner { rule, actor: None, event_id: None, source: None }))
    }

    pub(crate) fn of_actor(rule: Rule, actor: &ActorId) -> Self {
        Self(Box::new(Inner { rule, actor: Some(actor.clone()), event_id: None, source: None }))
    }

    pub(crate) fn of_event(rule: Rule, actor: &ActorId, event_id: Uuid) -> Self {
        Self(Box::new(Inner { rule, actor: Some(actor.clone()), event_id: Some(event_id), source: None }))
    }

    pub(crate) fn because(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The rule that is broken.
    #[must_use]
    pub fn rule(&self) -> &Rule {
        &self.0.rule
    }

    /// The field that breaks it.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.0.rule.field()
    }

    /// The actor whose event it is, if it is one actor's.
    #[must_use]
    pub fn actor(&self) -> Option<&ActorId> {
        self.0.actor.as_ref()
    }

    /// The event, if it is one event's.
    #[must_use]
    pub fn event_id(&self) -> Option<Uuid> {
        self.0.event_id
    }
}

impl fmt::Display for InvalidEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.event_id, &self.0.actor) {
            (Some(id), Some(actor)) => write!(f, "invalid event {id} of {actor}")?,
            (_, Some(actor)) => write!(f, "invalid commit of {actor}")?,
            _ => f.write_str("invalid commit")?,
        }
        write!(f, ", field `{}`: {}", self.field(), self.0.rule)
    }
}

impl std::error::Error for InvalidEvent {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
