//! [`DrainGate`] and [`Permit`]: who is inside, and a door that can be closed.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// The bit that says that nobody may enter. The others are the count.
const CLOSED: u64 = 1 << 63;

/// A count of those who are inside, with a door that can be closed: how a shard knows that nothing is under way in it any
/// more. Begins closed.
pub struct DrainGate {
    /// The door and the count in one, so that nobody slips in between a look at the one and the other.
    state: AtomicU64,
    /// QueryReply when it is closed and nobody is inside.
    drained: Notify,
}

impl DrainGate {
    /// Closed, with nobody inside.
    #[must_use]
    pub fn new() -> Self {
        Self { state: AtomicU64::new(CLOSED), drained: Notify::new() }
    }

    /// Opens the door.
    pub fn open(&self) {
        self.state.fetch_and(!CLOSED, Ordering::AcqRel);
    }

    /// Closes the door; whoever is inside stays there.
    pub fn close(&self) {
        if self.state.fetch_or(CLOSED, Ordering::AcqRel) & !CLOSED == 0 {
            self.drained.notify_waiters();
        }
    }

    /// Whether the door is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state.load(Ordering::Acquire) & CLOSED == 0
    }

    /// Enters, until the permit is dropped; `None` if the door is closed.
    #[must_use]
    pub fn enter(self: &Arc<Self>) -> Option<Permit> {
        let entered = |state: u64| (state & CLOSED == 0).then_some(state + 1);
        self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, entered).ok()?;
        Some(Permit { entries: Arc::clone(self) })
    }

    /// Waits until the door is closed and nobody is inside. That may be over as soon as it is known, if somebody else opens
    /// the door.
    ///
    /// # Cancel safety
    /// Can be dropped at any time.
    pub async fn drained(&self) {
        loop {
            let told = self.drained.notified();
            tokio::pin!(told);
            // Listens before it looks: what comes in between is not missed.
            told.as_mut().enable();
            if self.state.load(Ordering::Acquire) == CLOSED {
                return;
            }
            told.await;
        }
    }

    /// How many are inside.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.state.load(Ordering::Acquire) & !CLOSED
    }
}

impl Default for DrainGate {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for DrainGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DrainGate").field("open", &self.is_open()).field("count", &self.count()).finish()
    }
}

/// The right to act for an actor here, until it is dropped. See [`DrainGate::enter`].
#[derive(Debug)]
#[must_use = "whoever drops it has left"]
pub struct Permit {
    entries: Arc<DrainGate>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.entries.state.fetch_sub(1, Ordering::AcqRel) == CLOSED | 1 {
            self.entries.drained.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn nobody_enters_a_closed_door() {
        let entries = Arc::new(DrainGate::new());
        assert!(entries.enter().is_none());
        entries.open();
        let (first, second) = (entries.enter().unwrap(), entries.enter().unwrap());
        assert_eq!(entries.count(), 2);
        entries.close();
        assert!(entries.enter().is_none());
        assert_eq!(entries.count(), 2);
        let waiting = tokio::spawn({
            let entries = Arc::clone(&entries);
            async move { entries.drained().await }
        });
        tokio::task::yield_now().await;
        drop(first);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(second);
        tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap();
        assert!(!entries.is_open());
    }

    #[tokio::test]
    async fn an_open_door_is_not_drained() {
        let entries = Arc::new(DrainGate::new());
        entries.open();
        let mut drained = Box::pin(entries.drained());
        assert!(futures_util::poll!(drained.as_mut()).is_pending());
        entries.close();
        assert!(futures_util::poll!(drained.as_mut()).is_ready());
        entries.drained().await;
    }

    /// Whoever is inside must never be there when the one who has drained it believes that nobody is.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn nobody_is_inside_once_it_is_drained() {
        let entries = Arc::new(DrainGate::new());
        let drained = Arc::new(AtomicBool::new(true));
        let entered = Arc::new(AtomicU64::new(0));
        let mut users = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let (entries, drained, entered) =
                (Arc::clone(&entries), Arc::clone(&drained), Arc::clone(&entered));
            users.spawn(async move {
                loop {
                    if let Some(permit) = entries.enter() {
                        assert!(!drained.load(Ordering::Acquire), "somebody is inside");
                        if entered.fetch_add(1, Ordering::AcqRel).is_multiple_of(3) {
                            tokio::task::yield_now().await;
                        }
                        assert!(!drained.load(Ordering::Acquire), "somebody is inside");
                        drop(permit);
                    }
                    tokio::task::yield_now().await;
                }
            });
        }
        let rounds = async {
            for _ in 0..2_000 {
                let before = entered.load(Ordering::Acquire);
                drained.store(false, Ordering::Release);
                entries.open();
                while entered.load(Ordering::Acquire) < before + 3 {
                    tokio::task::yield_now().await;
                }
                entries.close();
                entries.drained().await;
                assert_eq!(entries.count(), 0);
                drained.store(true, Ordering::Release);
                assert!(users.try_join_next().is_none(), "a user has ended");
            }
        };
        tokio::time::timeout(Duration::from_secs(60), rounds)
            .await
            .expect("nobody says that the last has left");
        users.shutdown().await;
    }
}
