//! [`Change`]: what an event in an actor's log changes about one of its timers.

use std::sync::Arc;

use aether_core::{
    InvalidTimer, PayloadError, ReadError, RecordedEvent, Timer, TimerError, TimerId, Timers, Version,
};
use futures_util::TryStreamExt;

use super::alarm::Alarm;
use crate::runtime::system_event::{TIMER_CANCELLED, TIMER_SET, TimerCancelled, TimerSet};
use crate::system::Store;

/// What an event in an actor's log changes about one of its timers.
#[derive(Debug)]
pub(super) enum Change {
    Set(Timer),
    Cancel(TimerId),
}

/// Why an event is no change, though its type says so.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoChange {
    #[error(transparent)]
    Data(#[from] PayloadError),
    #[error(transparent)]
    Timer(#[from] InvalidTimer),
    #[error("the timer cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

impl Change {
    /// What this event changes, if it is about a timer.
    pub(super) fn of(event: &RecordedEvent) -> Result<Option<Self>, NoChange> {
        Ok(match event.event_type() {
            TIMER_SET => {
                let set: TimerSet = event.data()?;
                let id = TimerId::new(event.actor(), &set.name)?;
                Some(Self::Set(Timer::new(id, set.at, Alarm::of(event, set).to_json()?)?))
            }
            TIMER_CANCELLED => {
                let cancelled: TimerCancelled = event.data()?;
                Some(Self::Cancel(TimerId::new(event.actor(), cancelled.name)?))
            }
            _ => None,
        })
    }

    /// The last change of this timer after a version of its actor, and the version that it is of.
    pub(super) async fn last_after(
        version: Version,
        timer: &TimerId,
        store: &Arc<dyn Store>,
    ) -> Result<Option<(Version, Self)>, ReadError> {
        let mut events = store.get_events(timer.actor(), version.next());
        let mut last = None;
        while let Some(event) = events.try_next().await? {
            // What cannot be read is for whoever comes by it in turn.
            let change = Self::of(&event).ok().flatten().filter(|change| change.timer() == timer);
            last = change.map(|change| (event.version(), change)).or(last);
        }
        Ok(last)
    }

    /// Which timer it changes.
    pub(super) fn timer(&self) -> &TimerId {
        match self {
            Self::Set(timer) => &timer.id,
            Self::Cancel(id) => id,
        }
    }

    /// Makes it.
    pub(super) async fn make(&self, timers: &dyn Timers) -> Result<(), TimerError> {
        match self {
            Self::Set(timer) => timers.set(timer).await,
            Self::Cancel(id) => timers.cancel(id).await,
        }
    }
}
