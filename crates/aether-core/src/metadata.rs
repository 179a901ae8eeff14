//! [`Metadata`]: what is known about an event besides its data.

use std::collections::BTreeMap;

/// Data about an event beside its payload: its cause, its conversation and its trace.
///
/// The named entries are what every event store keeps; `user` holds any keys of the application.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Metadata {
    /// The command that led to the event.
    pub command_id: Option<String>,
    /// The conversation that the event is part of: the same for everything that one request set off.
    pub correlation_id: Option<String>,
    /// The event or command that directly caused the event.
    pub causation_id: Option<String>,
    /// The W3C trace context of the span that saved the event.
    pub traceparent: Option<String>,
    /// The application's own entries, under any key.
    pub user: BTreeMap<String, String>,
}

impl Metadata {
    /// Returns empty metadata.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes of all keys and values.
    pub(crate) fn size(&self) -> usize {
        let named = [&self.command_id, &self.correlation_id, &self.causation_id, &self.traceparent];
        let named: usize = named.into_iter().flatten().map(String::len).sum();
        named + self.user.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>()
    }
}
