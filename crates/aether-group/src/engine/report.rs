//! What a member says about itself.

use std::time::Duration;

use aether_core::Position;

use super::seat::Hold;
use super::{Action, Engine};
use crate::record::Message;
use crate::window::after;
use crate::{PartitionProgress, Progress};

/// Over how long events per second are measured.
const RATE_SPAN: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) members: usize,
    pub(super) handled: u64,
    pub(super) retried: u64,
    pub(super) parked: u64,
    pub(super) refused: u64,
    pub(super) gained: u64,
    pub(super) lost: u64,
    rate: f64,
    rated_at: Duration,
    rated: u64,
}

impl Counts {
    fn rate(&mut self, now: Duration) -> f64 {
        let span = now.saturating_sub(self.rated_at);
        if span >= RATE_SPAN {
            // A handful of events is never more than 2^52.
            #[expect(clippy::cast_precision_loss, reason = "a rate is not exact")]
            let rate = (self.handled - self.rated) as f64 / span.as_secs_f64();
            self.rate = if self.rated_at.is_zero() { rate } else { (self.rate + rate) / 2.0 };
            (self.rated_at, self.rated) = (now, self.handled);
        }
        self.rate
    }
}

impl Engine {
    /// How far the member is.
    pub(crate) fn progress(&mut self, now: Duration) -> Progress {
        let partitions = self.seats.iter().filter(|seat| seat.hold == Hold::Held).map(|seat| {
            let partition = seat.partition;
            let progress = PartitionProgress {
                epoch: seat.epoch,
                position: self.window.checkpoint(partition),
                unfinished: self.window.unfinished_of(partition),
                parked: seat.parked.len(),
                halted: self.window.is_halted(partition),
            };
            (partition, progress)
        });
        let partitions: std::collections::BTreeMap<_, _> = partitions.collect();
        let mut lowest = partitions.values().map(|progress| progress.position);
        let handled_through = lowest.next().and_then(|first| {
            lowest.fold(first, |lowest, position| if after(lowest, position) { position } else { lowest })
        });
        let waiting = self.window.oldest().or(self.reading.last.filter(|_| !self.reading.caught_up));
        let lag = waiting.map(|recorded_at| self.clock.now() - recorded_at);
        Progress {
            handled_through,
            partitions,
            members: self.counts.members,
            cut_off: self.cut_off,
            caught_up: self.reading.caught_up,
            read: self.window.read(),
            lag: lag.and_then(|lag| lag.try_into().ok()).unwrap_or_default(),
            unfinished: self.window.unfinished(),
            handled: self.counts.handled,
            events_per_second: self.counts.rate(now),
            retried: self.counts.retried,
            parked: self.counts.parked,
            refused_checkpoints: self.counts.refused,
            gained: self.counts.gained,
            lost: self.counts.lost,
        }
    }

    /// Returns whether the whole group has handled everything up to a position, as far as is known here.
    pub(crate) fn has_reached(&self, position: Position) -> bool {
        self.seats.iter().all(|seat| {
            let reached = match seat.hold {
                Hold::Held => self.window.checkpoint(seat.partition),
                _ => seat.known.as_ref().and_then(|known| known.record.position),
            };
            !after(Some(position), reached)
        })
    }

    /// Somebody here waits for a position; `None` if nobody does any more.
    pub(crate) fn wait_for(&mut self, position: Option<Position>) {
        if position.is_some() && position != self.waited_for {
            self.actions.extend(position.map(|position| Action::Send(Message::Flush { position })));
        }
        self.waited_for = position;
    }
}
