//! [`Api`]: the few calls of JetStream that the store makes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aether_core::{ReadError, Source};
use async_nats::{HeaderMap, Message, Subject};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::requests::{NoAnswer, Request, Requests};

/// How long a replica may take to answer. Replicas answer as a queue group, and a frozen one goes on swallowing its share
/// of the questions for minutes.
const DIRECT: Duration = Duration::from_millis(250);
/// How long only the leader is asked once a replica did not answer.
const LEADER_ONLY: Duration = Duration::from_secs(5);
/// No message has this sequence or subject.
const NO_MESSAGE_FOUND: u32 = 10037;
/// There is no such stream.
pub(crate) const STREAM_NOT_FOUND: u32 = 10059;

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
    #[error("the stream has been deleted and made again: it is another one")]
    Replaced,
}

impl CallError {
    /// Whether the same call may get a result later.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::NoAnswer(no_answer) => !matches!(no_answer, NoAnswer::Denied(_) | NoAnswer::Closed),
            Self::Refused(error) => error.code >= 500,
            Self::Garbled(_) | Self::Replaced => false,
        }
    }

    /// Whether the server says that there is no such stream.
    pub(crate) fn is_stream_missing(&self) -> bool {
        matches!(self, Self::Refused(error) if error.err_code == STREAM_NOT_FOUND)
    }

    /// Whether no waiting whatever helps.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Self::NoAnswer(NoAnswer::Denied(_) | NoAnswer::Closed) | Self::Garbled(_) | Self::Replaced => {
                true
            }
            Self::NoAnswer(_) | Self::Refused(_) => false,
        }
    }
}

impl From<CallError> for ReadError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NoAnswer(NoAnswer::Denied(operation)) => Self::PermissionDenied { operation },
            CallError::Garbled(source) => {
                Self::Corrupt { what: "an answer of the server".into(), source: Some(source) }
            }
            CallError::Replaced => {
                Self::Corrupt { what: "the stream that was read".into(), source: Some(error.into()) }
            }
            other => Self::Unavailable(other.into()),
        }
    }
}

/// A message as the stream has it.
#[derive(Debug, Clone)]
pub(crate) struct StreamMessage {
    pub(crate) subject: Subject,
    pub(crate) sequence: u64,
    pub(crate) time: OffsetDateTime,
    pub(crate) payload: Bytes,
}

/// Calls on one stream.
#[derive(Debug)]
pub(crate) struct Api {
    requests: Arc<Requests>,
    stream: String,
    attempt: Duration,
    /// Until when the replicas are not asked, since one of them did not answer.
    leader_only: Mutex<Option<Instant>>,
}

impl Api {
    pub(crate) fn new(requests: Arc<Requests>, stream: String, attempt: Duration) -> Self {
        Self { requests, stream, attempt, leader_only: Mutex::new(None) }
    }

    pub(crate) fn requests(&self) -> &Arc<Requests> {
        &self.requests
    }

    pub(crate) fn stream(&self) -> &str {
        &self.stream
    }

    /// Until when one attempt waits, if all of them end at `deadline`.
    fn attempt_until(&self, deadline: Instant) -> Instant {
        deadline.min(Instant::now() + self.attempt)
    }

    /// Publishes one message and gives its sequence.
    pub(crate) async fn publish(
        &self,
        subject: &Subject,
        headers: HeaderMap,
        payload: Bytes,
        deadline: Instant,
    ) -> Result<u64, CallError> {
        self.publish_after(&[], subject, headers, payload, deadline).await
    }

    /// Publishes messages that are not acknowledged, and one that is.
    pub(crate) async fn publish_after(
        &self,
        before: &[Request],
        subject: &Subject,
        headers: HeaderMap,
        payload: Bytes,
        deadline: Instant,
    ) -> Result<u64, CallError> {
        let request = Request { subject: subject.clone(), headers: Some(headers), payload };
        let answer = self.requests.ask_after(before, request, self.attempt_until(deadline)).await?;
        let ack: Ack = parse(&answer.payload)?;
        match ack {
            Ack { error: Some(error), .. } => Err(error.into()),
            Ack { duplicate: true, .. } => Err(CallError::Garbled(
                "the server took the message for a duplicate, without a message id".into(),
            )),
            Ack { seq: Some(sequence), .. } => Ok(sequence),
            Ack { .. } => Err(CallError::Garbled("an acknowledgement without a sequence".into())),
        }
    }

    /// One call of `$JS.API`.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        operation: &str,
        body: &serde_json::Value,
        deadline: Instant,
    ) -> Result<T, CallError> {
        let answer = self.ask(operation, body, deadline).await?;
        let failed: Failed = parse(&answer.payload)?;
        match failed.error {
            Some(error) => Err(error.into()),
            None => parse(&answer.payload),
        }
    }

    /// A call that is made again until the deadline while it fails for now only.
    pub(crate) async fn call_until<T: DeserializeOwned>(
        &self,
        operation: &str,
        body: &serde_json::Value,
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

    async fn ask(
        &self,
        operation: &str,
        body: &serde_json::Value,
        deadline: Instant,
    ) -> Result<Message, NoAnswer> {
        let subject = format!("$JS.API.{operation}").into();
        let payload = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let request = Request { subject, headers: None, payload };
        self.requests.ask(request, self.attempt_until(deadline)).await
    }

    /// The last message on a subject (which may have wildcards), through the stream's leader.
    pub(crate) async fn last(
        &self,
        subject: &str,
        deadline: Instant,
    ) -> Result<Option<StreamMessage>, CallError> {
        self.get(&json!({ "last_by_subj": subject }), deadline).await
    }

    /// The first message on a subject (which may have wildcards) from a sequence on, through the stream's leader.
    pub(crate) async fn next(
        &self,
        subject: &str,
        from: u64,
        deadline: Instant,
    ) -> Result<Option<StreamMessage>, CallError> {
        self.get(&json!({ "seq": from, "next_by_subj": subject }), deadline).await
    }

    /// The message of this sequence: from any replica, and from the leader if that one does not have it.
    pub(crate) async fn message(
        &self,
        sequence: u64,
        deadline: Instant,
    ) -> Result<Option<StreamMessage>, CallError> {
        if !self.is_leader_only() {
            match self.direct(sequence, deadline.min(Instant::now() + DIRECT)).await {
                Ok(Some(message)) => return Ok(Some(message)),
                Err(CallError::NoAnswer(NoAnswer::TimedOut { .. })) => self.ask_leader_only(),
                Ok(None) | Err(_) => {}
            }
        }
        self.get(&json!({ "seq": sequence }), deadline).await
    }

    fn is_leader_only(&self) -> bool {
        let until = *self.leader_only.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn ask_leader_only(&self) {
        let until = Instant::now() + LEADER_ONLY;
        *self.leader_only.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    async fn get(
        &self,
        body: &serde_json::Value,
        deadline: Instant,
    ) -> Result<Option<StreamMessage>, CallError> {
        let operation = format!("STREAM.MSG.GET.{}", self.stream);
        match self.call_until::<Got>(&operation, body, deadline).await {
            Ok(got) => Ok(Some(got.message.try_into()?)),
            Err(CallError::Refused(error)) if error.err_code == NO_MESSAGE_FOUND => Ok(None),
            Err(e) => Err(e),
        }
    }

    async fn direct(&self, sequence: u64, deadline: Instant) -> Result<Option<StreamMessage>, CallError> {
        let operation = format!("DIRECT.GET.{}", self.stream);
        let answer = self.ask(&operation, &json!({ "seq": sequence }), deadline).await?;
        let Some(headers) = answer.headers.filter(|_| answer.status.is_none()) else { return Ok(None) };
        let header = |name: &'static str| headers.get(name).map(async_nats::HeaderValue::as_str);
        let (Some(subject), Some(found), Some(time)) =
            (header("Nats-Subject"), header("Nats-Sequence"), header("Nats-Time-Stamp"))
        else {
            return Ok(None);
        };
        if found.parse() != Ok(sequence) {
            return Ok(None);
        }
        let (subject, time) = (Subject::from(subject), parse_time(time)?);
        Ok(Some(StreamMessage { subject, sequence, time, payload: answer.payload }))
    }
}

#[derive(Deserialize)]
struct Ack {
    seq: Option<u64>,
    #[serde(default)]
    duplicate: bool,
    error: Option<ApiError>,
}

#[derive(Deserialize)]
struct Failed {
    error: Option<ApiError>,
}

#[derive(Deserialize)]
struct Got {
    message: GotMessage,
}

#[derive(Deserialize)]
struct GotMessage {
    subject: String,
    seq: u64,
    #[serde(default)]
    data: String,
    time: String,
}

impl TryFrom<GotMessage> for StreamMessage {
    type Error = CallError;

    fn try_from(got: GotMessage) -> Result<Self, CallError> {
        let payload = STANDARD.decode(got.data).map_err(|e| CallError::Garbled(e.into()))?.into();
        Ok(Self { subject: got.subject.into(), sequence: got.seq, time: parse_time(&got.time)?, payload })
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CallError> {
    serde_json::from_slice(bytes).map_err(|e| CallError::Garbled(e.into()))
}

pub(crate) fn parse_time(text: &str) -> Result<OffsetDateTime, CallError> {
    let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|e| CallError::Garbled(e.into()))?;
    Ok(time.to_offset(time::UtcOffset::UTC))
}
