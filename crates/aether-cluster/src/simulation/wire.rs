//! What senders and owners say to each other.

use std::time::Duration;

use aether_actor::{ActorError, Failure};
use bytes::Bytes;

use crate::Incarnation;
use crate::routing::wire::{Body, Reply};

/// What is asked of an actor, which keeps a list of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Append(u64),
    /// Only if the last number is this one.
    AppendAfter {
        last: u64,
        number: u64,
    },
    /// A query, from memory.
    Read,
    /// A linearizable query.
    ReadLatest,
}

impl What {
    pub(super) fn is_query(self) -> bool {
        matches!(self, Self::Read | Self::ReadLatest)
    }
}

/// A list of numbers, as seen: how many there are, and the last one; 0 if there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Seen {
    pub(super) count: u64,
    pub(super) last: u64,
}

/// What has come of a command or query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The number was appended, so that the list is like this.
    Done(Seen),
    /// It was not, since the list is like this.
    Refused(Seen),
    /// The list is like this.
    Told(Seen),
}

/// One attempt at a command or query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Request {
    pub(super) sender: usize,
    /// Which of the sender's calls it is part of.
    pub(super) call: u64,
    pub(super) attempt: u32,
    /// The command's id.
    pub(super) id: u64,
    pub(super) actor: usize,
    pub(super) what: What,
    pub(super) to: Option<Incarnation>,
    pub(super) recorded: bool,
    pub(super) seen: u64,
    /// How much time was left when it was sent; and until when that is, by the clock of the node that has it.
    pub(super) left: Duration,
    pub(super) deadline: Duration,
    /// Asked by the process itself: no network, and no second attempt.
    pub(super) local: bool,
    /// When it was sent, in true time: for the judge alone.
    pub(super) sent: Duration,
}

/// What is answered to one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Outcome {
        outcome: Outcome,
        sequence: u64,
        recorded: bool,
    },
    /// Not begun here, and who acts as far as this node knows.
    Again(Option<Incarnation>),
    Overloaded,
    Expired,
    /// Begun, and nothing was saved.
    Failed,
}

impl Answer {
    /// As a node sends it.
    pub(super) fn reply(self, from: Incarnation) -> Reply {
        let (recorded, sequence, body) = match self {
            Self::Outcome { outcome: Outcome::Done(seen), sequence, recorded } => {
                (recorded, sequence, Body::Done(seen.write()))
            }
            Self::Outcome { outcome: Outcome::Refused(seen), sequence, recorded } => {
                (recorded, sequence, Body::Refused(seen.write()))
            }
            Self::Outcome { outcome: Outcome::Told(seen), sequence, recorded } => {
                (recorded, sequence, Body::Told(seen.write()))
            }
            Self::Again(owner) => (false, 0, Body::Again(owner)),
            Self::Overloaded => (false, 0, Body::Overloaded),
            Self::Expired => (false, 0, Body::Expired),
            Self::Failed => (false, 0, Body::Failed(Failure::from(&ActorError::Contended { attempts: 1 }))),
        };
        Reply { from, recorded, sequence, body }
    }
}

impl Seen {
    fn write(self) -> Bytes {
        [self.count.to_le_bytes(), self.last.to_le_bytes()].concat().into()
    }

    pub(super) fn read(bytes: &[u8]) -> Self {
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let (count, last) = bytes.split_at(bytes.len() / 2);
        Self { count: number(count), last: number(last) }
    }
}
