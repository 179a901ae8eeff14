//! [`StreamApi`]: the calls of the JetStream API, on one stream, and [`Backoff`], with which they are repeated.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::stream::Config;
use async_nats::{Client, HeaderMap, Message, Subject};
use bytes::Bytes;
use parking_lot::Mutex;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::message::{Got, StreamMessage, parse_time};
use crate::{ApiError, ApiPrefix, CallError, Inbox, NoAnswer, Request};

/// The time that a replica may take to answer. Replicas answer as a queue group, and a frozen one goes on swallowing its
/// share of the questions for minutes.
const DIRECT: Duration = Duration::from_millis(250);
/// The time for which only the leader is asked once a replica did not answer.
const LEADER_ONLY: Duration = Duration::from_secs(5);
/// No message has this sequence or subject.
const NO_MESSAGE_FOUND: u32 = 10037;

/// The server's description of a stream.
#[derive(Debug, Deserialize)]
pub struct StreamInfo {
    /// The settings.
    pub config: Config,
    /// The time at which the stream was created, as the server writes it.
    pub created: String,
    /// The JetStream domain of the server that answered.
    #[serde(default)]
    pub domain: Option<String>,
    /// The number of subjects that match the filter.
    #[serde(default)]
    pub total: usize,
    /// The messages that the stream holds.
    pub state: StreamState,
}

/// The messages that a stream holds.
#[derive(Debug, Deserialize)]
pub struct StreamState {
    /// The first sequence that the stream still has.
    pub first_seq: u64,
    /// The last sequence.
    pub last_seq: u64,
    /// The subjects that were asked for and have messages.
    #[serde(default)]
    pub subjects: HashMap<String, u64>,
}

/// Calls on one stream.
#[derive(Debug)]
pub struct StreamApi {
    inbox: Arc<Inbox>,
    prefix: ApiPrefix,
    stream: String,
    /// The domain of the stream, as its own API names it.
    domain: Option<String>,
    attempt: Duration,
    /// The time before which the replicas are not asked, since one of them did not answer.
    leader_only: Mutex<Option<Instant>>,
}

impl StreamApi {
    /// The API of a stream. One attempt waits for its answer as long as `attempt`.
    #[must_use]
    pub fn new(inbox: Arc<Inbox>, prefix: ApiPrefix, stream: String, attempt: Duration) -> Self {
        let domain = prefix.required_domain().map(str::to_owned);
        Self { inbox, prefix, stream, domain, attempt, leader_only: Mutex::new(None) }
    }

    /// Believes only acknowledgements of this domain from now on; `None` is a server without one.
    pub(crate) fn expect_domain(&mut self, domain: Option<String>) {
        self.domain = domain;
    }

    /// Returns the inbox at which the answers arrive.
    #[must_use]
    pub fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    /// The connection.
    #[must_use]
    pub fn client(&self) -> &Client {
        self.inbox.client()
    }

    /// The name of the stream.
    #[must_use]
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// The domain whose acknowledgements are believed; `None` is a server without one.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// The domain that was asked for by name.
    #[must_use]
    pub fn required_domain(&self) -> Option<&str> {
        self.prefix.required_domain()
    }

    /// Returns the subject by which a message for `subject` of a bucket is published: with a domain, servers pass on what
    /// buckets store only below the API of the domain.
    #[must_use]
    pub fn bucket_subject(&self, subject: &str) -> Subject {
        match self.prefix.required_domain() {
            Some(_) => format!("{}.{subject}", self.prefix).into(),
            None => subject.into(),
        }
    }

    /// Returns until when one attempt waits, if all of them end at `deadline`.
    #[must_use]
    pub fn attempt_until(&self, deadline: Instant) -> Instant {
        deadline.min(Instant::now() + self.attempt)
    }

    /// Returns the subject of an operation on the stream, or on `part` of it, such as a consumer.
    #[must_use]
    pub fn subject(&self, operation: &str, part: Option<&str>) -> Subject {
        let (prefix, stream) = (&self.prefix, &self.stream);
        match part {
            Some(part) => format!("{prefix}.{operation}.{stream}.{part}").into(),
            None => format!("{prefix}.{operation}.{stream}").into(),
        }
    }

    /// Publishes one message, in one attempt, and returns its sequence.
    ///
    /// # Errors
    /// [`CallError`]; [`CallError::WrongStream`] if the answer is another stream's.
    pub async fn publish(
        &self,
        subject: &Subject,
        headers: HeaderMap,
        payload: Bytes,
        deadline: Instant,
    ) -> Result<u64, CallError> {
        self.publish_after(&[], subject, headers, payload, deadline).await
    }

    /// Publishes messages that are not acknowledged, and one that is.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub async fn publish_after(
        &self,
        before: &[Request],
        subject: &Subject,
        headers: HeaderMap,
        payload: Bytes,
        deadline: Instant,
    ) -> Result<u64, CallError> {
        let request = Request { subject: subject.clone(), headers: Some(headers), payload };
        let answer = self.inbox.ask_after(before, request, self.attempt_until(deadline)).await?;
        self.read_ack(&answer.payload)
    }

    /// Returns the sequence that an acknowledgement names, if the expected stream has sent it.
    fn read_ack(&self, payload: &[u8]) -> Result<u64, CallError> {
        #[derive(Deserialize)]
        struct Ack<'a> {
            #[serde(borrow, default)]
            stream: Cow<'a, str>,
            #[serde(borrow)]
            domain: Option<Cow<'a, str>>,
            seq: Option<u64>,
            #[serde(default)]
            duplicate: bool,
            error: Option<ApiError>,
        }
        let ack: Ack<'_> = parse(payload)?;
        let is_ours = ack.stream == self.stream && ack.domain.as_deref() == self.domain.as_deref();
        match ack {
            // A refusal names the stream at most, never the domain.
            Ack { error: Some(error), stream, .. } if stream.is_empty() || stream == self.stream => {
                Err(error.into())
            }
            Ack { stream, domain, .. } if !is_ours => Err(CallError::WrongStream {
                wanted: in_domain(&self.stream, self.domain.as_deref()),
                found: in_domain(&stream, domain.as_deref()),
            }),
            Ack { duplicate: true, .. } => Err(CallError::Garbled(
                "the server took the message for a duplicate, without a message id".into(),
            )),
            Ack { seq: Some(sequence), .. } => Ok(sequence),
            Ack { .. } => Err(CallError::Garbled("an acknowledgement without a sequence".into())),
        }
    }

    /// Calls an operation on the stream, or on `part` of it, in one attempt.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn call<T: DeserializeOwned>(
        &self,
        operation: &str,
        part: Option<&str>,
        body: &Value,
        deadline: Instant,
    ) -> Result<T, CallError> {
        #[derive(Deserialize)]
        struct Failed {
            error: Option<ApiError>,
        }
        let answer = self.ask(operation, part, body, deadline).await?;
        match parse::<Failed>(&answer.payload)?.error {
            Some(error) => Err(error.into()),
            None => parse(&answer.payload),
        }
    }

    /// Calls an operation again until the deadline, while it fails for now only.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn call_until<T: DeserializeOwned>(
        &self,
        operation: &str,
        body: &Value,
        deadline: Instant,
    ) -> Result<T, CallError> {
        let mut backoff = Backoff::until(deadline);
        loop {
            match self.call(operation, None, body, deadline).await {
                Err(e) if e.is_transient() && backoff.wait().await => {}
                result => return result,
            }
        }
    }

    async fn ask(
        &self,
        operation: &str,
        part: Option<&str>,
        body: &Value,
        deadline: Instant,
    ) -> Result<Message, NoAnswer> {
        let payload = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let request = Request { subject: self.subject(operation, part), headers: None, payload };
        self.inbox.ask(request, self.attempt_until(deadline)).await
    }

    /// Returns what the stream's leader says about it, with the subjects below a filter from an offset on.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn info(
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

    /// Returns the last message on a subject (which may have wildcards), through the stream's leader.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn last(&self, subject: &str, deadline: Instant) -> Result<Option<StreamMessage>, CallError> {
        self.get(&json!({ "last_by_subj": subject }), deadline, |got| got.message()).await
    }

    /// Returns the last message on a subject with its headers, as they are on the wire.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn last_with_headers(
        &self,
        subject: &str,
        deadline: Instant,
    ) -> Result<Option<(StreamMessage, String)>, CallError> {
        let read = |got: &Got<'_>| Ok((got.message()?, got.headers()?));
        self.get(&json!({ "last_by_subj": subject }), deadline, read).await
    }

    /// Returns the first message on a subject (which may have wildcards) from a sequence on, through the stream's leader.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn next(
        &self,
        subject: &str,
        from: u64,
        deadline: Instant,
    ) -> Result<Option<StreamMessage>, CallError> {
        self.get(&json!({ "seq": from, "next_by_subj": subject }), deadline, |got| got.message()).await
    }

    /// Returns the message of this sequence: from any replica, and from the leader if that one does not have it.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn message(
        &self,
        sequence: u64,
        deadline: Instant,
    ) -> Result<Option<StreamMessage>, CallError> {
        if !self.leader_only.lock().is_some_and(|until| Instant::now() < until) {
            match self.direct(sequence, deadline.min(Instant::now() + DIRECT)).await {
                Ok(Some(message)) => return Ok(Some(message)),
                Err(CallError::NoAnswer(NoAnswer::TimedOut { .. })) => {
                    *self.leader_only.lock() = Some(Instant::now() + LEADER_ONLY);
                }
                Ok(None) | Err(_) => {}
            }
        }
        self.get(&json!({ "seq": sequence }), deadline, |got| got.message()).await
    }

    /// Gets a message through the leader, again until the deadline. Each answer is parsed once.
    async fn get<T>(
        &self,
        body: &Value,
        deadline: Instant,
        read: impl Fn(&Got<'_>) -> Result<T, CallError>,
    ) -> Result<Option<T>, CallError> {
        #[derive(Deserialize)]
        struct Answer<'a> {
            error: Option<ApiError>,
            #[serde(borrow)]
            message: Option<Got<'a>>,
        }
        let mut backoff = Backoff::until(deadline);
        loop {
            let answer = self.ask("STREAM.MSG.GET", None, body, deadline).await.map_err(CallError::from);
            let found = answer.and_then(|answer| match parse(&answer.payload)? {
                Answer { error: Some(error), .. } if error.err_code == NO_MESSAGE_FOUND => Ok(None),
                Answer { error: Some(error), .. } => Err(error.into()),
                Answer { message: Some(got), .. } => read(&got).map(Some),
                Answer { .. } => Err(CallError::Garbled("an answer without a message".into())),
            });
            match found {
                Err(e) if e.is_transient() && backoff.wait().await => {}
                found => return found,
            }
        }
    }

    async fn direct(&self, sequence: u64, deadline: Instant) -> Result<Option<StreamMessage>, CallError> {
        let answer = self.ask("DIRECT.GET", None, &json!({ "seq": sequence }), deadline).await?;
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

fn in_domain(stream: &str, domain: Option<&str>) -> String {
    match domain {
        Some(domain) => format!("{stream} of domain {domain}"),
        None => format!("{stream} of no domain"),
    }
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, CallError> {
    serde_json::from_slice(bytes).map_err(|e| CallError::Garbled(e.into()))
}

/// Waits longer from try to try, each time a random part of it, until a deadline.
#[derive(Debug)]
pub struct Backoff {
    deadline: Instant,
    next: Duration,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(2);
    const LONGEST: Duration = Duration::from_millis(250);

    /// A back-off that ends at `deadline`.
    #[must_use]
    pub fn until(deadline: Instant) -> Self {
        Self { deadline, next: Self::FIRST }
    }

    /// A back-off that never ends.
    #[must_use]
    pub fn endless() -> Self {
        const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        Self::until(Instant::now() + CENTURY)
    }

    /// Returns the time at which it ends.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Waits. Returns false if the deadline comes first.
    pub async fn wait(&mut self) -> bool {
        let wait = self.next.mul_f64(0.5 + fastrand::f64() / 2.0);
        self.next = (self.next * 2).min(Self::LONGEST);
        let until = Instant::now() + wait;
        if until >= self.deadline {
            return false;
        }
        tokio::time::sleep_until(until).await;
        true
    }
}
