//! What happens next, and to whom.

use std::cmp::Ordering;
use std::time::Duration;

use aether_coordination::{CoordinationError, Revision};
use bytes::Bytes;

use super::keys::Write;
use super::store::{Ask, Told};
use super::wire::{Answer, Request};
use crate::engine::{Found, Word};
use crate::record::Name;
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
