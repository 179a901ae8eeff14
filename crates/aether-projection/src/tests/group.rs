//! A group as models see it: partitions whose events come again from some checkpoint, and actors that are parked and
//! resumed.

use std::collections::BTreeMap;

use aether_core::{ActorId, RecordedEvent};
use aether_group::{Batch, Epoch, Partition};

use crate::applied_positions::{Parkings, Waiting};

/// Something that happens in a partition.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// The next events are handed out.
    Deliver(usize),
    /// How far it is, is kept.
    Checkpoint,
    /// It begins anew from the checkpoint, or so many events after it, with a higher epoch.
    Crash(usize),
    /// The actor of the next event is parked for it.
    Park,
    /// A parked actor's events are handed out, the first so many of them once before.
    Resume(usize),
}

/// What a model is told.
#[derive(Debug)]
pub(crate) enum Told {
    /// A partition was claimed, where these actors are parked. Only one who claims anew is told.
    Claimed(Partition, Waiting),
    /// An actor is parked for this event.
    Parked(Partition, RecordedEvent),
    Batch(Batch),
}

impl Told {
    pub(crate) fn partition(&self) -> Partition {
        match self {
            Self::Claimed(partition, _) | Self::Parked(partition, _) => *partition,
            Self::Batch(batch) => batch.partition,
        }
    }

    /// Tells of who waits; the batch, if it is one.
    pub(crate) fn note(&self, parkings: &Parkings) -> Option<&Batch> {
        match self {
            Self::Claimed(partition, waiting) => parkings.set(*partition, waiting.clone()),
            Self::Parked(partition, event) => parkings.parks(*partition, event),
            Self::Batch(batch) => return Some(batch),
        }
        None
    }
}

/// One partition of a group.
#[derive(Debug)]
pub(crate) struct PartitionOf {
    partition: Partition,
    epoch: u64,
    events: Vec<RecordedEvent>,
    checkpoint: usize,
    handled: usize,
    /// How many were ever handed out.
    ever: usize,
    /// From which event on an actor waits.
    parked: BTreeMap<ActorId, usize>,
}

impl PartitionOf {
    pub(crate) fn new(number: u16, events: Vec<RecordedEvent>) -> Self {
        Self {
            partition: Partition::new(number),
            epoch: 1,
            events,
            checkpoint: 0,
            handled: 0,
            ever: 0,
            parked: BTreeMap::new(),
        }
    }

    /// What the step tells a model.
    pub(crate) fn take(&mut self, step: Step) -> Vec<Told> {
        match step {
            Step::Deliver(count) => {
                let end = (self.handled + count).min(self.events.len());
                let events = (self.handled..end).filter(|index| !self.waits(*index));
                let batch = self.batch(events.collect(), false);
                self.handled = end;
                self.ever = self.ever.max(end);
                batch.into_iter().collect()
            }
            Step::Checkpoint => {
                self.checkpoint = self.handled;
                Vec::new()
            }
            Step::Crash(after) => {
                self.handled = (self.checkpoint + after).min(self.handled);
                self.epoch += 1;
                let parked = self.parked.iter();
                let waiting = parked.map(|(actor, from)| (actor.clone(), self.events[*from].position));
                vec![Told::Claimed(self.partition, waiting.collect())]
            }
            Step::Park => {
                // What has been applied once is not applied again, and cannot fail.
                if self.handled == self.ever
                    && let Some(event) = self.events.get(self.handled)
                    && !self.parked.contains_key(event.actor())
                {
                    self.parked.insert(event.actor().clone(), self.handled);
                    return vec![Told::Parked(self.partition, event.clone())];
                }
                Vec::new()
            }
            Step::Resume(repeated) => {
                let Some((actor, from)) = self.parked.pop_first() else { return Vec::new() };
                // What has not been read yet comes in its turn.
                let late: Vec<usize> = (from..self.handled.max(from))
                    .filter(|index| *self.events[*index].actor() == actor)
                    .collect();
                let before = late.iter().copied().take(repeated).collect();
                [self.batch(before, true), self.batch(late, true)].into_iter().flatten().collect()
            }
        }
    }

    /// Everything that is left, resumed actors first.
    pub(crate) fn finish(&mut self) -> Vec<Told> {
        let mut batches = Vec::new();
        while !self.parked.is_empty() {
            batches.extend(self.take(Step::Resume(0)));
        }
        batches.extend(self.take(Step::Deliver(usize::MAX / 2)));
        batches
    }

    fn waits(&self, index: usize) -> bool {
        self.parked.get(self.events[index].actor()).is_some_and(|from| index >= *from)
    }

    fn batch(&self, events: Vec<usize>, resumed: bool) -> Option<Told> {
        let events: Vec<RecordedEvent> = events.into_iter().map(|index| self.events[index].clone()).collect();
        if events.is_empty() {
            return None;
        }
        let mut batch = Batch::new("sums", self.partition, Epoch::new(self.epoch), events);
        batch.resumed = resumed;
        Some(Told::Batch(batch))
    }
}
