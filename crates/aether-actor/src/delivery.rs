//! [`Delivery`]: how a command comes to its actor, and what its caller has seen of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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

    /// As it is run for somebody elsewhere, who may have sent it to others as well: it is looked for.
    pub(crate) fn travelled(self) -> Self {
        Self { fresh: false, ..self }
    }

    /// As it is sent once more: the command may have been executed, so that is looked for, and its outcome is recorded.
    #[must_use]
    pub fn again(self) -> Self {
        Self { recorded: true, fresh: false, ..self }
    }

    /// Whether this is the first attempt, so that an answer that saves nothing need not be recorded.
    #[must_use]
    pub fn is_first_attempt(&self) -> bool {
        !self.recorded
    }

    /// Whether the id was made just now, and the command was sent nowhere yet: it cannot have been executed in any commit
    /// that is known by now. That is over once it is sent elsewhere: of two attempts that are under way, whichever comes
    /// second has to look for the other one, so this is not to be carried over a wire.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.fresh
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
    /// The sequence of the last commit before which, and in which, the command cannot have been executed; 0 if that is not
    /// known. All that matters of it, so it travels as this, and comes back [`after`](Self::after) it.
    #[must_use]
    pub fn sequence(self) -> u64 {
        match self {
            Self::Ever => 0,
            Self::Commit(sequence) => sequence,
            // The cause stands in this commit; a command that it caused can only stand in a later one.
            Self::Event(position) => position.sequence(),
        }
    }

    /// Since the commit of this sequence; [`Ever`](Self::Ever) if it is 0.
    #[must_use]
    pub fn after(sequence: u64) -> Self {
        match sequence {
            0 => Self::Ever,
            sequence => Self::Commit(sequence),
        }
    }
}

/// The highest sequence that a caller has seen of an actor.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen(Arc<AtomicU64>);

impl Seen {
    /// Of somebody who has seen the actor at this sequence.
    pub(crate) fn of(sequence: u64) -> Self {
        Self(Arc::new(AtomicU64::new(sequence)))
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn raise(&self, sequence: u64) {
        self.0.fetch_max(sequence, Ordering::AcqRel);
    }
}
