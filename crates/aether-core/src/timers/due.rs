//! [`DueTimer`]: a timer that is handed out, and to be acknowledged.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::{Timer, TimerError};

/// A timer that is due, in the hands of one listener.
///
/// The store hands it out again, to any listener, if it is dropped or not acknowledged for long; the store decides when.
/// A listener that fails to act on it calls [`again`](Self::again), which delays the next attempt.
pub struct DueTimer {
    timer: Timer,
    attempt: u64,
    handed: Box<dyn Handed>,
}

impl DueTimer {
    /// Returns, for stores, a timer that is handed out for the `attempt`th time; the first is 1.
    #[must_use]
    pub fn new(timer: Timer, attempt: u64, handed: impl Handed + 'static) -> Self {
        Self { timer, attempt, handed: Box::new(handed) }
    }

    /// The timer, as it was set.
    #[must_use]
    pub fn timer(&self) -> &Timer {
        &self.timer
    }

    /// Returns the number of this delivery, as counted by the store; the first is 1.
    #[must_use]
    pub fn attempt(&self) -> u64 {
        self.attempt
    }

    /// Returns the time since the timer was due, at `now`; zero if it is not yet due.
    #[must_use]
    pub fn late_by(&self, now: OffsetDateTime) -> Duration {
        (now - self.timer.at).try_into().unwrap_or_default()
    }

    /// Acknowledges the timer: what it was for is done, and it is forgotten.
    ///
    /// # Errors
    /// [`TimerError`]. Nothing has to be done about it: the timer may come again.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the timer acknowledged, or to come again.
    pub async fn done(self) -> Result<(), TimerError> {
        self.handed.done().await
    }

    /// Gives the timer back, to be handed out again after a while, or earlier if the store restarts.
    ///
    /// # Errors
    /// [`TimerError`]. Nothing has to be done about it: the timer comes again, though maybe at another time.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the timer to come again.
    pub async fn again(self, after: Duration) -> Result<(), TimerError> {
        self.handed.again(after).await
    }
}

impl fmt::Debug for DueTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("DueTimer");
        out.field("timer", &self.timer).field("attempt", &self.attempt).finish_non_exhaustive()
    }
}

/// The store's side of a timer that was handed out. If it is dropped, the store hands the timer out again.
#[async_trait]
pub trait Handed: Send + Sync {
    /// Implements [`DueTimer::done`].
    async fn done(self: Box<Self>) -> Result<(), TimerError>;

    /// Implements [`DueTimer::again`].
    async fn again(self: Box<Self>, after: Duration) -> Result<(), TimerError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ActorId, TimerId};
    use time::macros::datetime;

    struct Forgotten;

    #[async_trait]
    impl Handed for Forgotten {
        async fn done(self: Box<Self>) -> Result<(), TimerError> {
            Ok(())
        }

        async fn again(self: Box<Self>, _: Duration) -> Result<(), TimerError> {
            Ok(())
        }
    }

    #[test]
    fn how_late_it_is_is_never_negative() {
        let id = TimerId::new(&ActorId::new("order-1").unwrap(), "remind").unwrap();
        let at = datetime!(2030-01-01 12:00 UTC);
        let due = DueTimer::new(Timer::new(id, at, "").unwrap(), 1, Forgotten);
        assert_eq!(due.late_by(datetime!(2030-01-01 12:00:01.5 UTC)), Duration::from_millis(1500));
        assert_eq!(due.late_by(datetime!(2030-01-01 11:59 UTC)), Duration::ZERO);
    }
}
