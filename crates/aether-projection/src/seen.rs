//! [`Seen`]: which events a view has in it.

use std::collections::BTreeMap;

use aether_core::{ActorId, Position, RecordedEvent};
use aether_group::{Batch, Epoch, Partition};
use serde::{Deserialize, Serialize};

/// Which events a view has in it: so that one that comes again changes nothing.
///
/// The events of a partition come in the order of their positions, so the last one's says of each whether it has been. But
/// the events of an actor that had been parked come late: what has been seen of those is kept by actor, until a later event
/// of the actor, in its turn, makes up for it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// By partition: as of which claim, and up to where.
    partitions: BTreeMap<Partition, (Epoch, Option<Position>)>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    late: BTreeMap<ActorId, Position>,
}

impl Seen {
    /// Whether the partition has been given to another member since: then what a late event has changed may have been
    /// forgotten already, and this member must not go on.
    pub(crate) fn is_fenced(&self, batch: &Batch) -> bool {
        self.partitions.get(&batch.partition).is_some_and(|(epoch, _)| *epoch > batch.epoch)
    }

    /// Takes an event in; false if it has been seen.
    pub(crate) fn take(&mut self, batch: &Batch, event: &RecordedEvent) -> bool {
        let position = event.position;
        let late = self.late.get(event.actor());
        if late.is_some_and(|late| position <= *late) {
            return false;
        }
        let is_late = late.is_some();
        let (epoch, mark) = self.partitions.entry(batch.partition).or_insert((batch.epoch, None));
        if batch.resumed {
            *epoch = batch.epoch;
            self.late.insert(event.actor().clone(), position);
            return true;
        }
        if mark.is_some_and(|mark| position <= mark) {
            return false;
        }
        (*epoch, *mark) = (batch.epoch, Some(position));
        if is_late {
            self.late.remove(event.actor());
        }
        true
    }

    /// Up to where a partition has been seen.
    pub(crate) fn position(&self, partition: Partition) -> Option<Position> {
        self.partitions.get(&partition).and_then(|(_, position)| *position)
    }
}
