//! [`Alarm`]: what a timer says when it is due.

use aether_core::{Event, Position, RecordedEvent, TimerId, Version};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::CommandId;
use crate::runtime::system_event::{TIMER_SET, TimerSet};

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
