//! [`Clock`]: a node's own time, which is not the true one.

use std::time::Duration;

/// A clock that runs too fast or too slowly, and that stands still while its machine is suspended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    /// At this true time it showed that.
    truly: Duration,
    shows: Duration,
    rate: f64,
}

impl Clock {
    pub(super) fn new(now: Duration, shows: Duration, rate: f64) -> Self {
        Self { truly: now, shows, rate }
    }

    /// What it shows at this true time.
    pub(super) fn at(&self, now: Duration) -> Duration {
        self.shows + now.saturating_sub(self.truly).mul_f64(self.rate)
    }

    /// The true time at which it shows this, rather late than early.
    pub(super) fn when(&self, shows: Duration) -> Duration {
        let span = shows.saturating_sub(self.shows).min(Duration::from_secs(1_000_000));
        self.truly + span.div_f64(self.rate) + Duration::from_micros(1)
    }

    /// It stands still from now until then.
    pub(super) fn suspend(&mut self, now: Duration, until: Duration) {
        *self = Self::new(until, self.at(now), self.rate);
    }
}
