//! [`Progress`]: how far a member is.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use aether_core::Position;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Epoch, Partition};

/// One member of a group, as long as it runs: joining again makes it another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MemberId {
    /// What it calls itself.
    pub name: String,
    /// Which run of that name it is.
    pub incarnation: Uuid,
}

impl MemberId {
    /// The member of this name and run.
    #[must_use]
    pub fn new(name: impl Into<String>, incarnation: Uuid) -> Self {
        Self { name: name.into(), incarnation }
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, self.incarnation)
    }
}

/// How far a member is. The counts are of this member alone and begin with it.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Progress {
    /// The partitions that it has.
    pub partitions: BTreeMap<Partition, PartitionProgress>,
    /// How many members of the group it hears, itself included; 0 before it has heard itself.
    pub members: usize,
    /// Whether it hears nobody, not even itself, and therefore begins nothing.
    pub cut_off: bool,
    /// Whether all that was saved before it began to read, or before it fell behind, has been read.
    pub caught_up: bool,
    /// How far it has read; `None` if it has read nothing.
    pub read: Option<Position>,
    /// Up to where all of its partitions have been handled; `None` if one of them has not begun.
    pub handled_through: Option<Position>,
    /// How old the oldest event is that it has read and not finished; if there is none and it has not caught up, how old
    /// the last one was that it read. By the clocks of store and member. Zero if it has nothing to do.
    pub lag: Duration,
    /// Events read and not finished.
    pub unfinished: usize,
    /// Events handled.
    pub handled: u64,
    /// Events handled in a second, over the last few seconds.
    pub events_per_second: f64,
    /// Attempts that failed and were, or will be, made again.
    pub retried: u64,
    /// How often it has parked an actor.
    pub parked: u64,
    /// Checkpoints that were refused, since the partition belonged to another member.
    pub refused_checkpoints: u64,
    /// Partitions that it has gained, in all.
    pub gained: u64,
    /// Partitions that it has lost or released, in all.
    pub lost: u64,
}

/// How far a partition is.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PartitionProgress {
    /// As of which claim the member has it.
    pub epoch: Epoch,
    /// Up to where it has been handled; `None` if nothing has been.
    pub position: Option<Position>,
    /// Events of it that are read and not finished.
    pub unfinished: usize,
    /// How many of its actors are parked.
    pub parked: usize,
    /// Whether no more of its actors can be parked and one would have to be: nothing of it is begun but that one's.
    pub halted: bool,
}

impl Progress {
    /// How many actors are parked in the member's partitions.
    #[must_use]
    pub fn parked_actors(&self) -> usize {
        self.partitions.values().map(|partition| partition.parked).sum()
    }
}
