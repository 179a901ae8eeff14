//! [`Timers`]: waking somebody up at a time, durably.

mod due;
mod timer;

use std::fmt;

use async_trait::async_trait;
use futures_core::stream::BoxStream;

pub use due::{DueTimer, Handed};
pub use timer::{InvalidTimer, Timer, TimerError, TimerId};

/// Timers that are due, one after the other. Dropping it stops listening; what was handed out stays handed out.
pub type DueTimers = BoxStream<'static, Result<DueTimer, TimerError>>;

/// Durable timers, which outlive the process that sets them.
///
/// # The contract
/// - **Durable.** A timer that was acknowledged as set, and neither cancelled nor replaced, is handed out, whatever
///   restarts in between and whether or not anybody listened when it became due.
/// - **At least once.** A timer is handed out again until it is acknowledged. It may be handed out twice, so listeners
///   make sure that the second time does nothing.
/// - **Not before its time**, by the clock of the store. How late it is told depends on the store; one
///   whose time has passed already is due at once.
/// - **Shared.** Each timer is handed to one of those who listen at a time, in whatever process. The order of timers that
///   are due is not said.
/// - **One for each id.** Setting a timer replaces the one of the same [`TimerId`], also where that one was due already and
///   had not been handed out. One that was being handed out at that moment, or had been before, may still come, or come
///   again: it says its own [`at`](Timer::at) and payload.
/// - **Idempotent.** Setting the same timer twice is setting it once, as long as it has not been acknowledged in between:
///   an acknowledged timer is forgotten.
#[async_trait]
pub trait Timers: fmt::Debug + Send + Sync {
    /// Sets a timer. One of the same id is replaced.
    ///
    /// # Errors
    /// [`TimerError`]. After [`TimerError::Unavailable`] the timer may or may not be set, and setting it again is safe.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the timer set or not. Where it was to replace another one that was due already, that one
    /// may be gone.
    async fn set(&self, timer: &Timer) -> Result<(), TimerError>;

    /// Cancels a timer; one that is not set is no error. If it is due already it may still be handed out.
    ///
    /// # Errors
    /// [`TimerError`]. After [`TimerError::Unavailable`] the timer may or may not be cancelled, and cancelling it again is
    /// safe.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the timer cancelled or not.
    async fn cancel(&self, timer: &TimerId) -> Result<(), TimerError>;

    /// Listens for timers that are due. The stream works while it is polled, waits out outages, and has no end but an error
    /// that waiting cannot mend.
    ///
    /// # Errors
    /// [`TimerError`].
    ///
    /// # Cancel safety
    /// Waiting for the next timer can be given up at any time; nothing is lost by it.
    async fn due(&self) -> Result<DueTimers, TimerError>;
}
