//! [`ManualClock`]: a clock that goes when it is told to.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aether_core::Clock;
use time::OffsetDateTime;

/// A clock that begins now, and stands until it is told to go on.
#[derive(Debug)]
pub(crate) struct ManualClock(Mutex<OffsetDateTime>);

impl ManualClock {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(OffsetDateTime::now_utc()))
    }

    pub(crate) fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
