//! The state of a case: what its events add up to.

use aether::Event;
use serde::Deserialize;
use serde_json::Value;
use time::{Duration, OffsetDateTime};

/// Where a case stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CaseState {
    /// What happened last, such as `Shipped / complete`.
    pub(crate) step: String,
    /// How many events it has.
    pub(crate) events: u64,
    began: OffsetDateTime,
    last: OffsetDateTime,
}

/// The data of an event, as far as the state needs it.
#[derive(Deserialize)]
struct Data {
    #[serde(rename = "lifecycle:transition")]
    lifecycle: Option<Value>,
}

impl CaseState {
    /// The state after `event`, which came after `before`.
    pub(crate) fn after(before: Option<Self>, event: &Event) -> Self {
        let lifecycle = event.data().ok().and_then(|data: Data| data.lifecycle);
        let step = match lifecycle.as_ref().and_then(Value::as_str) {
            Some(lifecycle) => format!("{} / {lifecycle}", event.event_type()),
            None => event.event_type().to_owned(),
        };
        let (events, began) = before.map_or((0, event.timestamp()), |before| (before.events, before.began));
        Self { step, events: events + 1, began, last: event.timestamp() }
    }

    /// From the first event to the last.
    pub(crate) fn duration(&self) -> Duration {
        self.last - self.began
    }
}
