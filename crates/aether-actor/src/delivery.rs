//! [`Delivery`]: how a command comes to its actor.

use aether_core::{Context, Position};
use tokio::time::Instant;

use crate::CommandId;

/// How a command comes to its actor: beside the command itself, what makes it happen once and in time.
///
/// For whoever sends commands by name ([`ActorSystem::send`](crate::ActorSystem::send)); an
/// [`ask`](crate::ActorRef::ask) makes its own.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Delivery {
    /// The command's id.
    pub id: CommandId,
    /// Before which commit the command cannot have been executed.
    pub since: Since,
    /// Whether the outcome is recorded also if nothing is saved; to be set on everything that is sent again.
    pub recorded: bool,
    /// Until when it is begun, and answered.
    pub deadline: Instant,
    /// The conversation and the cause of the command.
    pub context: Option<Context>,
    /// The timer that sends it: it is executed only if that timer is set, and not another one in its place.
    pub timer: Option<String>,
    /// Whether nobody else can have the id.
    fresh: bool,
}

impl Delivery {
    /// A delivery of the command with this id, which may have been executed before.
    #[must_use]
    pub fn new(id: CommandId, since: Since, deadline: Instant) -> Self {
        let context = Context::current();
        Self { id, since, recorded: true, deadline, context, timer: None, fresh: false }
    }

    /// A command that is new: its id was made just now.
    pub(crate) fn fresh(deadline: Instant) -> Self {
        Self { recorded: false, fresh: true, ..Self::new(CommandId::new(), Since::Ever, deadline) }
    }

    /// Whether it may have been executed before, or may be elsewhere at the same time.
    pub(crate) fn may_be_known(&self) -> bool {
        !self.fresh
    }
}

/// Since when a command may have been executed, if it was: how far back that is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Since {
    /// Since always: all of the actor's commits are looked through, up to the limit.
    #[default]
    Ever,
    /// Since this event: what caused the command.
    Event(Position),
    /// Since the commit of this sequence: what the caller had seen when it made the command's id, as
    /// [`ActorRef::since`](crate::ActorRef::since) says.
    Commit(u64),
}

impl Since {
    /// The sequence of the last commit before which the command cannot have been executed.
    pub(crate) fn sequence(self) -> u64 {
        match self {
            Self::Ever => 0,
            Self::Commit(sequence) => sequence,
            // The cause stands in this commit; a command that it caused can only stand in a later one.
            Self::Event(position) => position.sequence(),
        }
    }
}
