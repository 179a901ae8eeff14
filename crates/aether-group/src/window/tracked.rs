//! [`Tracked`]: which events of a partition are done.

use std::collections::{HashMap, VecDeque};

use aether_core::{ActorId, Position};
use time::OffsetDateTime;

use super::lane::LaneKey;
use crate::Epoch;

/// Returns whether `a` is further than `b`, where nothing is before everything.
pub(crate) fn after(a: Option<Position>, b: Option<Position>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a > b,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

#[derive(Debug)]
struct Slot {
    arrival: u64,
    /// How far the partition had been read before this event.
    before: Option<Position>,
    recorded_at: OffsetDateTime,
    done: bool,
}

/// What is to be done with events of a parked actor as they are read.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Waiting {
    /// Nothing: its log has them.
    InLog,
    /// They are kept, and wait in the lane until those before them are done.
    InLane {
        /// Up to where the log has them.
        from: Option<Position>,
    },
}

#[derive(Debug)]
pub(super) struct Tracked {
    pub(super) epoch: Epoch,
    /// Everything up to here was done, or read, before the reader started over.
    floor: Option<Position>,
    /// `true` if the reader has not missed anything of it.
    pub(super) joined: bool,
    /// The unfinished events, and finished ones between them, in the order of their arrival.
    slots: VecDeque<Slot>,
    unfinished: usize,
    parked: HashMap<ActorId, Waiting>,
    /// The lane whose actor cannot be parked.
    halted: Option<LaneKey>,
    /// Nothing of it is begun any more.
    pub(super) frozen: bool,
    /// It was halted, and its lanes have not been told that it is not any more.
    released: bool,
}

impl Tracked {
    pub(super) fn new(
        epoch: Epoch,
        position: Option<Position>,
        joined: bool,
        parked: impl Iterator<Item = ActorId>,
    ) -> Self {
        Self {
            epoch,
            floor: position,
            joined,
            slots: VecDeque::new(),
            unfinished: 0,
            parked: parked.map(|actor| (actor, Waiting::InLog)).collect(),
            halted: None,
            frozen: false,
            released: false,
        }
    }

    pub(super) fn floor(&self) -> Option<Position> {
        self.floor
    }

    /// How far it has been read, when the reader has come to `read`.
    pub(super) fn place(&self, read: Option<Position>) -> Option<Position> {
        if self.joined && after(read, self.floor) { read } else { self.floor }
    }

    /// Returns whether the reader has to start over for it.
    pub(super) fn is_behind(&self) -> bool {
        !self.joined && self.halted.is_none()
    }

    /// The reader, which has come to `read`, starts over and misses nothing from here on, unless the partition is halted.
    pub(super) fn rejoin(&mut self, read: Option<Position>) {
        if self.halted.is_some() {
            return;
        }
        self.floor = self.place(read);
        self.joined = true;
    }

    /// Up to where everything is done.
    pub(super) fn checkpoint(&self, read: Option<Position>) -> Option<Position> {
        self.slots.front().map_or_else(|| self.place(read), |slot| slot.before)
    }

    pub(super) fn begin(&mut self, arrival: u64, before: Option<Position>, recorded_at: OffsetDateTime) {
        self.slots.push_back(Slot { arrival, before, recorded_at, done: false });
        self.unfinished += 1;
    }

    pub(super) fn finish(&mut self, arrival: u64) {
        if let Ok(index) = self.slots.binary_search_by_key(&arrival, |slot| slot.arrival)
            && let Some(slot) = self.slots.get_mut(index)
            && !slot.done
        {
            slot.done = true;
            self.unfinished -= 1;
        }
        while self.slots.front().is_some_and(|slot| slot.done) {
            self.slots.pop_front();
        }
    }

    /// How far the partition had been read before the event of this arrival.
    pub(super) fn before(&self, arrival: u64) -> Option<Position> {
        let index = self.slots.binary_search_by_key(&arrival, |slot| slot.arrival).ok()?;
        self.slots.get(index).and_then(|slot| slot.before)
    }

    pub(super) fn unfinished(&self) -> usize {
        self.unfinished
    }

    pub(super) fn oldest(&self) -> Option<OffsetDateTime> {
        self.slots.front().map(|slot| slot.recorded_at)
    }

    /// Returns whether events of the actor are left where they are.
    pub(super) fn is_waiting(&self, actor: &ActorId) -> bool {
        !self.parked.is_empty() && self.parked.get(actor) == Some(&Waiting::InLog)
    }

    pub(super) fn wait(&mut self, actor: ActorId) {
        self.parked.insert(actor, Waiting::InLog);
    }

    pub(super) fn keep(&mut self, actor: &ActorId, from: Option<Position>) {
        if let Some(waiting) = self.parked.get_mut(actor) {
            *waiting = Waiting::InLane { from };
        }
    }

    /// Up to where the log has an actor's events that are kept since.
    pub(super) fn kept_from(&self, actor: &ActorId) -> Option<Position> {
        match self.parked.get(actor)? {
            Waiting::InLane { from } => *from,
            Waiting::InLog => None,
        }
    }

    pub(super) fn unpark(&mut self, actor: &ActorId) {
        self.parked.remove(actor);
    }

    pub(super) fn halted(&self) -> Option<LaneKey> {
        self.halted
    }

    /// Halts the partition for a lane when the reader has come to `read`. Nothing more of it is taken in, so that it does
    /// not fill the window that it shares with others.
    pub(super) fn halt(&mut self, lane: LaneKey, read: Option<Position>) {
        self.floor = self.place(read);
        self.joined = false;
        self.halted = Some(lane);
    }

    /// Lets the partition go on, if it is halted: the reader has to start over for it.
    pub(super) fn go_on(&mut self) {
        self.released |= self.halted.take().is_some();
    }

    /// Returns whether it was halted and is not any more, asked for the first time.
    pub(super) fn take_released(&mut self) -> bool {
        std::mem::take(&mut self.released) && self.halted.is_none()
    }
}
