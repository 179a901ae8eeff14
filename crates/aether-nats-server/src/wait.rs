//! Waiting for a condition, with a deadline.

use std::thread;
use std::time::{Duration, Instant};

/// How long to leave a condition alone before looking at it again.
const STEP: Duration = Duration::from_millis(5);

/// A point in time after which waiting is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(Instant);

impl Deadline {
    pub(super) fn after(timeout: Duration) -> Self {
        Self(Instant::now() + timeout)
    }

    pub(super) fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    pub(super) fn passed(self) -> bool {
        self.left().is_zero()
    }
}

/// Asks `condition` until it answers, or until the deadline has passed. It is asked at least once.
pub(super) fn poll<T>(deadline: Deadline, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    loop {
        if let Some(found) = condition() {
            return Some(found);
        }
        if deadline.passed() {
            return None;
        }
        thread::sleep(STEP.min(deadline.left()));
    }
}
