//! [`AppliedPositions`]: which events a view has in it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aether_core::{ActorId, Position, RecordedEvent};
use aether_group::{Batch, Claim, Epoch, Partition};
use serde::{Deserialize, Serialize};

/// Which events a view has in it: so that one that comes again changes nothing.
///
/// The events of a partition come in the order of their positions, so a mark at the last one says of each whether it has
/// been. But not of those whose actor is parked: they are left out, and come late. So whatever moves a mark past them notes
/// from where on it does not speak for their actor, until a later event of the actor, in its turn, passes the mark itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct AppliedPositions {
    /// By partition: as of which claim, and up to where.
    partitions: BTreeMap<Partition, (Epoch, Option<Position>)>,
    /// By actor: the first position that has not been, whatever the mark says.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    late: BTreeMap<ActorId, Position>,
}

impl AppliedPositions {
    /// Returns whether the partition has been given to another member since.
    pub(crate) fn is_fenced(&self, batch: &Batch) -> bool {
        self.partitions.get(&batch.partition).is_some_and(|(epoch, _)| *epoch > batch.epoch)
    }

    /// Takes an event in, while these actors wait; false if it has been seen.
    pub(crate) fn take(&mut self, batch: &Batch, event: &RecordedEvent, waiting: &Waiting) -> bool {
        let (actor, position) = (event.actor(), event.position);
        let (epoch, mark) = self.partitions.entry(batch.partition).or_insert((batch.epoch, None));
        let is_past_mark = mark.is_none_or(|mark| position > mark);
        let late = self.late.get(actor);
        let is_new = match late {
            Some(first) => position >= *first,
            None => batch.resumed || is_past_mark,
        };
        if !is_new {
            return false;
        }
        *epoch = batch.epoch;
        if batch.resumed || !is_past_mark {
            let next = Position::new(position.sequence(), position.index().saturating_add(1));
            self.late.insert(actor.clone(), next);
            return true;
        }
        if late.is_some() {
            self.late.remove(actor);
        }
        *mark = Some(position);
        for (actor, first) in waiting.iter().filter(|(_, first)| **first <= position) {
            if !self.late.contains_key(actor) {
                self.late.insert(actor.clone(), *first);
            }
        }
        true
    }

    /// Up to where a partition has been seen.
    pub(crate) fn position(&self, partition: Partition) -> Option<Position> {
        self.partitions.get(&partition).and_then(|(_, position)| *position)
    }
}

/// The actors of a partition that are parked, and from where on their events are left out.
pub(crate) type Waiting = BTreeMap<ActorId, Position>;

/// Who is parked, as far as a model knows: from the claims of its partitions, and since it is the one that cannot apply
/// their events.
#[derive(Debug, Default)]
pub(crate) struct Parkings(Mutex<HashMap<Partition, Arc<Waiting>>>);

impl Parkings {
    /// A partition has been claimed, with what is parked in it.
    pub(crate) fn claimed(&self, claim: &Claim) {
        let parked = claim.parked.iter().map(|(actor, parked)| (actor.clone(), parked.position));
        self.set(claim.partition, parked.collect());
    }

    pub(crate) fn set(&self, partition: Partition, waiting: Waiting) {
        self.lock().insert(partition, Arc::new(waiting));
    }

    /// An event cannot be applied: its actor will be parked.
    pub(crate) fn parks(&self, partition: Partition, event: &RecordedEvent) {
        let mut parkings = self.lock();
        let waiting = Arc::make_mut(parkings.entry(partition).or_default());
        waiting.entry(event.actor().clone()).or_insert(event.position);
    }

    /// Who waits while the batch is applied. Whose left out events come in their turn is not parked any more.
    pub(crate) fn during(&self, batch: &Batch) -> Arc<Waiting> {
        let mut parkings = self.lock();
        let waiting = parkings.entry(batch.partition).or_default();
        if !batch.resumed && !waiting.is_empty() {
            let is_left_out = |event: &&RecordedEvent| {
                waiting.get(event.actor()).is_some_and(|first| event.position >= *first)
            };
            let come: Vec<&ActorId> = batch.events.iter().filter(is_left_out).map(|e| e.actor()).collect();
            if !come.is_empty() {
                let waiting = Arc::make_mut(waiting);
                for actor in come {
                    waiting.remove(actor);
                }
            }
        }
        Arc::clone(waiting)
    }

    /// Nothing is left half done under this lock.
    fn lock(&self) -> MutexGuard<'_, HashMap<Partition, Arc<Waiting>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
