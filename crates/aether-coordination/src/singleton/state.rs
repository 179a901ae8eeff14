//! [`State`]: what the driver tells the handle and the terms.

use std::sync::Arc;
use std::time::Duration;

use crate::CoordinationError;
use tokio::time::Instant;

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
