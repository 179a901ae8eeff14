//! [`Window`]: the events that are read and not finished, and which of them may be handled now. Pure.

mod lane;
#[cfg(test)]
mod tests;
mod tracked;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasherDefault;
use std::sync::Arc;
use std::time::Duration;

use aether_core::{ActorId, Position, RecordedEvent};
use time::OffsetDateTime;
use xxhash_rust::xxh3::xxh3_64;

use self::lane::{Entry, Lane, LaneHasher, LaneKey};
use self::tracked::Tracked;
use crate::{Batch, Epoch, FailureKind, Order, Partition, Retry};

pub(crate) use self::tracked::after;

/// What a window is to be.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) partitions: u16,
    pub(crate) order: Order,
    pub(crate) capacity: usize,
    pub(crate) max_batch: usize,
    pub(crate) concurrency: usize,
    pub(crate) retry: Retry,
}

/// A batch that is being handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RunId(u64);

/// How a batch failed.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) at: usize,
    pub(crate) kind: FailureKind,
    pub(crate) error: String,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub(crate) struct Finished {
    /// How many of its events are done.
    pub(crate) done: usize,
    /// `true` if an attempt failed and will be made again.
    pub(crate) retried: bool,
    /// An actor that is to be parked. Its lane waits for [`Window::parked`] or [`Window::halt`].
    pub(crate) park: Option<Park>,
    /// An actor all of whose resumed events that the window had are done.
    pub(crate) resumed: Option<ActorId>,
}

/// An event for which its actor is to be parked.
#[derive(Debug)]
pub(crate) struct Park {
    pub(crate) event: RecordedEvent,
    pub(crate) error: String,
    pub(crate) attempts: u32,
}

#[derive(Debug)]
struct Running {
    lane: LaneKey,
    batch: Arc<Batch>,
    arrivals: Vec<u64>,
}

/// Events that are read and not finished, in lanes: the events of one lane are handled one batch after the other, and
/// lanes do not wait for each other. Among the lanes that can go on, the one whose next event came first is next.
#[derive(Debug)]
pub(crate) struct Window {
    group: Arc<str>,
    limits: Limits,
    lanes: HashMap<LaneKey, Lane, BuildHasherDefault<LaneHasher>>,
    /// Lanes that can go on, by the arrival of their next event.
    ready: BTreeMap<u64, LaneKey>,
    /// Lanes that are to be tried again, by when.
    waiting: BTreeSet<(Duration, LaneKey)>,
    tracked: Vec<Option<Tracked>>,
    running: HashMap<RunId, Running>,
    /// Counts arrivals and runs.
    count: u64,
    unfinished: usize,
    /// How far has been read.
    read: Option<Position>,
    /// `true` if a partition is halted, or was and nobody has looked since.
    any_halted: bool,
}

impl Window {
    pub(crate) fn new(group: Arc<str>, limits: Limits) -> Self {
        let tracked = Partition::all(limits.partitions).map(|_| None).collect();
        Self {
            group,
            limits,
            lanes: HashMap::default(),
            ready: BTreeMap::new(),
            waiting: BTreeSet::new(),
            tracked,
            running: HashMap::new(),
            count: 0,
            unfinished: 0,
            read: None,
            any_halted: false,
        }
    }

    /// Takes a partition in, of which everything up to `position` is done.
    pub(crate) fn own(
        &mut self,
        partition: Partition,
        epoch: Epoch,
        position: Option<Position>,
        parked: impl Iterator<Item = ActorId>,
    ) {
        if let Some(slot) = self.tracked.get_mut(usize::from(partition.get())) {
            // What the reader has passed of a partition that was not there then is missing until it starts over.
            let joined = self.read.is_some() && !after(self.read, position);
            *slot = Some(Tracked::new(epoch, position, joined, parked));
        }
    }

    /// Forgets a partition and its events, but for those that are being handled: their outcome is of no interest.
    pub(crate) fn disown(&mut self, partition: Partition) {
        let Some(tracked) = self.tracked.get_mut(usize::from(partition.get())).and_then(Option::take) else {
            return;
        };
        self.unfinished -= tracked.unfinished();
        let keys: Vec<LaneKey> =
            self.lanes.iter().filter(|(_, lane)| lane.partition == partition).map(|(key, _)| *key).collect();
        for key in keys {
            self.unschedule(key);
            self.lanes.remove(&key);
        }
    }

    /// Begins nothing more of a partition.
    pub(crate) fn freeze(&mut self, partition: Partition) {
        let Some(tracked) = self.tracked.get_mut(usize::from(partition.get())).and_then(Option::as_mut)
        else {
            return;
        };
        if !std::mem::replace(&mut tracked.frozen, true) {
            let keys: Vec<LaneKey> = self.lanes_of(partition).collect();
            keys.into_iter().for_each(|key| self.unschedule(key));
        }
    }

    /// Returns whether an event could be taken in.
    pub(crate) fn has_room(&self) -> bool {
        self.unfinished - self.out_of_the_way() < self.limits.capacity
    }

    /// Events of halted partitions. They take no room, or the others would have none.
    fn out_of_the_way(&self) -> usize {
        if !self.any_halted {
            return 0;
        }
        let halted = self.tracked.iter().flatten().filter(|tracked| tracked.halted().is_some());
        halted.map(Tracked::unfinished).sum()
    }

    /// Takes in an event that was read. One at which the reader has been since it began is not taken again: whatever lies
    /// behind it is begun only once in a claim.
    pub(crate) fn push(&mut self, event: RecordedEvent, now: Duration) {
        if !after(Some(event.position), self.read) {
            return;
        }
        let hash = xxh3_64(event.actor().as_str().as_bytes());
        let number = usize::try_from(hash % u64::from(self.limits.partitions)).unwrap_or(0);
        let read = self.read.replace(event.position);
        let Some(tracked) = self.tracked.get_mut(number).and_then(Option::as_mut) else { return };
        let before = tracked.place(read);
        if !tracked.joined || !after(Some(event.position), before) || tracked.is_waiting(event.actor()) {
            return;
        }
        let arrival = self.count;
        self.count += 1;
        self.unfinished += 1;
        tracked.begin(arrival, before, event.recorded_at);
        let partition = Partition::new(u16::try_from(number).unwrap_or(0));
        let key = self.key(partition, hash);
        let lane = self.lanes.entry(key).or_insert_with(|| Lane::new(partition));
        lane.queue.push_back(Entry { arrival, event });
        if lane.queue.len() == 1 {
            self.schedule(key, now);
        }
    }

    /// Everything up to this position has been read.
    pub(crate) fn pass(&mut self, position: Position) {
        if after(Some(position), self.read) {
            self.read = Some(position);
        }
    }

    /// Where the reader has to start over so that no partition misses anything; all of them read on from there.
    pub(crate) fn rewind(&mut self) -> Option<Position> {
        let read = self.read;
        let mut lowest = None;
        for tracked in self.tracked.iter_mut().flatten() {
            tracked.rejoin(read);
            if tracked.joined && lowest.is_none_or(|lowest| after(lowest, tracked.floor())) {
                lowest = Some(tracked.floor());
            }
        }
        self.read = lowest.unwrap_or(read);
        self.read
    }

    /// Returns whether the reader has to start over for a partition.
    pub(crate) fn needs_rewind(&self) -> bool {
        self.tracked.iter().flatten().any(Tracked::is_behind)
    }

    /// The next batch, if one may be handled now.
    pub(crate) fn next(&mut self, now: Duration) -> Option<(RunId, Arc<Batch>)> {
        if self.running.len() >= self.limits.concurrency {
            return None;
        }
        while let Some(&(due, key)) = self.waiting.first() {
            if due > now {
                break;
            }
            self.schedule(key, now);
        }
        let (_, key) = self.ready.pop_first()?;
        let lane = self.lanes.get_mut(&key)?;
        let tracked = self.tracked.get(usize::from(lane.partition.get()))?.as_ref()?;
        let (entries, resumed) = lane.take(self.limits.max_batch);
        let mut batch = Batch::new(
            self.group.clone(),
            lane.partition,
            tracked.epoch,
            entries.iter().map(|entry| entry.event.clone()).collect(),
        );
        batch.attempt = lane.failures.saturating_add(1);
        batch.resumed = resumed;
        batch.after =
            if resumed { None } else { entries.first().and_then(|entry| tracked.before(entry.arrival)) };
        let batch = Arc::new(batch);
        let id = RunId(self.count);
        self.count += 1;
        let arrivals = entries.iter().map(|entry| entry.arrival).collect();
        self.running.insert(id, Running { lane: key, batch: batch.clone(), arrivals });
        Some((id, batch))
    }

    /// A batch has been handled, or has failed. `chance` is a number from 0 to 1.
    pub(crate) fn finish(
        &mut self,
        id: RunId,
        result: Result<(), Failure>,
        now: Duration,
        chance: f64,
    ) -> Finished {
        let mut finished = Finished::default();
        let Some(Running { lane: key, batch, arrivals }) = self.running.remove(&id) else { return finished };
        let number = usize::from(batch.partition.get());
        let Some(tracked) = self.tracked.get_mut(number).and_then(Option::as_mut) else { return finished };
        let Some(lane) = self.lanes.get_mut(&key).filter(|_| tracked.epoch == batch.epoch) else {
            return finished;
        };
        lane.busy = false;
        let at = match &result {
            Ok(()) => batch.events.len(),
            Err(failure) => failure.at.min(batch.events.len().saturating_sub(1)),
        };
        finished.done = at;
        if !batch.resumed {
            arrivals.iter().take(at).for_each(|arrival| tracked.finish(*arrival));
            self.unfinished -= at;
        }
        if at > 0 {
            (lane.failures, lane.stumbles, lane.not_before) = (0, 0, Duration::ZERO);
            if tracked.halted() == Some(key) {
                tracked.go_on();
            }
        }
        if let Err(failure) = result {
            let rest = batch.events.iter().zip(&arrivals).skip(at);
            lane.put_back(
                rest.map(|(event, arrival)| Entry { arrival: *arrival, event: event.clone() }),
                batch.resumed,
            );
            lane.failing = arrivals.get(at).copied().unwrap_or_default();
            let counts = failure.kind != FailureKind::Unavailable;
            lane.failures += u32::from(counts);
            lane.stumbles = lane.stumbles.saturating_add(1);
            let give_up = failure.kind == FailureKind::Poison
                || (counts && lane.failures >= self.limits.retry.attempts);
            lane.not_before = now + self.limits.retry.delay(lane.stumbles, chance);
            match batch.events.get(at).filter(|_| give_up) {
                Some(event) => {
                    lane.blocked = true;
                    let (event, attempts) = (event.clone(), lane.failures.max(1));
                    finished.park = Some(Park { event, error: failure.error, attempts });
                }
                None => finished.retried = true,
            }
        } else if batch.resumed && lane.resumed.is_empty() {
            finished.resumed = batch.events.first().map(|event| event.actor().clone());
        }
        self.release_lanes_if_not_halted(batch.partition, now);
        self.schedule(key, now);
        finished
    }

    /// The actor is parked: what there is of it counts as done, and what comes later too.
    pub(crate) fn parked(&mut self, partition: Partition, actor: &ActorId, now: Duration) {
        let key = self.key_of(partition, actor);
        self.unschedule(key);
        let Some(tracked) = self.tracked.get_mut(usize::from(partition.get())).and_then(Option::as_mut)
        else {
            return;
        };
        tracked.wait(actor.clone());
        tracked.go_on();
        if let Some(lane) = self.lanes.get_mut(&key) {
            for arrival in lane.remove(actor) {
                tracked.finish(arrival);
                self.unfinished -= 1;
            }
        }
        self.release_lanes_if_not_halted(partition, now);
        self.schedule(key, now);
    }

    /// The actor cannot be parked. Nothing of the partition is begun but this actor's event, again and again.
    pub(crate) fn halt(&mut self, partition: Partition, actor: &ActorId, now: Duration) {
        let key = self.key_of(partition, actor);
        if let Some(tracked) = self.tracked.get_mut(usize::from(partition.get())).and_then(Option::as_mut) {
            tracked.halt(key, self.read);
            self.any_halted = true;
        }
        let others: Vec<LaneKey> = self.lanes_of(partition).collect();
        others.into_iter().for_each(|other| self.unschedule(other));
        if let Some(lane) = self.lanes.get_mut(&key) {
            lane.blocked = false;
            lane.not_before = now + self.limits.retry.max;
        }
        self.schedule(key, now);
    }

    /// Up to where everything of the partition is done.
    pub(crate) fn checkpoint(&self, partition: Partition) -> Option<Position> {
        self.get(partition).and_then(|tracked| tracked.checkpoint(self.read))
    }

    /// Up to where the partition has been read.
    pub(crate) fn place(&self, partition: Partition) -> Option<Position> {
        self.get(partition).and_then(|tracked| tracked.place(self.read))
    }

    /// Returns whether a batch of the partition is being handled.
    pub(crate) fn is_running(&self, partition: Partition) -> bool {
        self.running.values().any(|running| running.batch.partition == partition)
    }

    /// How far has been read.
    pub(crate) fn read(&self) -> Option<Position> {
        self.read
    }

    pub(crate) fn unfinished(&self) -> usize {
        self.unfinished
    }

    pub(crate) fn unfinished_of(&self, partition: Partition) -> usize {
        self.get(partition).map_or(0, Tracked::unfinished)
    }

    pub(crate) fn is_halted(&self, partition: Partition) -> bool {
        self.get(partition).is_some_and(|tracked| tracked.halted().is_some())
    }

    /// When the oldest unfinished event was recorded.
    pub(crate) fn oldest(&self) -> Option<OffsetDateTime> {
        self.tracked.iter().flatten().filter_map(Tracked::oldest).min()
    }

    /// When the next lane is to be tried again, if nothing else happens.
    pub(crate) fn wake(&self) -> Option<Duration> {
        self.waiting.first().filter(|_| self.running.len() < self.limits.concurrency).map(|(due, _)| *due)
    }

    fn get(&self, partition: Partition) -> Option<&Tracked> {
        self.tracked.get(usize::from(partition.get()))?.as_ref()
    }

    fn key_of(&self, partition: Partition, actor: &ActorId) -> LaneKey {
        self.key(partition, xxh3_64(actor.as_str().as_bytes()))
    }

    fn key(&self, partition: Partition, hash: u64) -> LaneKey {
        match self.limits.order {
            // Two actors with the same hash share a lane, which keeps both orders.
            Order::Actor => LaneKey(hash),
            Order::Partition => LaneKey(u64::from(partition.get())),
        }
    }

    fn lanes_of(&self, partition: Partition) -> impl Iterator<Item = LaneKey> {
        self.lanes.iter().filter(move |(_, lane)| lane.partition == partition).map(|(key, _)| *key)
    }

    fn release_lanes_if_not_halted(&mut self, partition: Partition, now: Duration) {
        let released = self
            .tracked
            .get_mut(usize::from(partition.get()))
            .and_then(Option::as_mut)
            .is_some_and(Tracked::take_released);
        if released {
            self.any_halted = self.tracked.iter().flatten().any(|tracked| tracked.halted().is_some());
            let keys: Vec<LaneKey> = self.lanes_of(partition).collect();
            keys.into_iter().for_each(|key| self.schedule(key, now));
        }
    }

    fn unschedule(&mut self, key: LaneKey) {
        if let Some(lane) = self.lanes.get_mut(&key) {
            if let Some(arrival) = lane.scheduled.take() {
                self.ready.remove(&arrival);
            }
            if let Some(due) = lane.delayed.take() {
                self.waiting.remove(&(due, key));
            }
        }
    }

    /// Puts a lane where it belongs: among the ready, among the waiting, nowhere, or away if it is empty.
    fn schedule(&mut self, key: LaneKey, now: Duration) {
        self.unschedule(key);
        let Some(lane) = self.lanes.get_mut(&key) else { return };
        if lane.is_idle() {
            self.lanes.remove(&key);
            return;
        }
        let tracked = self.tracked.get(usize::from(lane.partition.get())).and_then(Option::as_ref);
        let halted = tracked.and_then(Tracked::halted).is_some_and(|halting| halting != key);
        let frozen = tracked.is_none_or(|tracked| tracked.frozen);
        let Some(arrival) = lane.next_arrival().filter(|_| !halted && !frozen) else { return };
        if lane.not_before > now {
            lane.delayed = Some(lane.not_before);
            self.waiting.insert((lane.not_before, key));
        } else {
            lane.scheduled = Some(arrival);
            self.ready.insert(arrival, key);
        }
    }
}
