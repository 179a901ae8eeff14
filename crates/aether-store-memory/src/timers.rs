//! [`MemoryTimers`]: timers as long as the process lives.

mod due;
mod set;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aether_core::{Clock, DueTimers, SystemClock, Timer, TimerError, TimerId, Timers};
use async_trait::async_trait;
use futures_util::StreamExt;

use self::due::Due;
use self::set::TimerSet;
use crate::waiting::Waiting;

/// Timers in memory, by an injected clock. Its clones are handles on the same timers.
///
/// They tell of a timer within 10 ms of when the clock says that it is due, whichever clock that is: also one that a test
/// moves by hand. A timer that is dropped without being acknowledged comes again at once.
///
/// ```
/// use aether_core::{ActorId, Timer, TimerId, Timers};
/// use aether_store_memory::MemoryTimers;
/// use futures_util::StreamExt;
/// use time::OffsetDateTime;
///
/// # futures_executor::block_on(async {
/// let timers = MemoryTimers::new();
/// let id = TimerId::new(&ActorId::new("order-123")?, "remind to pay")?;
/// timers.set(&Timer::new(id.clone(), OffsetDateTime::now_utc(), "please")?).await?;
///
/// let mut due = timers.due().await?;
/// let timer = due.next().await.ok_or("the stream has no end")??;
/// assert_eq!(timer.timer().id, id);
/// timer.done().await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct MemoryTimers {
    shared: Arc<Shared>,
}

/// What all handles, listeners and timers that are handed out share.
struct Shared {
    clock: Arc<dyn Clock>,
    set: Mutex<TimerSet>,
    /// The listeners.
    waiting: Waiting,
}

impl MemoryTimers {
    /// The largest payload of a timer, in bytes: what a NATS server takes, less what it needs for the rest.
    pub const MAX_PAYLOAD: usize = 1024 * 1024 - 4096;

    /// No timers, by the clock of the machine.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(SystemClock)
    }

    /// No timers, by this clock.
    #[must_use]
    pub fn with_clock(clock: impl Clock + 'static) -> Self {
        let (clock, set, waiting) = (Arc::new(clock), Mutex::default(), Waiting::default());
        Self { shared: Arc::new(Shared { clock, set, waiting }) }
    }
}

impl Default for MemoryTimers {
    fn default() -> Self {
        Self::new()
    }
}

impl Shared {
    /// The timers. Nothing that runs while they are locked can panic half way.
    fn set(&self) -> MutexGuard<'_, TimerSet> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("clock", &self.clock)
            .field("set", &*self.set())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Timers for MemoryTimers {
    async fn set(&self, timer: &Timer) -> Result<(), TimerError> {
        let (size, limit) = (timer.payload.len(), Self::MAX_PAYLOAD);
        if size > limit {
            return Err(TimerError::TooLarge { size, limit });
        }
        self.shared.set().set(timer);
        self.shared.waiting.wake_all();
        Ok(())
    }

    async fn cancel(&self, timer: &TimerId) -> Result<(), TimerError> {
        self.shared.set().cancel(timer);
        Ok(())
    }

    async fn due(&self) -> Result<DueTimers, TimerError> {
        Ok(Due::new(Arc::clone(&self.shared)).boxed())
    }
}
