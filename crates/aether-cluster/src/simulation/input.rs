//! The inputs of nodes and senders, and the messages between them.

use std::cmp::Ordering;
use std::time::Duration;

use aether_actor::{ActorError, Failure};
use aether_coordination::{CoordinationError, Revision};
use bytes::Bytes;

use super::store::{Ask, Told, Write};
use crate::engine::{Found, Word};
use crate::record::Name;
use crate::routing::wire::{Body, Reply};
use crate::signal::Message;
use crate::{Incarnation, ShardId};

/// What happens to a node.
#[derive(Debug)]
pub(super) enum Input {
    /// It is this late by its own clock.
    Wake(Duration),
    Heard(Message),
    Said {
        from: Incarnation,
        shard: ShardId,
        word: Word,
        since: u64,
    },
    Wrote {
        number: u64,
        name: Name,
        result: Result<Revision, CoordinationError>,
    },
    Looked {
        name: Name,
        found: Result<Found, CoordinationError>,
    },
    LookedAtAll(Result<Vec<(Name, Bytes, Revision)>, CoordinationError>),
    Saw {
        name: Name,
        value: Bytes,
        revision: Revision,
    },
    SawDeleted(Name),
    Listened {
        shard: ShardId,
        number: u32,
    },
    Drained(ShardId),
    /// On the shard's subject.
    Asked {
        shard: ShardId,
        request: Request,
        arrived: Duration,
    },
    /// From the shard's owner of before.
    Forwarded {
        shard: ShardId,
        request: Request,
    },
    Stored {
        actor: usize,
        step: u64,
        told: Told,
    },
    /// The store has not answered.
    AskAgain {
        actor: usize,
        step: u64,
    },
}

/// What happens to somebody who asks.
#[derive(Debug)]
pub(super) enum News {
    Wake(Duration),
    Reply {
        call: u64,
        attempt: u32,
        from: Incarnation,
        answer: Answer,
    },
    /// The own process has answered.
    Here {
        call: u64,
        answer: Answer,
    },
    NoResponders {
        call: u64,
        attempt: u32,
    },
}

#[derive(Debug)]
pub(super) enum Item {
    Node {
        node: usize,
        incarnation: Incarnation,
        input: Input,
    },
    Sender {
        sender: usize,
        news: News,
    },
    /// A write arrives at the keys. Whoever sent it has given up waiting at that time.
    Write {
        node: usize,
        incarnation: Incarnation,
        number: Option<u64>,
        write: Write,
        until: Duration,
    },
    Look {
        node: usize,
        incarnation: Incarnation,
        name: Option<Name>,
    },
    /// What a node asks arrives at the store.
    Store {
        node: usize,
        incarnation: Incarnation,
        actor: usize,
        step: u64,
        ask: Ask,
    },
    /// What was asked is answered, which may be late.
    Stored {
        node: usize,
        incarnation: Incarnation,
        actor: usize,
        step: u64,
        told: Told,
    },
    Listen {
        node: usize,
        incarnation: Incarnation,
        shard: ShardId,
        number: u32,
    },
    Unlisten {
        node: usize,
        incarnation: Incarnation,
        shard: ShardId,
    },
    Start(usize),
}

/// An item and its time; the earliest is the greatest, as heaps want it.
#[derive(Debug)]
pub(super) struct Due {
    pub(super) at: Duration,
    pub(super) number: u64,
    pub(super) item: Item,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

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
