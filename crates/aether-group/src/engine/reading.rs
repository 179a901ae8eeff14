//! From where a member reads.

use std::time::Duration;

use time::OffsetDateTime;

use super::{Action, Engine};

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
