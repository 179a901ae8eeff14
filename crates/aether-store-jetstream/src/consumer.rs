//! [`Consumer`]: an ordered push consumer on the server, as long as it lasts.
//!
//! It begins at an explicit sequence. Its reader creates it again from another one when a message is missing, the
//! heartbeats stop or the connection was lost. (The client's own ordered consumer forgets where it was to
//! begin when nothing had been delivered yet.) [`Ordered`] does that up to an end, with none skipped and none twice.

use std::collections::VecDeque;
use std::time::Duration;

use aether_core::ReadError;
use aether_nats::{Backoff, CallError, Delivery, NoAnswer, StreamApi, StreamMessage, nanos};
use async_nats::connection::State;
use async_nats::{Message, StatusCode, Subscriber};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use serde_json::json;
use tokio::task::coop::{consume_budget, unconstrained};
use tokio::time::Instant;

use crate::open::bounds;

/// The time without a message or a heartbeat after which the consumer counts as lost.
pub(crate) const SILENCE: Duration = Duration::from_secs(3);
/// The time that a consumer whose reader has gone stays on the server.
const INACTIVE: Duration = Duration::from_secs(5);
/// The number of messages that are taken over from the client before they are looked at.
const TAKEN: usize = 1024;
/// The number of messages after which the consumer looks whether more have arrived.
const LOOK: u64 = 16;

/// The messages that a consumer reads, and how.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The subjects.
    pub(crate) filter: String,
    /// The interval of its heartbeats while no message comes.
    pub(crate) heartbeat: Duration,
    /// True if the payloads are left out.
    pub(crate) headers_only: bool,
}

/// A consumer and what it has sent.
#[derive(Debug)]
pub(crate) struct Consumer {
    messages: Subscriber,
    taken: VecDeque<Message>,
    delivered: u64,
    connects: u64,
}

/// An item that a consumer sent.
#[derive(Debug)]
pub(crate) enum Sent {
    /// The next message, and the number of those behind it when the server sent it.
    Message(StreamMessage, u64),
    /// A sequence up to which, inclusive, everything was sent.
    Passed(u64),
    /// Something is missing: the consumer has to be made again.
    Lost,
    /// The time is over.
    Nothing,
}

impl Consumer {
    /// Makes a consumer that begins at the sequence `first`. Tries once.
    pub(crate) async fn create(
        api: &StreamApi,
        wanted: &Wanted,
        first: u64,
        deadline: Instant,
    ) -> Result<Self, CallError> {
        let (asked, requests) = (Instant::now(), api.inbox());
        let client = requests.client();
        let connects = requests.connects();
        let inbox = client.new_inbox();
        if client.connection_state() != State::Connected {
            // What is sent now would be carried out later, for nobody.
            return Err(NoAnswer::NotSent("there is no connection".into()).into());
        }
        let subscribed = tokio::time::timeout_at(deadline, client.subscribe(inbox.clone())).await;
        let messages = match subscribed {
            Ok(subscribed) => subscribed.map_err(|e| NoAnswer::NotSent(e.into()))?,
            Err(late) => return Err(NoAnswer::NotSent(late.into()).into()),
        };
        let body = json!({
            "stream_name": api.stream(),
            "config": {
                "deliver_subject": inbox,
                "deliver_policy": "by_start_sequence",
                "opt_start_seq": first.max(1),
                "filter_subject": wanted.filter,
                "ack_policy": "none",
                "max_deliver": 1,
                "replay_policy": "instant",
                "flow_control": true,
                "idle_heartbeat": nanos(wanted.heartbeat),
                "inactive_threshold": nanos(INACTIVE),
                "headers_only": wanted.headers_only,
                "mem_storage": true,
                "num_replicas": 1,
            },
        });
        match api.call::<serde_json::Value>("CONSUMER.CREATE", None, &body, deadline).await {
            Ok(_) => Ok(Self { messages, taken: VecDeque::new(), delivered: 0, connects }),
            Err(e) => match requests.denied(asked, &inbox) {
                Some(operation) => Err(NoAnswer::Denied(operation).into()),
                None => Err(e),
            },
        }
    }

    /// The next thing that it sent, or [`Sent::Nothing`] at `until`. Without one it ends with [`Sent::Lost`] at last.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(crate) async fn next(&mut self, api: &StreamApi, until: Option<Instant>) -> Result<Sent, ReadError> {
        loop {
            // Messages that were taken over are read without waiting; others must run all the same.
            consume_budget().await;
            let Some(message) = self.taken.front() else {
                match self.take(api, until).await? {
                    Some(end) => return Ok(end),
                    None => continue,
                }
            };
            let sent = if message.status.is_some() {
                self.look_at_sign(api, message).await
            } else {
                self.look(message)
            };
            let message = self.taken.pop_front();
            match (sent, message) {
                (Looked::Message(place), Some(message)) => {
                    self.delivered = place.delivered;
                    return Ok(Sent::Message(stored(place, message), place.pending));
                }
                (Looked::Passed(sequence), _) => return Ok(Sent::Passed(sequence)),
                (Looked::Sign, _) => {}
                (Looked::Gap, _) | (_, None) => return Ok(Sent::Lost),
            }
        }
    }

    /// Waits for messages and takes over all that are there. If none come, what that means.
    async fn take(&mut self, api: &StreamApi, until: Option<Instant>) -> Result<Option<Sent>, ReadError> {
        if self.connects != api.inbox().connects() {
            return Ok(Some(Sent::Lost));
        }
        let silent = Instant::now() + SILENCE;
        let limit = until.map_or(silent, |until| until.min(silent));
        match tokio::time::timeout_at(limit, self.messages.next()).await {
            Ok(Some(message)) => self.taken.push_back(message),
            Ok(None) => return Err(ReadError::Unavailable(NoAnswer::Closed.into())),
            Err(_) if limit < silent => return Ok(Some(Sent::Nothing)),
            Err(_) => return Ok(Some(Sent::Lost)),
        }
        self.take_over();
        Ok(None)
    }

    /// Returns how many messages wait to be read, as far as is known.
    pub(crate) fn waiting(&mut self) -> usize {
        // Looking each time would cost a tenth of reading.
        if self.taken.is_empty() || self.delivered.is_multiple_of(LOOK) {
            self.take_over();
        }
        self.taken.len()
    }

    /// The sequence of the last message that was taken over; 0 if none waits.
    pub(crate) fn last_taken(&self) -> u64 {
        let places = self.taken.iter().rev().filter_map(|message| Delivery::parse(message.reply.as_ref()?));
        places.map(|place| place.sequence).next().unwrap_or(0)
    }

    /// Takes over the messages that have arrived.
    fn take_over(&mut self) {
        while self.taken.len() <= TAKEN {
            match unconstrained(self.messages.next()).now_or_never() {
                Some(Some(message)) => self.taken.push_back(message),
                _ => break,
            }
        }
    }

    fn look(&self, message: &Message) -> Looked {
        match message.reply.as_ref().and_then(|reply| Delivery::parse(reply)) {
            Some(place) if place.delivered == self.delivered + 1 => Looked::Message(place),
            _ => Looked::Gap,
        }
    }

    /// A heartbeat, or the question whether we keep up.
    async fn look_at_sign(&self, api: &StreamApi, message: &Message) -> Looked {
        if message.status != Some(StatusCode::IDLE_HEARTBEAT) {
            return Looked::Gap;
        }
        let header =
            |name| message.headers.as_ref().and_then(|headers| headers.get(name)).map(|v| v.as_str());
        let stalled = header("Nats-Consumer-Stalled");
        let answer_to = message.reply.as_ref().map(|reply| reply.as_str()).or(stalled);
        if let Some(answer_to) = answer_to {
            let answered = api.client().publish(answer_to.to_owned(), Bytes::new());
            if tokio::time::timeout(SILENCE, answered).await.is_err() {
                return Looked::Gap;
            }
        }
        let number = |name| header(name).and_then(|number| number.parse::<u64>().ok());
        match (number("Nats-Last-Consumer"), number("Nats-Last-Stream")) {
            (Some(last), _) if last != self.delivered => Looked::Gap,
            (Some(_), Some(passed)) => Looked::Passed(passed),
            _ => Looked::Sign,
        }
    }
}

/// The meaning of a message.
enum Looked {
    Message(Delivery),
    Passed(u64),
    Sign,
    Gap,
}

fn stored(place: Delivery, message: Message) -> StreamMessage {
    let Message { subject, payload, .. } = message;
    StreamMessage { subject, sequence: place.sequence, time: place.time, payload }
}

/// The interval of an idle consumer's heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// The time without a message after which a reader looks whether what it waits for still exists.
const QUIET: Duration = Duration::from_secs(2);

/// Reads the messages on a subject from a sequence on.
#[derive(Debug)]
pub(crate) struct Ordered<'a> {
    api: &'a StreamApi,
    wanted: Wanted,
    next_sequence: u64,
    patience: Duration,
    consumer: Option<Consumer>,
}

impl<'a> Ordered<'a> {
    /// Reads what matches `filter` from the sequence `first` on. `patience` is how long the server may be unreachable.
    pub(crate) fn new(api: &'a StreamApi, filter: &str, first: u64, patience: Duration) -> Self {
        let wanted = Wanted { filter: filter.to_owned(), heartbeat: HEARTBEAT, headers_only: false };
        Self { api, wanted, next_sequence: first, patience, consumer: None }
    }

    /// Leaves the payloads out.
    pub(crate) fn headers_only(mut self) -> Self {
        self.wanted.headers_only = true;
        self
    }

    /// The next message up to the sequence `end`, which some message had when the caller asked; `None` behind it.
    pub(crate) async fn next_until(&mut self, end: u64) -> Result<Option<StreamMessage>, ReadError> {
        while self.next_sequence <= end {
            if let Some(message) = self.next_within(QUIET).await? {
                return Ok(Some(message).filter(|message| message.sequence <= end));
            }
            // Nothing comes: the last message may have expired meanwhile.
            let (first, _) = bounds(self.api, Instant::now() + self.patience).await?;
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
            let consumer = match &mut self.consumer {
                Some(consumer) => consumer,
                None => {
                    let created = self.create().await?;
                    self.consumer.insert(created)
                }
            };
            match consumer.next(self.api, Some(until)).await? {
                Sent::Message(message, _) if message.sequence >= self.next_sequence => {
                    self.next_sequence = message.sequence + 1;
                    return Ok(Some(message));
                }
                Sent::Message(..) | Sent::Passed(_) => {}
                Sent::Lost => self.consumer = None,
                Sent::Nothing => return Ok(None),
            }
            if Instant::now() >= until {
                return Ok(None);
            }
        }
    }

    async fn create(&self) -> Result<Consumer, ReadError> {
        let mut backoff = Backoff::until(Instant::now() + self.patience);
        loop {
            match Consumer::create(self.api, &self.wanted, self.next_sequence, backoff.deadline()).await {
                Err(e) if e.is_transient() && backoff.wait().await => {}
                created => return Ok(created?),
            }
        }
    }
}
