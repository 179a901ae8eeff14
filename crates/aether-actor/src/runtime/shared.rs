//! [`Shared`]: what all kinds of actors in a process share; and [`Provided`], what their decisions may declare.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aether_core::{ActorId, Clock, EventStore, SnapshotStore, Subscribe, Timer, TimerId};
use time::OffsetDateTime;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::memory_limit::Residents;
use crate::decision::{Declared, When};
use crate::error::ActorError;
use crate::remote::router::Router;

/// A store that actors live on: events, snapshots, and a subscription to the events.
pub trait Store: EventStore + SnapshotStore + Subscribe {}

impl<S: EventStore + SnapshotStore + Subscribe> Store for S {}

/// The parts of a system that all kinds of actors in a process share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) namespace: Option<String>,
    pub(crate) residents: Residents,
    /// All tasks of the actors; each ends by itself.
    pub(crate) tasks: TaskTracker,
    pub(crate) runtime: Handle,
    /// How long an ask waits for its answer, unless it says otherwise.
    pub(crate) deadline: Duration,
    /// Whether there are timers, and which effects there are handlers for.
    pub(crate) provided: Provided,
    /// Where actors are; without one, all are here.
    pub(crate) router: Option<Arc<dyn Router>>,
    /// The highest sequence that was seen of any actor.
    sequence: AtomicU64,
    pub(crate) stopping: AtomicBool,
    pub(crate) given_up: AtomicBool,
}

impl Shared {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        namespace: Option<String>,
        residents: Residents,
        deadline: Duration,
        provided: Provided,
        router: Option<Arc<dyn Router>>,
    ) -> Self {
        Self {
            store,
            clock,
            namespace,
            residents,
            tasks: TaskTracker::new(),
            runtime: Handle::current(),
            deadline,
            provided,
            router,
            sequence: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            given_up: AtomicBool::new(false),
        }
    }

    /// Returns whether the system takes no new commands.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Returns whether the shutdown's deadline has passed: waiting commands are not begun, unknown outcomes not awaited.
    pub(crate) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Acquire)
    }

    /// The highest sequence that was seen of any actor; 0 for none.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    /// An actor was seen to be at this sequence.
    pub(crate) fn saw(&self, sequence: u64) {
        // Mostly it is known, or will be by a later commit soon: looking costs others nothing.
        if self.sequence.load(Ordering::Relaxed) < sequence {
            self.sequence.fetch_max(sequence, Ordering::AcqRel);
        }
    }
}

/// The things that decisions may declare in this system.
#[derive(Debug, Default)]
pub(crate) struct Provided {
    pub(crate) timers: bool,
    pub(crate) effects: Vec<&'static str>,
}

impl Provided {
    /// Refuses what would be saved and never be done.
    pub(crate) fn check(
        &self,
        actor: &ActorId,
        declared: &[Declared],
        now: OffsetDateTime,
    ) -> Result<(), ActorError> {
        declared.iter().try_for_each(|declared| match declared {
            Declared::SetTimer { name, when, .. } => {
                self.timer(actor, name)?;
                is_in_reach(*when, now)
            }
            Declared::CancelTimer { name } => self.timer(actor, name),
            Declared::Effect { name, .. } if self.effects.contains(name) => Ok(()),
            Declared::Effect { name, .. } => Err(ActorError::NotProvided {
                what: format!("the effect {name}"),
                needs: "a handler for it: add `.effect::<…>(…)` to the builder",
            }),
        })
    }

    fn timer(&self, actor: &ActorId, name: &str) -> Result<(), ActorError> {
        if !self.timers {
            return Err(ActorError::NotProvided {
                what: format!("the timer {name:?}"),
                needs: "timers: add `.timers(…)` to the builder",
            });
        }
        TimerId::new(actor, name)
            .map(|_| ())
            .map_err(|error| ActorError::convert("the name of a timer", error))
    }
}

fn is_in_reach(when: When, now: OffsetDateTime) -> Result<(), ActorError> {
    let at = match when {
        When::At(at) => Some(at),
        When::After(after) => time::Duration::try_from(after).ok().and_then(|after| now.checked_add(after)),
    };
    match at {
        Some(at) if at <= Timer::LATEST => Ok(()),
        _ => Err(ActorError::convert("the time of a timer", TooFarAhead)),
    }
}

/// A time that is later than any timer can be set to.
#[derive(Debug, thiserror::Error)]
#[error("a timer may be set to {} at the latest", Timer::LATEST)]
struct TooFarAhead;
