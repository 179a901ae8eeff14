//! [`AskError`] and [`ActorError`]: why there is no reply; [`StartError`]: why there is no system.

use std::sync::Arc;

use aether_core::{
    ActorId, InvalidActorId, ReadError, SaveError, SnapshotError, Source, TimerError, Version,
};
use aether_event::{DecodeError, InvalidEvents};
use aether_group::GroupError;

use crate::command_id::CommandId;

/// Why an ask has no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError<E: std::error::Error + 'static> {
    /// The actor has refused. That is an answer like any other: it was true.
    #[error(transparent)]
    Refused(E),
    /// The actor could not be asked, or its answer is not known.
    #[error(transparent)]
    Failed(#[from] ActorError),
}

impl<E: std::error::Error + 'static> AskError<E> {
    /// The actor's own error, if it has refused.
    #[must_use]
    pub fn refusal(&self) -> Option<&E> {
        match self {
            Self::Refused(error) => Some(error),
            Self::Failed(_) => None,
        }
    }

    /// What went wrong, if the actor has not answered.
    #[must_use]
    pub fn failure(&self) -> Option<&ActorError> {
        match self {
            Self::Refused(_) => None,
            Self::Failed(error) => Some(error),
        }
    }
}

/// Why an actor could not be asked, or why its answer is not known.
///
/// Whether the command may have been executed is what [`is_unknown`](Self::is_unknown) says; in all other cases nothing
/// was saved for it.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ActorError {
    /// The key does not make an id.
    #[error(transparent)]
    InvalidActor(#[from] InvalidActorId),
    /// The system was started without this kind of actor.
    #[error(
        "no actor of category {category} is registered: add `.actor::<…>()` to the builder of the system"
    )]
    NotRegistered {
        /// The category.
        category: String,
    },
    /// The actor has no such command or query.
    #[error(
        "an actor of category {category} takes no {name:?}: it was written by another version of the program"
    )]
    NotListed {
        /// The category.
        category: &'static str,
        /// The name of the command or query.
        name: String,
    },
    /// A command, a reply or an error cannot be written as JSON, or read from it.
    #[error("{what} cannot be converted")]
    Convert {
        /// What it is.
        what: &'static str,
        /// Why.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The deadline has passed. The command may have been executed, or may still be: send it again with its id to find
    /// out.
    #[error("no answer within the deadline; command {id} may have been executed: send it again with its id")]
    TimedOut {
        /// The command.
        id: CommandId,
    },
    /// The actor's mailbox was full until the deadline. Nothing was begun.
    #[error("the mailbox of the actor is full ({capacity} commands); nothing was begun, try again later")]
    Overloaded {
        /// How many commands it takes.
        capacity: usize,
    },
    /// The command's deadline had passed before its turn came. Nothing was begun.
    #[error("the deadline had passed before the command's turn came; nothing was begun")]
    Expired,
    /// `decide`, `evolve` or `answer` panicked. Nothing was saved; the actor is loaded again.
    #[error("the actor panicked: {message}; nothing was saved")]
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// The actor's history cannot be replayed, so it takes no commands until the program is mended or
    /// [`unpark`](crate::ActorSystem::unpark) is called.
    #[error("the actor is parked: its history cannot be replayed")]
    Parked(#[source] Arc<Poison>),
    /// Whether the command was executed before cannot be told any more: it is too long ago. Nothing was done now.
    #[error(
        "whether command {id} was executed before cannot be told any more; nothing was done now: look at the actor"
    )]
    WindowPassed {
        /// The command.
        id: CommandId,
    },
    /// The command was executed before, and its reply was too large to be kept.
    #[error("command {id} was executed before; its reply was too large to be kept")]
    AlreadyDone {
        /// The command.
        id: CommandId,
    },
    /// The command was that of a timer which has been cancelled or replaced since. Nothing was done.
    #[error("the timer has been cancelled or replaced since; nothing was done")]
    TimerGone,
    /// A transaction names an actor twice.
    #[error("the transaction names {actor} twice")]
    SameActorTwice {
        /// The actor.
        actor: ActorId,
    },
    /// Others were faster, again and again. Nothing was saved.
    #[error("others were faster {attempts} times in a row; nothing was saved, try again")]
    Contended {
        /// How often it was decided.
        attempts: u32,
    },
    /// The store refused, or could not be asked.
    #[error("the decision was not saved")]
    Save(#[source] Arc<SaveError>),
    /// The actor could not be loaded.
    #[error("the actor could not be loaded")]
    Load(#[source] Arc<LoadError>),
    /// The system is stopping, and the command was not begun.
    #[error("the system is stopping; the command was not begun")]
    Stopped,
    /// A timer or an effect was declared, and the system was started without what it needs.
    #[error(
        "the decision declares {what}, for which the system was started without {needs}; nothing was saved"
    )]
    NotProvided {
        /// What was declared.
        what: String,
        /// What is missing.
        needs: &'static str,
    },
    /// The process that acts for the actor could not answer, for a reason whose cause does not travel, or that this version
    /// of the program does not know.
    #[error("the process that acts for the actor has failed: {message}")]
    Elsewhere {
        /// What it said, with its causes.
        message: String,
        /// Whether the command may have been executed.
        unknown: bool,
        /// Whether the same command may succeed later.
        retryable: bool,
    },
    /// A fault of the runtime itself: something happened that must not be possible. Whether the command was executed is not
    /// known.
    #[error(
        "a fault of the actor runtime: {what}; whether the command was executed is not known; please report it"
    )]
    Internal {
        /// What happened.
        what: &'static str,
    },
}

impl ActorError {
    /// Whether the command may have been executed. To find out, send it again with its id.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::TimedOut { .. } | Self::Internal { .. } | Self::Elsewhere { unknown: true, .. })
            || matches!(self, Self::Save(error) if matches!(**error, SaveError::UnknownOutcome(_)))
    }

    /// Whether the same command may succeed later; with its id, if [`is_unknown`](Self::is_unknown).
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::TimedOut { .. }
            | Self::Overloaded { .. }
            | Self::Expired
            | Self::Contended { .. }
            | Self::Stopped => true,
            Self::Elsewhere { retryable, .. } => *retryable,
            Self::Save(error) => error.is_retryable(),
            Self::Load(error) => error.is_retryable(),
            _ => false,
        }
    }

    pub(crate) fn convert(
        what: &'static str,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::Convert { what, source: Arc::new(source) }
    }

    /// One word for metrics.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::TimedOut { .. } => "timed_out",
            Self::Overloaded { .. } => "overloaded",
            Self::Expired => "expired",
            Self::Panicked { .. } => "panicked",
            Self::Parked(_) => "parked",
            Self::Contended { .. } => "contended",
            Self::Stopped => "stopped",
            Self::TimerGone => "gone",
            _ => "failed",
        }
    }
}

// For tests: the cause does not count.
impl PartialEq for ActorError {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for ActorError {}

/// Why an actor's state could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The snapshots could not be read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The history cannot be replayed.
    #[error("the history cannot be replayed")]
    Poison(#[source] Arc<Poison>),
}

impl From<Poison> for LoadError {
    fn from(poison: Poison) -> Self {
        Self::Poison(Arc::new(poison))
    }
}

impl LoadError {
    /// Whether loading again may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Read(error) => error.is_retryable(),
            Self::Snapshot(error) => error.is_retryable(),
            Self::Poison(_) => false,
        }
    }
}

/// Why a history cannot be replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Poison {
    /// An event cannot be read as one of the actor's.
    #[error("an event of its history cannot be read")]
    Event(#[from] DecodeError),
    /// `evolve` panicked.
    #[error("`evolve` panicked at version {version} ({event_type}): {message}")]
    Panicked {
        /// The version of the event.
        version: Version,
        /// Its type.
        event_type: String,
        /// The panic's message.
        message: String,
    },
    /// The note of a commit, or a system event, cannot be read.
    #[error("what was recorded beside version {version} cannot be read: {what}")]
    Record {
        /// The actor's version after the commit.
        version: Version,
        /// What is wrong.
        what: String,
    },
}

/// Why a system could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A category is empty, or has a `-`.
    #[error("the category {category:?} of {actor} is not valid: it must not be empty, nor contain `-`")]
    Category {
        /// The type.
        actor: &'static str,
        /// Its category.
        category: &'static str,
    },
    /// Two kinds of actors have one category.
    #[error("{} and {} have the same category {category}: their events would mix", actors[0], actors[1])]
    SameCategory {
        /// The category.
        category: &'static str,
        /// The types.
        actors: [&'static str; 2],
    },
    /// Two commands, or two queries, of an actor have one name.
    #[error("{actor} has two commands or two queries of the name {name}: give one another name")]
    SameName {
        /// The type.
        actor: &'static str,
        /// The name.
        name: &'static str,
    },
    /// The names, versions or upcasters of an actor's events make no sense.
    #[error("the events of {actor} are not valid")]
    Events {
        /// The type.
        actor: &'static str,
        /// What is wrong with them.
        #[source]
        source: InvalidEvents,
    },
    /// Something sends commands to actors that the system was not given.
    #[error(
        "{needed_by} sends commands to actors of category {category}: register them with `.actor::<…>()`"
    )]
    Missing {
        /// What sends them.
        needed_by: String,
        /// The category of the actors.
        category: &'static str,
    },
    /// A consumer group could not be joined.
    #[error("the consumer group could not be joined")]
    Group(#[from] GroupError),
    /// The timers could not be opened.
    #[error("the timers could not be opened")]
    Timers(#[from] TimerError),
    /// Something else that was to be started is not valid.
    #[error("{what} could not be started")]
    Other {
        /// What it is.
        what: String,
        /// Why.
        #[source]
        source: Source,
    },
}
