//! [`Seat`]: a member's dealings with one partition.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use aether_coordination::{Condition, Revision};
use aether_core::{ActorId, Position, Version};
use bytes::Bytes;

use super::Known;
use super::letters::{Job, Pending};
use crate::record::{Record, Request};
use crate::{Epoch, Parked, Partition};

/// How far a member is with a partition. It goes from one to the next and begins again; from `Claiming` back to `Empty`
/// if somebody else was faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// It has nothing to do with it.
    Empty,
    /// A claim is being written.
    Claiming,
    /// The handler is told.
    Opening,
    /// It is at work.
    Held,
    /// The handler is told that it is over.
    Closing,
    /// That it is free is being written.
    Releasing,
}

/// Why a member leaves a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// It releases it.
    Release,
    /// Somebody else has it.
    Lost,
}

/// A record that is being written, again and again until the outcome is known.
#[derive(Debug)]
pub(super) struct Put {
    pub(super) record: Record,
    pub(super) value: Bytes,
    pub(super) condition: Condition,
    /// How many of the pending changes it has.
    pub(super) pending: usize,
    /// When it is to be sent again, or looked at, if it is not in flight.
    pub(super) again: Option<(Duration, bool)>,
}

#[derive(Debug)]
pub(super) struct Seat {
    pub(super) partition: Partition,
    pub(super) hold: Hold,
    pub(super) leaving: Option<Leave>,
    /// The newest record that is known.
    pub(super) known: Option<Known>,
    pub(super) put: Option<Put>,
    pub(super) epoch: Epoch,
    /// Up to where everything was done when the partition was left.
    pub(super) left_at: Option<Position>,
    /// Who is to be parked, or is.
    pub(super) parked: BTreeMap<ActorId, Parked>,
    pub(super) resuming: BTreeMap<ActorId, Version>,
    /// Changes of `parked` that are not written yet.
    pub(super) pending: VecDeque<Pending>,
    pub(super) written_at: Duration,
    /// `true` if something has been handled since the last checkpoint.
    pub(super) worked: bool,
    pub(super) requests: BTreeMap<ActorId, (Request, Revision)>,
    pub(super) job: Option<Job>,
}

impl Seat {
    pub(super) fn new(partition: Partition) -> Self {
        Self {
            partition,
            hold: Hold::Empty,
            leaving: None,
            known: None,
            put: None,
            epoch: Epoch::default(),
            left_at: None,
            parked: BTreeMap::new(),
            resuming: BTreeMap::new(),
            pending: VecDeque::new(),
            written_at: Duration::ZERO,
            worked: false,
            requests: BTreeMap::new(),
            job: None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hold == Hold::Empty
    }

    /// Returns whether the member is at work there and stays.
    pub(super) fn is_working(&self) -> bool {
        self.hold == Hold::Held && self.leaving.is_none()
    }

    /// Leaves it; that somebody else has it weighs more than that it is to be released.
    pub(super) fn leave(&mut self, why: Leave) {
        if self.leaving != Some(Leave::Lost) {
            self.leaving = Some(why);
        }
    }

    pub(super) fn clear(&mut self) {
        let (known, put) = (self.known.take(), self.put.take());
        *self = Self { known, put, ..Self::new(self.partition) };
    }

    /// The revision that the next write is over.
    pub(super) fn condition(&self) -> Condition {
        self.known.as_ref().map(|known| known.revision).into()
    }

    pub(super) fn retry_put_at(&self) -> Option<Duration> {
        self.put.as_ref().and_then(|put| put.again).map(|(at, _)| at)
    }

    pub(super) fn retry_letter_at(&self) -> Option<Duration> {
        self.job.as_ref().and_then(Job::again)
    }
}
