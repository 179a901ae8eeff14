//! [`JetStreamTimers`]: timers as scheduled messages, in a stream of their own, and their configuration
//! ([`JetStreamTimersConfig`]).

mod listen;
mod scheduled;

use std::sync::Arc;
use std::time::Duration;

use aether_core::{DueTimers, Timer, TimerError, TimerId, Timers, Unsupported};
use aether_nats::{Backoff, CallError, Missing, NoAnswer, StreamApi};
use async_nats::{Client, HeaderMap};
use async_trait::async_trait;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use self::listen::Listener;
use self::scheduled::Subjects;
use crate::config::{JetStreamConfig, Timeouts};
use crate::contract::Contract;
use crate::open::{self, OpenError};

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
    store: JetStreamConfig,
    ack_wait: Duration,
}

impl JetStreamTimersConfig {
    /// The default of [`ack_wait`](Self::ack_wait).
    pub const ACK_WAIT: Duration = Duration::from_secs(30);

    /// Sets the time after which a timer that was handed out, and not acknowledged, is handed out again; for the second time
    /// twice as long, and four times from then on. Default: 30 s, and 100 ms at least. All processes share the consumer:
    /// the setting of the last one that began to listen counts.
    pub fn ack_wait(mut self, ack_wait: Duration) -> Self {
        self.ack_wait = ack_wait.max(Duration::from_millis(100));
        self
    }

    /// The name of the stream: that of the store's, with `_timers`.
    #[must_use]
    pub fn stream_name(&self) -> String {
        format!("{}_timers", self.store.stream_name())
    }
}

impl From<JetStreamConfig> for JetStreamTimersConfig {
    /// The timers of a store, with all defaults.
    fn from(store: JetStreamConfig) -> Self {
        Self { store, ack_wait: Self::ACK_WAIT }
    }
}

/// Timers on NATS JetStream. Cloning is cheap and gives another handle on the same timers.
///
/// A timer is a message that the server itself sends on when its time has come
/// ([ADR-51](https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-51.md)), in a stream of their own,
/// `<stream>_timers`. They need nats-server 2.12.
///
/// # How it works
/// A timer is stored on `<stream>_timers.set.<category>.<key>.<name>.<hash>`, with the server's instruction to send it to
/// `….due.…` at a time; then everything else of the same [`TimerId`] up to that message is purged. All listeners, of
/// whatever process, share one durable consumer of what is due; what is acknowledged is gone from the stream.
///
/// # What was found with nats-server 2.15.1
/// - **Lateness.** The server looks at most every 250 ms, so a timer is 0 to 300 ms late. A past time takes 250 ms.
/// - **What arrives** is the payload and all headers, less those of the schedule, with `Nats-Scheduler` naming the subject
///   that it was set on. The schedule is removed in the same step.
/// - **Restarts.** What came due while no server was there is sent when one is: through 10 times `kill -9` of one server, of
///   6,819 timers none was lost and none came twice; through 6 of the leader of three, of 5,411 none was lost and one came
///   twice. When a leader is killed, timers wait for the next one, 5 s at most.
/// - **A schedule must not be replaced on its subject.** When one is sent on, the server purges the subject that it was set
///   on, and with it one that has replaced it in that moment: of 3,000 timers that were replaced within 300 ms of their
///   time, 41 to 68 of those acknowledged last were lost on one server, and 161 to 313 on three. Hence the hash of time and
///   payload in the subject, and the purge up to a sequence: of 12,000, none was lost.
/// - **A purge is always up to a sequence**, so one that is carried out late removes nothing that was set since. Cancelling
///   stores a message, too, to have one. (2.12.8 takes a purge up to sequence 1 for one of everything.)
/// - **The stream has no limits**, since a stream with schedules must drop its oldest messages when it is full.
#[derive(Debug, Clone)]
pub struct JetStreamTimers {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    api: StreamApi,
    subjects: Subjects,
    timeouts: Timeouts,
    ack_wait: Duration,
}

impl JetStreamTimers {
    /// Opens the timers of a store, whose stream exists. The configuration is the store's.
    ///
    /// # Errors
    /// [`OpenError`]; [`OpenError::Unsupported`] if the server is older than 2.12.
    pub async fn open(client: Client, config: impl Into<JetStreamTimersConfig>) -> Result<Self, OpenError> {
        Self::connect(client, &config.into(), Missing::Refuse).await
    }

    /// Opens the timers of a store, and creates their stream if it is missing. Needs the right to create streams, which
    /// opening does not. A stream that exists already is left as it is.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn create(client: Client, config: impl Into<JetStreamTimersConfig>) -> Result<Self, OpenError> {
        Self::connect(client, &config.into(), Missing::Create).await
    }

    async fn connect(
        client: Client,
        config: &JetStreamTimersConfig,
        missing: Missing,
    ) -> Result<Self, OpenError> {
        // An older server than the store needs is told by the store's own check, unless it is known already.
        if client.try_server_info().is_some() {
            check_server(&client)?;
        }
        let inbox = open::connect(client, &config.store).await?;
        check_server(inbox.client())?;
        let contract = Contract::of_timers(&config.store);
        let api = open::open(inbox, &config.store, &contract, missing).await?.api;
        let subjects = Subjects::new(api.stream());
        let (timeouts, ack_wait) = (config.store.timeouts, config.ack_wait);
        Ok(Self { inner: Arc::new(Inner { api, subjects, timeouts, ack_wait }) })
    }

    /// The name of the stream that holds the timers.
    #[must_use]
    pub fn stream_name(&self) -> &str {
        self.inner.api.stream()
    }
}

#[async_trait]
impl Timers for JetStreamTimers {
    async fn set(&self, timer: &Timer) -> Result<(), TimerError> {
        let (subject, headers) = self.inner.subjects.schedule(timer);
        let deadline = Instant::now() + self.inner.timeouts.save;
        let sequence = self.inner.store(subject, headers, timer.payload.clone(), deadline).await?;
        self.inner.purge_below(sequence, &timer.id, deadline).await
    }

    async fn cancel(&self, timer: &TimerId) -> Result<(), TimerError> {
        let (subject, headers) = self.inner.subjects.cancellation(timer);
        let deadline = Instant::now() + self.inner.timeouts.save;
        let sequence = self.inner.store(subject, headers, Bytes::new(), deadline).await?;
        self.inner.purge_below(sequence + 1, timer, deadline).await
    }

    async fn due(&self) -> Result<DueTimers, TimerError> {
        Listener::open(Arc::clone(&self.inner)).await.map(Listener::into_stream)
    }
}

impl Inner {
    /// Stores a message and gives its sequence. Storing it twice does no harm, so a doubt needs no more than another try.
    async fn store(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
        deadline: Instant,
    ) -> Result<u64, TimerError> {
        // The message that is sent on names the subject once more.
        let size = payload.len() + scheduled::size(&headers) + subject.len();
        let limit = self.api.client().max_payload();
        if size > limit {
            return Err(TimerError::TooLarge { size, limit });
        }
        let (subject, mut backoff) = (subject.into(), Backoff::until(deadline));
        loop {
            match self.api.publish(&subject, headers.clone(), payload.clone(), deadline).await {
                Ok(sequence) => return Ok(sequence),
                Err(e) if e.is_transient() && is_full(&e).is_none() && backoff.wait().await => {}
                Err(e) => return Err(timer_error(e)),
            }
        }
    }

    /// Removes everything of this timer below a sequence.
    async fn purge_below(&self, sequence: u64, timer: &TimerId, deadline: Instant) -> Result<(), TimerError> {
        #[derive(Deserialize)]
        struct Purged {}
        if sequence <= 1 {
            // There is nothing below it, and 2.12 takes that for no limit.
            return Ok(());
        }
        let body = json!({ "filter": self.subjects.all_of(timer), "seq": sequence });
        let Purged {} = self.api.call_until("STREAM.PURGE", &body, deadline).await.map_err(timer_error)?;
        Ok(())
    }
}

fn check_server(client: &Client) -> Result<(), OpenError> {
    match client.is_server_compatible(2, 12, 0) {
        true => Ok(()),
        false => {
            Err(Unsupported::new("durable timers (scheduled messages)", "nats-server 2.12 or newer").into())
        }
    }
}

/// The server's words, if it says that its storage is full.
fn is_full(error: &CallError) -> Option<&str> {
    match error {
        CallError::Refused(error) if [10002, 10023, 10028, 10047, 10077].contains(&error.err_code) => {
            Some(&error.description)
        }
        _ => None,
    }
}

fn timer_error(error: CallError) -> TimerError {
    if let Some(reason) = is_full(&error) {
        return TimerError::StoreFull { reason: reason.to_owned() };
    }
    match error {
        CallError::NoAnswer(NoAnswer::Denied(operation)) => TimerError::PermissionDenied { operation },
        other => TimerError::Unavailable(other.into()),
    }
}
