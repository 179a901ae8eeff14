//! [`Term`]: holding a singleton, for a time; the [`State`] that the driver reports, and the [`Claim`] in the key.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::{CoordinationError, Key};

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

/// How a candidate stands.
#[derive(Debug, Clone)]
pub(super) enum State {
    /// It does not hold the singleton.
    Waiting,
    /// It holds it in this epoch, until this time.
    Held { epoch: u64, until: Instant },
    /// It is no candidate any more, for this reason; without one, because it was asked to leave.
    Ended(Option<Arc<CoordinationError>>),
}

impl State {
    /// The epoch in which it is held now. The clock has the last word: whoever tells the state may be late.
    pub(super) fn held(&self) -> Option<u64> {
        match self {
            Self::Held { epoch, until } if *until > Instant::now() => Some(*epoch),
            _ => None,
        }
    }

    /// Until when it is held, if this is the epoch.
    pub(super) fn until(&self, in_epoch: u64) -> Option<Instant> {
        match self {
            Self::Held { epoch, until } if *epoch == in_epoch => Some(*until),
            _ => None,
        }
    }

    pub(super) fn remaining(&self, in_epoch: u64) -> Duration {
        let until = self.until(in_epoch);
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }
}

/// Who holds the singleton.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claim {
    /// The name of the candidate, for people.
    pub(super) candidate: String,
    /// Which joining of it: a process that was started again is another one.
    pub(super) join: Uuid,
    /// The revision of the take-over, which only renewals know: the take-over itself is that revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) epoch: Option<u64>,
}

impl Claim {
    pub(super) fn encode(&self) -> Bytes {
        // Text and numbers alone can always be written.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// The claim in a key; `None` if somebody else has put something else there, which is honoured as long as it stands.
    pub(super) fn decode(value: &[u8]) -> Option<Self> {
        serde_json::from_slice(value).ok()
    }
}

/// What the keys of a singleton are below.
pub(super) fn prefix(name: &str) -> Key {
    Key::root("singleton").child(name)
}

/// The key that its holder has leased.
pub(super) fn key(name: &str) -> Key {
    prefix(name).child("holder")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_comes_back_as_it_was() {
        let taken = Claim { candidate: "a \"b\"".to_owned(), join: Uuid::from_u128(7), epoch: None };
        let renewed = Claim { epoch: Some(u64::MAX), ..taken.clone() };
        for claim in [taken, renewed] {
            assert_eq!(Claim::decode(&claim.encode()), Some(claim));
        }
        assert_eq!(Claim::decode(b"by hand"), None);
    }
}
