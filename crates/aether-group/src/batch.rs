//! [`Batch`] and [`Claim`]: what a handler is given.

use std::collections::BTreeMap;
use std::sync::Arc;

use aether_core::{ActorId, Position, RecordedEvent};

use crate::{Epoch, Parked, Partition};

/// Events to be handled in one go, in order: of one actor with [`Order::Actor`](crate::Order::Actor), of one partition
/// with [`Order::Partition`](crate::Order::Partition). There is at least one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Batch {
    /// The group.
    pub group: Arc<str>,
    /// The partition that the events belong to.
    pub partition: Partition,
    /// As of which claim this member has it.
    pub epoch: Epoch,
    /// Which attempt this is at the first event, from 1 on. An event that has failed is handed out alone.
    pub attempt: u32,
    /// Whether these are events of an actor that was parked and is resumed. They are older than what the partition has
    /// come to: their positions must not set back a checkpoint, nor be taken for repetitions because they are below it.
    ///
    /// What comes so are the actor's events up to where this member has read the partition; the later ones come as all
    /// others do, and none is left out or comes before an earlier one. After a claim has moved, that place may be behind
    /// what an earlier claim had handed out, if its checkpoint was. Then events of the actor between the two come as all
    /// others do although
    /// - they have waited, and events of other actors behind them were handed out before: a handler that tells
    ///   repetitions by *one position for the partition* has to return it from [`gained`](crate::Handler::gained), which
    ///   makes the member begin there, so that all that has waited comes as resumed. Position by actor, version or id need
    ///   no such care;
    /// - they were handed out as resumed ones before: once more, as after any failure. That goes for an event that was
    ///   [skipped](crate::GroupAdmin::skip) too, if the checkpoint had not passed it.
    pub resumed: bool,
    /// The events.
    pub events: Vec<RecordedEvent>,
    /// Up to where this partition (with [`Order::Partition`](crate::Order::Partition)) or this actor had been handed out
    /// before the batch; `None` if the group begins here. An event that comes again after a failure, or because a
    /// member died, comes with the same position as before.
    pub after: Option<Position>,
}

impl Batch {
    /// A first attempt at these events; for tests of handlers.
    #[must_use]
    pub fn new(
        group: impl Into<Arc<str>>,
        partition: Partition,
        epoch: Epoch,
        events: Vec<RecordedEvent>,
    ) -> Self {
        Self { group: group.into(), partition, epoch, attempt: 1, resumed: false, events, after: None }
    }

    /// The position of the last event. With [`Order::Partition`](crate::Order::Partition), unless the batch is
    /// [`resumed`](Self::resumed), a handler that keeps a checkpoint of its own stores this one with its effects: all
    /// events of the partition up to here have then been handled, or their actors are parked.
    #[must_use]
    pub fn through(&self) -> Option<Position> {
        self.events.last().map(|event| event.position)
    }

    /// How the events are handed out, without the events.
    #[must_use]
    pub fn handling(&self) -> Handling {
        Handling {
            partition: self.partition,
            epoch: self.epoch,
            attempt: self.attempt,
            resumed: self.resumed,
        }
    }
}

/// How an event is handed out to [`each`](crate::each)'s closure; as in [`Batch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Handling {
    /// The partition that the event belongs to.
    pub partition: Partition,
    /// As of which claim this member has it.
    pub epoch: Epoch,
    /// Which attempt this is, from 1 on.
    pub attempt: u32,
    /// Whether it is an event of an actor that was parked and is resumed.
    pub resumed: bool,
}

/// A partition that this member has claimed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Claim {
    /// The group.
    pub group: Arc<str>,
    /// The partition.
    pub partition: Partition,
    /// The number of the claim.
    pub epoch: Epoch,
    /// Up to where the partition has been handled, as the group knows it; `None` if nothing has been.
    pub position: Option<Position>,
    /// The actors of the partition that are parked.
    pub parked: BTreeMap<ActorId, Parked>,
}

impl Claim {
    /// A claim of a partition of which nothing has been handled; for tests of handlers.
    #[must_use]
    pub fn new(group: impl Into<Arc<str>>, partition: Partition, epoch: Epoch) -> Self {
        Self { group: group.into(), partition, epoch, position: None, parked: BTreeMap::new() }
    }
}
