//! [`Tally`]: what customers have asked, and what they were answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aether::actor::CommandId;
use tokio::time::Instant;

/// What customers have asked, and what they were answered. Clones are the same tally.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally(Arc<Mutex<Counted>>);

/// All of it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Counted {
    /// The commands that an account has said to have executed.
    pub(crate) executed: BTreeSet<CommandId>,
    /// Those that it has refused: the money was not there.
    pub(crate) refused: BTreeSet<CommandId>,
    /// Those whose answers are being waited for, and since when.
    pub(crate) waiting: BTreeMap<CommandId, Instant>,
    /// How often there was a failure instead of an answer.
    pub(crate) failed: u64,
    /// The last failure, for people.
    pub(crate) last_failure: Option<String>,
    /// The longest that anybody has waited for an answer since this was last taken.
    slowest: Duration,
}

/// The figures of a [`Tally`] at a moment.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) answered: usize,
    pub(crate) refused: usize,
    pub(crate) waiting: usize,
    /// How long the answer is being waited for that is waited for the longest.
    pub(crate) longest: Duration,
    pub(crate) failed: u64,
}

impl Tally {
    /// Somebody waits for an answer.
    pub(crate) fn asked(&self, id: CommandId) {
        self.counted().waiting.insert(id, Instant::now());
    }

    /// There is one.
    pub(crate) fn answered(&self, id: CommandId, refused: bool) {
        let mut counted = self.counted();
        let waited = counted.waiting.remove(&id).map(|since| since.elapsed());
        counted.slowest = counted.slowest.max(waited.unwrap_or_default());
        let _ = if refused { counted.refused.insert(id) } else { counted.executed.insert(id) };
    }

    /// There is none, but a failure. Whoever has asked still waits.
    pub(crate) fn failed(&self, how: String) {
        let mut counted = self.counted();
        counted.failed += 1;
        counted.last_failure = Some(how);
    }

    /// The figures of now.
    pub(crate) fn figures(&self) -> Figures {
        let counted = self.counted();
        let (executed, refused) = (counted.executed.len(), counted.refused.len());
        Figures {
            answered: executed + refused,
            refused,
            waiting: counted.waiting.len(),
            longest: counted.waiting.values().min().map(Instant::elapsed).unwrap_or_default(),
            failed: counted.failed,
        }
    }

    /// The longest that anybody has waited for an answer since this was last called.
    pub(crate) fn take_slowest(&self) -> Duration {
        std::mem::take(&mut self.counted().slowest)
    }

    /// All of it.
    pub(crate) fn all(&self) -> Counted {
        self.counted().clone()
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        // Nothing is left half done in it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
