//! How a partition's record is written: one write at a time, each over the one before.

use std::time::Duration;

use aether_coordination::{Condition, CoordinationError, Revision};
use time::OffsetDateTime;

use super::seat::{Hold, Leave, Put};
use super::{Action, Engine, Known};
use crate::Partition;
use crate::record::{Record, encode};
use crate::window::after;

/// How many records are written at the same time.
pub(super) const MAX_PUTS: usize = 16;

impl Engine {
    /// Writes what is due, and sends again what has no outcome.
    pub(super) fn write_records(&mut self, now: Duration) {
        let round = now >= self.next_checkpoint;
        self.flushes.retain(|(_, until)| *until > now);
        for index in 0..self.seats.len() {
            let Some(seat) = self.seats.get_mut(index) else { continue };
            let partition = seat.partition;
            if let Some(put) = &mut seat.put {
                if let Some((_, look)) = put.again.take_if(|(at, _)| *at <= now) {
                    self.actions.push_back(if look {
                        Action::Look(partition)
                    } else {
                        Action::Put { partition, value: put.value.clone(), condition: put.condition }
                    });
                }
                continue;
            }
            if !self.wants_write(index, now, round) {
                continue;
            }
            if self.puts >= MAX_PUTS {
                // The next acknowledgement leads back here.
                return;
            }
            self.write(partition, now);
        }
        if round {
            self.next_checkpoint = now + self.options.checkpoint_every;
        }
    }

    fn wants_write(&self, index: usize, now: Duration, round: bool) -> bool {
        let Some(seat) = self.seats.get(index) else { return false };
        match seat.hold {
            Hold::Releasing => return true,
            Hold::Held if seat.leaving != Some(Leave::Lost) => {}
            _ => return false,
        }
        if !seat.pending.is_empty() {
            return true;
        }
        let written = seat.known.as_ref().and_then(|known| known.record.position);
        let position = self.window.checkpoint(seat.partition);
        if position == written {
            return false;
        }
        let idle_for = now.saturating_sub(seat.written_at);
        let waited_for = |flush: &(_, _)| after(Some(flush.0), written) && !after(Some(flush.0), position);
        (round && (seat.worked || idle_for >= self.options.checkpoint_every * 10))
            || self.flushes.iter().any(waited_for)
    }

    fn write(&mut self, partition: Partition, now: Duration) {
        let (me, checkpoint) = (self.me.clone(), self.window.checkpoint(partition));
        let Some(seat) = self.seat(partition) else { return };
        seat.written_at = now;
        seat.worked = false;
        let releasing = seat.hold == Hold::Releasing;
        let record = Record {
            epoch: seat.epoch,
            owner: (!releasing).then_some(me),
            position: if releasing { seat.left_at } else { checkpoint },
            parked: seat.parked.clone(),
            resuming: seat.resuming.clone(),
        };
        let pending = seat.pending.len();
        self.put_record(partition, record, pending);
    }

    pub(super) fn put_record(&mut self, partition: Partition, record: Record, pending: usize) {
        let Some(seat) = self.seat(partition) else { return };
        let (value, condition) = (encode(&record), seat.condition());
        seat.put = Some(Put { record, value: value.clone(), condition, pending, again: None });
        self.puts += 1;
        self.actions.push_back(Action::Put { partition, value, condition });
    }

    /// A write of a record was answered, or not.
    pub(crate) fn put(
        &mut self,
        partition: Partition,
        result: Result<Revision, CoordinationError>,
        now: Duration,
    ) {
        match result {
            Ok(revision) => self.stands(partition, revision, now),
            Err(CoordinationError::Conflict { .. }) => {
                // It may be the own write, of which there was no answer.
                self.actions.push_back(Action::Look(partition));
            }
            Err(error) if error.is_retryable() => {
                tracing::warn!(group = %self.group, %partition, %error, "a record was not written, and is written again");
                self.again(partition, now, false);
            }
            Err(error) => self.actions.push_back(Action::Fail(error.into())),
        }
    }

    fn again(&mut self, partition: Partition, now: Duration, look: bool) {
        let at = now + self.soon();
        if let Some(put) = self.seat(partition).and_then(|seat| seat.put.as_mut()) {
            put.again = Some((at, look));
            self.attention = true;
        }
    }

    /// The record of a partition whose write met a conflict.
    pub(crate) fn looked(
        &mut self,
        partition: Partition,
        found: Result<Option<Known>, CoordinationError>,
        now: Duration,
    ) {
        let found = match found {
            Ok(found) => found,
            Err(error) if error.is_retryable() => return self.again(partition, now, true),
            Err(error) => return self.actions.push_back(Action::Fail(error.into())),
        };
        let Some(seat) = self.seat(partition) else { return };
        let Some(put) = &seat.put else { return };
        match found {
            Some(found) if found.record == put.record => self.stands(partition, found.revision, now),
            // What a write has expected was there, and records are not deleted: the server that was read from is behind.
            found if is_behind(found.as_ref(), put.condition) => self.again(partition, now, true),
            found => self.refused(partition, found),
        }
    }

    /// Somebody else has written the record.
    fn refused(&mut self, partition: Partition, found: Option<Known>) {
        self.attention = true;
        self.puts -= 1;
        let Some(seat) = self.seat(partition) else { return };
        seat.put = None;
        let newer = match (&found, &seat.known) {
            (Some(found), Some(known)) => found.revision > known.revision,
            _ => true,
        };
        if newer {
            seat.known = found;
        }
        let hold = seat.hold;
        match hold {
            Hold::Claiming | Hold::Releasing => seat.clear(),
            Hold::Opening | Hold::Held | Hold::Closing => seat.leave(Leave::Lost),
            // It was known before that somebody else has it.
            Hold::Empty => {}
        }
        if hold != Hold::Claiming {
            self.counts.refused += 1;
            tracing::warn!(
                group = %self.group, member = %self.me, %partition,
                "a checkpoint was refused: another member has the partition"
            );
        }
    }

    /// A write stands.
    fn stands(&mut self, partition: Partition, revision: Revision, now: Duration) {
        self.attention = true;
        let Some(seat) = self.seat(partition) else { return };
        let Some(put) = seat.put.take() else { return };
        let is_release = put.record.owner.is_none();
        if seat.known.as_ref().is_none_or(|known| known.revision < revision) {
            seat.known = Some(Known { record: put.record, revision });
        }
        let hold = seat.hold;
        let lost = seat.leaving == Some(Leave::Lost);
        self.puts -= 1;
        match hold {
            Hold::Claiming => self.claimed(partition),
            Hold::Releasing if is_release => {
                if let Some(seat) = self.seat(partition) {
                    seat.clear();
                }
            }
            Hold::Held if !lost => self.confirm(partition, put.pending, now),
            Hold::Held | Hold::Opening | Hold::Closing | Hold::Releasing | Hold::Empty => {}
        }
    }
}

/// Returns whether what was found is no newer than what a write has expected, so that it cannot be why it met a
/// conflict.
fn is_behind(found: Option<&Known>, expected: Condition) -> bool {
    match (found, expected) {
        (Some(found), Condition::At(expected)) => found.revision <= expected,
        (Some(_), _) => false,
        (None, _) => true,
    }
}

/// How long a restart waits for more partitions, which mostly come together.
const GATHER: Duration = Duration::from_millis(20);

#[derive(Debug, Default)]
pub(super) struct Reading {
    running: bool,
    /// When the reader is to start over.
    restart: Option<Duration>,
    pub(super) caught_up: bool,
    pub(super) last: Option<OffsetDateTime>,
}

impl Reading {
    /// The reader has ended, and is to start over at this time.
    pub(super) fn again(&mut self, at: Duration) {
        (self.running, self.restart) = (false, Some(at));
    }

    pub(super) fn seen(&mut self, recorded_at: OffsetDateTime) {
        self.last = Some(recorded_at);
    }

    pub(super) fn due(&self) -> Option<Duration> {
        self.restart
    }
}

impl Engine {
    /// Starts the reader over if a partition has come that is behind it; stops it if there is none.
    pub(super) fn restart_reading(&mut self, now: Duration) {
        if !self.has_seats() {
            if std::mem::take(&mut self.reading.running) {
                self.actions.push_back(Action::StopReading);
            }
            self.reading.restart = None;
            return;
        }
        if self.reading.restart.is_none() && (!self.reading.running || self.window.needs_rewind()) {
            self.reading.restart = Some(now + GATHER);
        }
        if self.reading.restart.take_if(|at| *at <= now).is_some() {
            let from = self.window.rewind();
            self.reading.running = true;
            self.reading.caught_up = false;
            self.actions.push_back(Action::Read(from.into()));
        }
    }
}
