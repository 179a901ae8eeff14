//! [`Timer`]: the time since something began, for a histogram.

use std::time::Instant;

use metrics::Histogram;

use super::recorder;

/// The time since something began; without a recorder the clock is not asked. By default it has not begun, and measures
/// nothing.
#[derive(Debug, Clone, Copy, Default)]
#[must_use = "a timer is handed to what is counted at the end"]
pub struct Timer(Option<Instant>);

impl Timer {
    /// Begins now.
    pub fn start() -> Self {
        Self(recorder::is_installed().then(Instant::now))
    }

    /// Whether there was a recorder when it began.
    pub(crate) fn is_running(self) -> bool {
        self.0.is_some()
    }

    /// When it began, if there was a recorder then.
    pub(crate) fn began(self) -> Option<Instant> {
        self.0
    }

    pub(crate) fn stop(self, histogram: &Histogram) {
        if let Self(Some(began)) = self {
            histogram.record(began.elapsed().as_secs_f64());
        }
    }
}
