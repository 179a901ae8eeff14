//! [`Ordered`]: the messages of a stream in order, none skipped and none twice.
//!
//! An ordered push consumer of our own: it is made again from an explicit sequence whenever a message is missing, the
//! heartbeats stop or the connection was lost. (The client's own ordered consumer forgets where it was to begin when
//! nothing had been delivered yet.)

use std::time::Duration;

use aether_core::ReadError;
use async_nats::{Message, StatusCode, Subscriber};
use futures_util::StreamExt;
use serde_json::json;
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::api::{Api, StreamMessage};
use crate::backoff::Backoff;
use crate::open;
use crate::requests::NoAnswer;

/// How often an idle consumer says that it is still there.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long no message and no heartbeat may come before the consumer counts as lost.
const SILENCE: Duration = Duration::from_secs(3);
/// How long a consumer whose reader has gone stays on the server.
const INACTIVE: Duration = Duration::from_secs(10);
/// How long nothing may come before a reader looks whether what it waits for is still there.
const QUIET: Duration = Duration::from_secs(2);

/// Reads the messages on a subject from a sequence on.
#[derive(Debug)]
pub(crate) struct Ordered<'a> {
    api: &'a Api,
    filter: String,
    next_sequence: u64,
    headers_only: bool,
    patience: Duration,
    consumer: Option<Consumer>,
}

#[derive(Debug)]
struct Consumer {
    messages: Subscriber,
    delivered: u64,
    connects: u64,
}

/// What the consumer sent.
enum Sent {
    Message(StreamMessage),
    /// Nothing of interest; it is still there.
    Sign,
    /// Something is missing: the consumer has to be made again.
    Gap,
}

impl<'a> Ordered<'a> {
    /// Reads what matches `filter` from the sequence `first` on. `patience` is how long the server may be unreachable.
    pub(crate) fn new(api: &'a Api, filter: &str, first: u64, patience: Duration) -> Self {
        let filter = filter.to_owned();
        Self { api, filter, next_sequence: first, headers_only: false, patience, consumer: None }
    }

    /// Leaves the payloads out.
    pub(crate) fn headers_only(mut self) -> Self {
        self.headers_only = true;
        self
    }

    /// The next message up to the sequence `end`, which some message had when the caller asked; `None` behind it.
    pub(crate) async fn next_until(&mut self, end: u64) -> Result<Option<StreamMessage>, ReadError> {
        while self.next_sequence <= end {
            if let Some(message) = self.next_within(QUIET).await? {
                return Ok(Some(message).filter(|message| message.sequence <= end));
            }
            // Nothing comes: the last message may have expired meanwhile.
            let (first, _) = open::bounds(self.api, Instant::now() + self.patience).await?;
            if first > end {
                break;
            }
        }
        Ok(None)
    }

    /// The next message; `None` if none has come within `wait`.
    async fn next_within(&mut self, wait: Duration) -> Result<Option<StreamMessage>, ReadError> {
        let until = Instant::now() + wait;
        loop {
            let mut consumer = match self.consumer.take() {
                Some(consumer) => consumer,
                None => self.create().await?,
            };
            let silent = Instant::now() + SILENCE;
            let limit = until.min(silent);
            match tokio::time::timeout_at(limit, consumer.messages.next()).await {
                Ok(Some(message)) => match self.look(&mut consumer, message).await {
                    Sent::Message(message) => {
                        self.next_sequence = message.sequence + 1;
                        self.consumer = Some(consumer);
                        return Ok(Some(message));
                    }
                    Sent::Sign => self.consumer = Some(consumer),
                    Sent::Gap => {}
                },
                Ok(None) => return Err(ReadError::Unavailable(NoAnswer::Closed.into())),
                Err(_) if Instant::now() >= until => {
                    self.consumer = Some(consumer);
                    return Ok(None);
                }
                Err(_) => {}
            }
            let connects = self.api.requests().connects();
            if self.consumer.as_ref().is_some_and(|consumer| consumer.connects != connects) {
                self.consumer = None;
            }
        }
    }

    async fn create(&self) -> Result<Consumer, ReadError> {
        let client = self.api.requests().client();
        let asked = Instant::now();
        let mut backoff = Backoff::until(asked + self.patience);
        loop {
            let connects = self.api.requests().connects();
            let inbox = client.new_inbox();
            let messages = client.subscribe(inbox.clone()).await;
            let messages = messages.map_err(|e| ReadError::Unavailable(e.into()))?;
            let body = json!({
                "stream_name": self.api.stream(),
                "config": {
                    "deliver_subject": inbox,
                    "deliver_policy": "by_start_sequence",
                    "opt_start_seq": self.next_sequence.max(1),
                    "filter_subject": self.filter,
                    "ack_policy": "none",
                    "max_deliver": 1,
                    "replay_policy": "instant",
                    "flow_control": true,
                    "idle_heartbeat": nanos(HEARTBEAT),
                    "inactive_threshold": nanos(INACTIVE),
                    "headers_only": self.headers_only,
                    "mem_storage": true,
                    "num_replicas": 1,
                },
            });
            let operation = format!("CONSUMER.CREATE.{}", self.api.stream());
            match self.api.call::<serde_json::Value>(&operation, &body, backoff.deadline()).await {
                Ok(_) => return Ok(Consumer { messages, delivered: 0, connects }),
                Err(e) => {
                    if let Some(operation) = self.api.requests().denied(asked, &inbox) {
                        return Err(ReadError::PermissionDenied { operation });
                    }
                    if !e.is_transient() || !backoff.wait().await {
                        return Err(e.into());
                    }
                }
            }
        }
    }

    async fn look(&self, consumer: &mut Consumer, message: Message) -> Sent {
        if message.status == Some(StatusCode::IDLE_HEARTBEAT) {
            return self.answer_sign(consumer, &message).await;
        }
        if message.status.is_some() {
            return Sent::Gap;
        }
        let Some(place) = message.reply.as_ref().and_then(|reply| Place::parse(reply)) else {
            return Sent::Gap;
        };
        if place.delivered != consumer.delivered + 1 {
            return Sent::Gap;
        }
        consumer.delivered = place.delivered;
        if place.sequence < self.next_sequence {
            return Sent::Sign;
        }
        Sent::Message(StreamMessage {
            subject: message.subject.to_string(),
            sequence: place.sequence,
            time: place.time,
            payload: message.payload,
        })
    }

    /// A heartbeat, or the question whether we keep up.
    async fn answer_sign(&self, consumer: &Consumer, message: &Message) -> Sent {
        let header =
            |name| message.headers.as_ref().and_then(|headers| headers.get(name)).map(|v| v.as_str());
        let client = self.api.requests().client();
        let stalled = header("Nats-Consumer-Stalled");
        let answer_to = message.reply.as_ref().map(|reply| reply.as_str()).or(stalled);
        if let Some(answer_to) = answer_to {
            let answered = client.publish(answer_to.to_owned(), bytes::Bytes::new());
            if tokio::time::timeout(SILENCE, answered).await.is_err() {
                return Sent::Gap;
            }
        }
        let last = header("Nats-Last-Consumer").and_then(|last| last.parse::<u64>().ok());
        if last.is_some_and(|last| last != consumer.delivered) { Sent::Gap } else { Sent::Sign }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Where a message stands, as the subject for its acknowledgement says.
#[derive(Debug, PartialEq)]
struct Place {
    sequence: u64,
    delivered: u64,
    time: OffsetDateTime,
}

impl Place {
    /// `$JS.ACK.<stream>.<consumer>.<times>.<stream seq>.<consumer seq>.<time>.<pending>`, with `<domain>.<account>` after
    /// `ACK` and maybe more at the end on newer servers.
    fn parse(reply: &str) -> Option<Self> {
        let tokens: Vec<&str> = reply.split('.').collect();
        let first = match tokens.len() {
            9 => 5,
            11.. => 7,
            _ => return None,
        };
        let number = |index: usize| tokens.get(index)?.parse::<u64>().ok();
        let time = OffsetDateTime::from_unix_timestamp_nanos(number(first + 2)?.into()).ok()?;
        Some(Self { sequence: number(first)?, delivered: number(first + 1)?, time })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_read_from_both_forms_of_the_reply() {
        let place = |reply| Place::parse(reply).map(|place| (place.sequence, place.delivered));
        assert_eq!(place("$JS.ACK.s.c.1.17.4.1700000000000000000.9"), Some((17, 4)));
        assert_eq!(place("$JS.ACK._.hash.s.c.1.17.4.1700000000000000000.9.token"), Some((17, 4)));
        assert_eq!(place("$JS.ACK.s.c.1.x.4.1700000000000000000.9"), None);
        assert_eq!(place("short.reply"), None);
    }
}
