//! [`Lane`]: events that are handled one batch after the other.

use std::collections::VecDeque;
use std::hash::Hasher;
use std::time::Duration;

use aether_core::{ActorId, Position, RecordedEvent};

use super::Window;
use crate::Partition;

/// An actor's hash, or a partition's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LaneKey(pub(super) u64);

/// A hash of hashes: it takes them as they are.
#[derive(Debug, Default)]
pub(super) struct LaneHasher(u64);

impl Hasher for LaneHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        // The table takes its buckets from both ends of the word, and partitions have all the same upper one.
        self.0 = hash.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) arrival: u64,
    pub(super) event: RecordedEvent,
}

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) partition: Partition,
    /// As they were read.
    pub(super) queue: VecDeque<Entry>,
    /// Of an actor that is resumed, before everything else.
    pub(super) resumed: VecDeque<Entry>,
    /// A batch is being handled.
    pub(super) busy: bool,
    /// Who is parked, or not any more, is being written.
    pub(super) blocked: bool,
    /// What was read waits until this actor has been resumed.
    pub(super) holding: Option<ActorId>,
    /// The arrival of the event that the failures are about.
    pub(super) failing: u64,
    /// Failed attempts at the next event that count towards parking.
    pub(super) failures: u32,
    /// All failed attempts at the next event.
    pub(super) stumbles: u32,
    pub(super) not_before: Duration,
    /// Where it is among the ready lanes.
    pub(super) scheduled: Option<u64>,
    /// Where it is among the waiting lanes.
    pub(super) delayed: Option<Duration>,
}

impl Lane {
    pub(super) fn new(partition: Partition) -> Self {
        Self {
            partition,
            queue: VecDeque::new(),
            resumed: VecDeque::new(),
            busy: false,
            blocked: false,
            holding: None,
            failing: 0,
            failures: 0,
            stumbles: 0,
            not_before: Duration::ZERO,
            scheduled: None,
            delayed: None,
        }
    }

    /// Returns whether nothing would be lost without it.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty()
            && self.resumed.is_empty()
            && !self.busy
            && !self.blocked
            && self.holding.is_none()
    }

    /// The arrival of the event that is next, if one may be handled but for the time.
    pub(super) fn next_arrival(&self) -> Option<u64> {
        if self.busy || self.blocked {
            return None;
        }
        let next = self.resumed.front().or_else(|| self.queue.front().filter(|_| self.holding.is_none()));
        next.map(|entry| entry.arrival)
    }

    /// Takes the next events out, to be handled; whether they are resumed ones.
    pub(super) fn take(&mut self, max: usize) -> (Vec<Entry>, bool) {
        if self.next_arrival() != Some(self.failing) {
            (self.failures, self.stumbles) = (0, 0);
        }
        // One that has failed goes alone, so that it is certain who fails.
        let max = if self.stumbles > 0 { 1 } else { max };
        let resumed = !self.resumed.is_empty();
        let from = if resumed { &mut self.resumed } else { &mut self.queue };
        self.busy = true;
        (self.scheduled, self.delayed) = (None, None);
        (from.drain(..max.min(from.len())).collect(), resumed)
    }

    /// Puts events back that were taken out and not handled.
    pub(super) fn put_back(&mut self, entries: impl DoubleEndedIterator<Item = Entry>, resumed: bool) {
        let to = if resumed { &mut self.resumed } else { &mut self.queue };
        entries.rev().for_each(|entry| to.push_front(entry));
    }

    /// Removes an actor that is parked, and the traces of its failure; the arrivals of those that had been read.
    pub(super) fn remove(&mut self, actor: &ActorId) -> Vec<u64> {
        let others = |entry: &Entry| entry.event.actor() != actor;
        self.blocked = false;
        self.holding.take_if(|holding| holding == actor);
        (self.failures, self.stumbles, self.not_before) = (0, 0, Duration::ZERO);
        self.resumed.retain(others);
        let arrivals = self.queue.iter().filter(|entry| !others(entry)).map(|entry| entry.arrival).collect();
        self.queue.retain(others);
        arrivals
    }
}

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
