//! [`Change`]: what an event in an actor's log changes about one of its timers; and [`Alarm`], what a timer says when it is
//! due.

use std::sync::Arc;

use aether_core::{
    Event, InvalidTimer, PayloadError, Position, ReadError, RecordedEvent, Timer, TimerError, TimerId,
    Timers, Version,
};
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::command_id::CommandId;
use crate::runtime::shared::Store;
use crate::runtime::system_event::{TIMER_CANCELLED, TIMER_SET, TimerCancelled, TimerSet};

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

/// What a timer says when it is due: the command, and where it was set. The bytes are the same whenever the same event is
/// handled, so that setting a timer again is the same timer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Alarm {
    /// The id of the event, and of the command.
    id: Uuid,
    /// Where the event stands in the actor's log.
    pub(super) version: Version,
    /// Where the event stands in the store.
    pub(super) position: Position,
    /// The name of the command.
    pub(super) command: String,
    pub(super) data: Box<RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
}

impl Alarm {
    /// Of the timer that this event sets.
    pub(super) fn of(event: &RecordedEvent, set: TimerSet) -> Self {
        Self {
            id: event.id(),
            version: event.version(),
            position: event.position,
            command: set.command,
            data: set.data,
            correlation_id: event.metadata().correlation_id.clone(),
            traceparent: event.metadata().traceparent.clone(),
        }
    }

    pub(super) fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// The command's id.
    pub(super) fn id(&self) -> CommandId {
        CommandId::from(self.id)
    }

    /// The event that set the timer, as far as what it causes has to know it.
    pub(super) fn cause(&self, timer: &TimerId) -> Option<Event> {
        let mut event = Event::builder(timer.actor(), self.version, TIMER_SET).id(self.id);
        if let Some(correlation_id) = &self.correlation_id {
            event = event.correlation_id(correlation_id);
        }
        if let Some(traceparent) = &self.traceparent {
            event = event.traceparent(traceparent);
        }
        event.build().ok()
    }
}
