//! What the campaign tells its workers, and what they say, line by line.

use aether_actor::CommandId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::bank::Refusal;

/// A transfer that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Also what the command's id is.
    pub(crate) id: Uuid,
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) cents: u64,
    pub(crate) way: Way,
}

impl Order {
    pub(crate) fn command(&self) -> CommandId {
        self.id.into()
    }
}

/// How it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Way {
    /// By a process.
    Process,
    /// In one transaction.
    Transaction,
}

/// A line to a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) order: Order,
    /// The how-manieth time it is sent.
    pub(crate) attempt: u32,
    /// To die as soon as it is saved, without a word.
    pub(crate) last: bool,
}

/// A line of a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Said {
    /// It is at work.
    Ready,
    /// An order was answered.
    Answered { id: Uuid, attempt: u32, answer: Answer },
    /// A receipt was handed out.
    Receipt { effect: Uuid, transfer: Uuid },
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// So much is left.
    Done {
        left: u64,
    },
    Refused(Refusal),
    /// Whether it was executed cannot be told any more.
    WindowPassed,
    /// To be sent again.
    NotYet(String),
    /// What should not be.
    Failed(String),
}
