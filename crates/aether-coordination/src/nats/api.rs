//! [`Api`]: the few calls of JetStream that coordination makes.

use std::collections::HashMap;
use std::time::Duration;

use aether_core::Source;
use async_nats::{Client, HeaderMap};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::backoff::Backoff;
use super::requests::{NoAnswer, Requests};
use super::stored::Stored;
use crate::CoordinationError;

/// No message is on this subject.
const NO_MESSAGE_FOUND: u32 = 10037;

/// An error that JetStream answered.
#[derive(Debug, Clone, Deserialize, thiserror::Error)]
#[error("{description} (JetStream error {err_code})")]
pub(crate) struct ApiError {
    pub(crate) code: u16,
    #[serde(default)]
    pub(crate) err_code: u32,
    #[serde(default)]
    pub(crate) description: String,
}

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    #[error(transparent)]
    Refused(#[from] ApiError),
    #[error("an answer that cannot be understood")]
    Garbled(#[source] Source),
}

impl CallError {
    /// Whether the same call may get a result later.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::NoAnswer(no_answer) => !matches!(no_answer, NoAnswer::Closed),
            Self::Refused(error) => error.code >= 500,
            Self::Garbled(_) => false,
        }
    }

    /// The number of the error that JetStream answered; 0 if it was none.
    pub(crate) fn number(&self) -> u32 {
        if let Self::Refused(error) = self { error.err_code } else { 0 }
    }
}

impl From<CallError> for CoordinationError {
    fn from(error: CallError) -> Self {
        Self::Unavailable(error.into())
    }
}

/// What the server says about a stream.
#[derive(Debug, Deserialize)]
pub(crate) struct StreamInfo {
    pub(crate) config: async_nats::jetstream::stream::Config,
    /// When it was created, in the server's words.
    pub(crate) created: String,
    #[serde(default)]
    pub(crate) total: usize,
    pub(crate) state: StreamState,
}

/// How a stream stands.
#[derive(Debug, Deserialize)]
pub(crate) struct StreamState {
    pub(crate) last_seq: u64,
    /// The subjects that were asked for and have messages.
    #[serde(default)]
    pub(crate) subjects: HashMap<String, u64>,
}

/// Calls on one stream.
#[derive(Debug)]
pub(crate) struct Api {
    requests: Requests,
    stream: String,
    attempt: Duration,
}

impl Api {
    pub(crate) fn new(requests: Requests, stream: String, attempt: Duration) -> Self {
        Self { requests, stream, attempt }
    }

    pub(crate) fn requests(&self) -> &Requests {
        &self.requests
    }

    pub(crate) fn client(&self) -> &Client {
        self.requests.client()
    }

    pub(crate) fn stream(&self) -> &str {
        &self.stream
    }

    /// Until when one attempt waits, if all of them end at `deadline`.
    pub(crate) fn attempt_until(&self, deadline: Instant) -> Instant {
        deadline.min(Instant::now() + self.attempt)
    }

    /// Publishes one message, in one attempt, and gives its sequence.
    pub(crate) async fn publish(
        &self,
        subject: &str,
        headers: HeaderMap,
        payload: Bytes,
        deadline: Instant,
    ) -> Result<u64, CallError> {
        #[derive(Deserialize)]
        struct Ack {
            seq: Option<u64>,
            error: Option<ApiError>,
        }
        let until = self.attempt_until(deadline);
        let answer = self.requests.ask(subject, Some(headers), payload, until).await?;
        match parse(&answer.payload)? {
            Ack { error: Some(error), .. } => Err(error.into()),
            Ack { seq: Some(sequence), .. } => Ok(sequence),
            Ack { .. } => Err(CallError::Garbled("an acknowledgement without a sequence".into())),
        }
    }

    /// One call of `$JS.API`, in one attempt.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        operation: &str,
        body: &Value,
        deadline: Instant,
    ) -> Result<T, CallError> {
        #[derive(Deserialize)]
        struct Failed {
            error: Option<ApiError>,
        }
        let subject = format!("$JS.API.{operation}.{}", self.stream);
        let payload = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let answer = self.requests.ask(&subject, None, payload, self.attempt_until(deadline)).await?;
        match parse::<Failed>(&answer.payload)?.error {
            Some(error) => Err(error.into()),
            None => parse(&answer.payload),
        }
    }

    /// A call that is made again until the deadline while it fails for now only.
    pub(crate) async fn call_until<T: DeserializeOwned>(
        &self,
        operation: &str,
        body: &Value,
        deadline: Instant,
    ) -> Result<T, CallError> {
        let mut backoff = Backoff::until(deadline);
        loop {
            match self.call(operation, body, deadline).await {
                Err(e) if e.is_transient() && backoff.wait().await => {}
                result => return result,
            }
        }
    }

    /// What the stream's leader says about it, and the subjects below `filter` from the offset on.
    pub(crate) async fn info(
        &self,
        filter: Option<(&str, usize)>,
        deadline: Instant,
    ) -> Result<StreamInfo, CallError> {
        let body = filter.map_or(
            Value::Null,
            |(subjects, offset)| json!({ "subjects_filter": subjects, "offset": offset }),
        );
        self.call_until("STREAM.INFO", &body, deadline).await
    }

    /// The last message on a subject, through the stream's leader.
    pub(crate) async fn last(&self, subject: &str, deadline: Instant) -> Result<Option<Stored>, CallError> {
        #[derive(Deserialize)]
        struct Got {
            message: Value,
        }
        let body = json!({ "last_by_subj": subject });
        match self.call_until::<Got>("STREAM.MSG.GET", &body, deadline).await {
            Ok(got) => Stored::parse(got.message).map(Some).map_err(CallError::Garbled),
            Err(e) if e.number() == NO_MESSAGE_FOUND => Ok(None),
            Err(e) => Err(e),
        }
    }
}

pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CallError> {
    serde_json::from_slice(bytes).map_err(|e| CallError::Garbled(e.into()))
}
