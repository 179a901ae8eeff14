//! [`Backoff`]: how long the runtime waits before it tries something again.

use std::time::Duration;

use tokio::time::Instant;

/// A growing, randomised delay between attempts, so that two rivals come apart.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    most: Duration,
}

impl Default for Backoff {
    /// Returns the delays for something that is not there at the moment.
    fn default() -> Self {
        Self { next: Duration::from_millis(1), most: Duration::from_millis(500) }
    }
}

impl Backoff {
    /// Returns the delays for rivals of one actor: short, since a long wait only leaves the actor idle.
    pub(crate) fn between_rivals() -> Self {
        Self { next: Duration::from_micros(250), most: Duration::from_millis(16) }
    }

    /// Waits for the next delay, which doubles up to the limit.
    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(self.next.mul_f64(0.5 + fastrand::f64())).await;
        self.next = (self.next * 2).min(self.most);
    }

    /// Returns whether the next delay ends before `then`, when the callers stop waiting.
    pub(crate) fn fits_before(&self, then: Instant) -> bool {
        Instant::now() + self.next.mul_f64(1.5) < then
    }

    /// Returns how long an actor rests after so many panics in a row.
    pub(crate) fn after(panics: u32) -> Duration {
        let doubled = Duration::from_millis(5).saturating_mul(1 << panics.min(10));
        doubled.min(Duration::from_secs(2))
    }
}
