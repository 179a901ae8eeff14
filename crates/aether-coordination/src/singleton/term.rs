//! [`Term`]: holding a singleton, for a time.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::state::State;

/// Holding a singleton, from a take-over until it is lost, which is final: whoever gets it again has another term.
///
/// A term says by its own process' clock how long it may still be relied on, and each renewal makes that longer. A long step
/// should look at [`remaining`](Self::remaining) before it begins; what is written elsewhere should carry the
/// [`epoch`](Self::epoch), so that it can be refused there if somebody later has written already.
#[derive(Debug, Clone)]
pub struct Term {
    epoch: u64,
    state: watch::Receiver<State>,
}

impl Term {
    pub(super) fn new(epoch: u64, state: watch::Receiver<State>) -> Self {
        Self { epoch, state }
    }

    /// The number of this term: later ones have higher ones, whoever holds them.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// For how long it may still be relied on if nothing is heard of the servers any more. Zero once it is lost.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        if self.state.has_changed().is_err() {
            return Duration::ZERO;
        }
        self.state.borrow().remaining(self.epoch)
    }

    /// Whether it has not been lost.
    #[must_use]
    pub fn is_held(&self) -> bool {
        !self.remaining().is_zero()
    }

    /// Until when it may be relied on, as things stand; it is put off with each renewal. `None` once it is lost.
    #[must_use]
    pub fn until(&self) -> Option<Instant> {
        self.is_held().then(|| self.state.borrow().until(self.epoch)).flatten()
    }

    /// Waits until it is lost.
    ///
    /// # Cancel safety
    /// Nothing is lost if this is given up.
    pub async fn lost(&self) {
        let mut state = self.state.clone();
        loop {
            let remaining = self.remaining();
            if remaining.is_zero() {
                return;
            }
            tokio::select! {
                changed = state.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
                () = sleep(remaining) => {}
            }
        }
    }
}
