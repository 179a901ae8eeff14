//! [`JetStreamTimersConfig`]: which store's timers they are, and how they are handed out.

use std::time::Duration;

use crate::config::JetStreamConfig;

/// The configuration of timers: that of the store that they belong to, and a little more.
///
/// Namespace, stream, replicas, storage, compression, timeouts and denials are the store's. Its other settings do not
/// concern timers.
///
/// ```
/// use std::time::Duration;
/// use aether_store_jetstream::{JetStreamConfig, JetStreamTimersConfig};
///
/// let store = JetStreamConfig::new("events").namespace("tenant-abc").replicas(3);
/// let timers = JetStreamTimersConfig::from(store.clone()).ack_wait(Duration::from_secs(60));
/// assert_eq!(timers.stream_name(), "tenant-abc_events_timers");
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct JetStreamTimersConfig {
    pub(super) store: JetStreamConfig,
    pub(super) ack_wait: Duration,
}

impl JetStreamTimersConfig {
    /// The default of [`ack_wait`](Self::ack_wait).
    pub const ACK_WAIT: Duration = Duration::from_secs(30);

    /// How long a timer that was handed out may take to be acknowledged before it is handed out again; for the second
    /// time twice as long, and four times from then on. Default: 30 s, and 100 ms at least. It is a setting of the
    /// consumer that all processes share: that of whoever began to listen last counts.
    pub fn ack_wait(mut self, ack_wait: Duration) -> Self {
        self.ack_wait = ack_wait.max(Duration::from_millis(100));
        self
    }

    /// The name of the stream: that of the store's, with `_timers`.
    #[must_use]
    pub fn stream_name(&self) -> String {
        stream_name(&self.store)
    }
}

impl From<JetStreamConfig> for JetStreamTimersConfig {
    /// The timers of a store, with all defaults.
    fn from(store: JetStreamConfig) -> Self {
        Self { store, ack_wait: Self::ACK_WAIT }
    }
}

/// The name of the stream with the timers of a store.
pub(super) fn stream_name(store: &JetStreamConfig) -> String {
    format!("{}_timers", store.stream_name())
}
