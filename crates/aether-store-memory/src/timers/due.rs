//! [`Due`]: one listener, who takes timers when they are due.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use aether_core::{DueTimer, Handed, TimerError, TimerId};
use async_trait::async_trait;
use futures_timer::Delay;
use futures_util::{FutureExt, Stream};
use time::OffsetDateTime;

use super::Shared;

/// How long a listener sleeps at most while there are timers: the clock may not go like the machine's.
const LOOK: Duration = Duration::from_millis(10);
/// The end of all time that can be written down.
const NEVER: OffsetDateTime = OffsetDateTime::new_utc(time::Date::MAX, time::Time::MAX);

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// A stream of timers that are due.
pub(super) struct Due {
    shared: Arc<Shared>,
    id: u64,
    delay: Delay,
}

impl Due {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, id: NEXT_ID.fetch_add(1, Ordering::Relaxed), delay: Delay::new(LOOK) }
    }

    /// Takes a timer that is due; otherwise says for how long there is none.
    fn take(&self) -> Result<DueTimer, Option<Duration>> {
        let now = self.shared.clock.now();
        let until = |at: OffsetDateTime| Duration::try_from(at - now).unwrap_or_default();
        let taken = self.shared.set().take(now).map_err(|next| next.map(until))?;
        let id = taken.timer.id.clone();
        let out = Out { shared: Arc::clone(&self.shared), id, number: taken.number };
        Ok(DueTimer::new(taken.timer, taken.attempt, out))
    }
}

impl Stream for Due {
    type Item = Result<DueTimer, TimerError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Ok(due) = self.take() {
            return Poll::Ready(Some(Ok(due)));
        }
        self.shared.waiting.wait(self.id, context.waker());
        loop {
            // The first time round: a timer may have been set just before.
            match self.take() {
                Ok(due) => return Poll::Ready(Some(Ok(due))),
                Err(None) => return Poll::Pending,
                Err(Some(wait)) => self.delay.reset(wait.min(LOOK)),
            }
            if self.delay.poll_unpin(context).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl Drop for Due {
    fn drop(&mut self) {
        self.shared.waiting.forget(self.id);
    }
}

/// A timer that is handed out. When it is dropped, it waits again, if it has not been forgotten.
struct Out {
    shared: Arc<Shared>,
    id: TimerId,
    number: u64,
}

impl Out {
    fn give_back(&self, after: Duration) {
        let now = self.shared.clock.now();
        // What is too far away to be written down will never be.
        let at = time::Duration::try_from(after).ok().and_then(|after| now.checked_add(after));
        self.shared.set().give_back(&self.id, self.number, at.unwrap_or(NEVER));
        self.shared.waiting.wake_all();
    }
}

#[async_trait]
impl Handed for Out {
    async fn done(self: Box<Self>) -> Result<(), TimerError> {
        self.shared.set().forget(&self.id, self.number);
        Ok(())
    }

    async fn again(self: Box<Self>, after: Duration) -> Result<(), TimerError> {
        self.give_back(after);
        Ok(())
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        self.give_back(Duration::ZERO);
    }
}
