//! How a parked actor goes on: first what waits in its log, then what has been read meanwhile.

use std::time::Duration;

use aether_core::{ActorId, Position, RecordedEvent};

use super::Window;
use super::lane::{Entry, Lane};
use crate::Partition;

impl Window {
    /// Takes in events of a parked actor from its log, to be handled before anything else of its lane.
    pub(crate) fn resume(
        &mut self,
        partition: Partition,
        actor: &ActorId,
        events: Vec<RecordedEvent>,
        now: Duration,
    ) {
        let key = self.key_of(partition, actor);
        let lane = self.lanes.entry(key).or_insert_with(|| Lane::new(partition));
        for event in events {
            lane.resumed.push_back(Entry { arrival: self.count, event });
            self.count += 1;
        }
        self.schedule(key, now);
    }

    /// From now on, what is read of the actor is kept, and its lane waits for [`unpark`](Self::unpark) with it.
    pub(crate) fn hold(&mut self, partition: Partition, actor: &ActorId) {
        let (key, read) = (self.key_of(partition, actor), self.read);
        self.unschedule(key);
        self.lanes.entry(key).or_insert_with(|| Lane::new(partition)).holding = Some(actor.clone());
        if let Some(tracked) = self.tracked.get_mut(usize::from(partition.get())).and_then(Option::as_mut) {
            tracked.keep(actor, tracked.place(read));
        }
    }

    /// Up to where the log has to be read for an actor that is [held](Self::hold).
    pub(crate) fn held_from(&self, partition: Partition, actor: &ActorId) -> Option<Position> {
        self.get(partition).and_then(|tracked| tracked.kept_from(actor))
    }

    /// The actor is not parked any more.
    pub(crate) fn unpark(&mut self, partition: Partition, actor: &ActorId, now: Duration) {
        let key = self.key_of(partition, actor);
        if let Some(tracked) = self.tracked.get_mut(usize::from(partition.get())).and_then(Option::as_mut) {
            tracked.unpark(actor);
            tracked.go_on();
        }
        if let Some(lane) = self.lanes.get_mut(&key) {
            lane.holding = None;
            lane.blocked = false;
        }
        self.release_lanes_if_not_halted(partition, now);
        self.schedule(key, now);
    }
}
