//! [`Listener`]: takes timers that are due from the consumer that all listeners share, over whatever happens to servers and
//! connections.
//!
//! It asks the server for a few at a time, and only while it is polled; it has no task. [`Delivered`] acknowledges a timer
//! that was handed out, or gives it back.

use std::sync::Arc;
use std::time::Duration;

use aether_core::{DueTimer, DueTimers, Handed, TimerError};
use aether_nats::{Backoff, CallError, Delivery, NoAnswer, Request, nanos};
use async_nats::connection::State;
use async_nats::{Message, StatusCode, Subject, Subscriber};
use async_stream::try_stream;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::json;
use tokio::task::coop::consume_budget;
use tokio::time::Instant;

use super::{Inner, timer_error};
use crate::consumer::SILENCE;

/// The consumer that all listeners share.
const CONSUMER: &str = "due";
/// The number of timers that a listener asks for at a time.
const BATCH: usize = 16;
/// The number of listeners that may wait at the consumer.
const MAX_WAITING: usize = 16_384;
/// The time that the server keeps a question: a listener that is no longer polled may be sent timers for so long.
const EXPIRES: Duration = Duration::from_secs(5);
/// The interval of the server's heartbeats meanwhile.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// The interval at which the listener looks whether the connection was made again, which loses the question.
const LOOK: Duration = Duration::from_millis(500);
/// The time for which a server must report a missing stream before the listener fails: one that has just started may not
/// know all of its streams.
const GONE: Duration = Duration::from_secs(5);

/// A listener for timers that are due.
pub(super) struct Listener {
    inner: Arc<Inner>,
    inbox: String,
    messages: Subscriber,
    /// The number of questions so far; the subject of each answer names its question.
    asked: u64,
    open: Option<Question>,
    /// The time at which it handed out a timer last.
    gave: Instant,
}

/// A question that the server has.
struct Question {
    at: Instant,
    /// The number of timers still to come.
    left: usize,
    connects: u64,
    /// The time of the server's last sign.
    heard: Instant,
}

/// An answer of the server.
enum Answer {
    Timer(Message),
    Sign,
    /// The question is no longer open.
    Over,
    /// The question is no longer open, and the consumer may be gone.
    Lost,
}

impl Listener {
    pub(super) async fn open(inner: Arc<Inner>) -> Result<Self, TimerError> {
        let deadline = Instant::now() + inner.timeouts.read;
        inner.find_consumer(Backoff::until(deadline)).await?;
        let (inbox, messages) = inner.subscribe(Backoff::until(deadline)).await?;
        Ok(Self { inner, inbox, messages, asked: 0, open: None, gave: Instant::now() })
    }

    pub(super) fn into_stream(mut self) -> DueTimers {
        let stream = try_stream! {
            loop {
                yield self.next().await?;
            }
        };
        stream.boxed()
    }

    async fn next(&mut self) -> Result<DueTimer, TimerError> {
        self.forget_what_is_old().await?;
        let mut backoff = Backoff::endless();
        loop {
            consume_budget().await;
            if self.open.is_none() && !self.ask().await {
                backoff.wait().await;
                continue;
            }
            match self.hear().await? {
                Answer::Timer(message) => {
                    if let Some(due) = self.hand_out(message).await {
                        self.gave = Instant::now();
                        return Ok(due);
                    }
                }
                Answer::Sign => {}
                Answer::Over => self.open = None,
                Answer::Lost => {
                    self.open = None;
                    backoff.wait().await;
                    self.inner.find_consumer(Backoff::endless()).await?;
                }
            }
        }
    }

    /// Drops messages that have waited so long that the server may hand them to other listeners.
    async fn forget_what_is_old(&mut self) -> Result<(), TimerError> {
        if self.gave.elapsed() >= self.inner.ack_wait / 2 {
            (self.inbox, self.messages) = self.inner.subscribe(Backoff::endless()).await?;
            self.open = None;
        }
        Ok(())
    }

    /// Asks for timers. False if that was not possible.
    async fn ask(&mut self) -> bool {
        let requests = self.inner.api.inbox();
        let (client, connects, at) = (requests.client(), requests.connects(), Instant::now());
        if client.connection_state() != State::Connected {
            // What is sent now would be carried out later, for nobody.
            return false;
        }
        self.asked += 1;
        let body = json!({
            "batch": BATCH,
            "expires": nanos(EXPIRES),
            "idle_heartbeat": nanos(HEARTBEAT),
        });
        let subject = self.inner.next_subject();
        let reply = format!("{}.{}", self.inbox, self.asked);
        let sent = client.publish_with_reply(subject, reply, body.to_string().into());
        if !matches!(tokio::time::timeout(SILENCE, sent).await, Ok(Ok(()))) {
            return false;
        }
        self.open = Some(Question { at, left: BATCH, connects, heard: at });
        true
    }

    /// Waits for the next answer.
    async fn hear(&mut self) -> Result<Answer, TimerError> {
        let heard = tokio::time::timeout(LOOK, self.messages.next()).await;
        let Some(question) = &mut self.open else { return Ok(Answer::Over) };
        let requests = self.inner.api.inbox();
        let message = match heard {
            Ok(Some(message)) => message,
            Ok(None) => return Err(timer_error(NoAnswer::Closed.into())),
            Err(_) if question.connects != requests.connects() => return Ok(Answer::Lost),
            Err(_) if question.heard.elapsed() < SILENCE => return Ok(Answer::Sign),
            Err(_) => {
                return match requests.denied(question.at, &self.inner.next_subject()) {
                    Some(operation) => Err(TimerError::PermissionDenied { operation }),
                    None => Ok(Answer::Lost),
                };
            }
        };
        let Some(status) = message.status else {
            question.heard = Instant::now();
            question.left = question.left.saturating_sub(1);
            if question.left == 0 {
                self.open = None;
            }
            return Ok(Answer::Timer(message));
        };
        // A timer comes with its own subject, everything else on that of the question.
        if message.subject.rsplit('.').next() != Some(self.asked.to_string().as_str()) {
            return Ok(Answer::Sign);
        }
        question.heard = Instant::now();
        Ok(match status {
            StatusCode::IDLE_HEARTBEAT => Answer::Sign,
            StatusCode::TIMEOUT => Answer::Over,
            _ => Answer::Lost,
        })
    }

    /// The timer of a message.
    async fn hand_out(&self, message: Message) -> Option<DueTimer> {
        let reply = message.reply.clone()?;
        let delivered = Delivered::new(Arc::clone(&self.inner), reply.clone());
        let Some(timer) = self.inner.subjects.read(&message) else {
            let subject = message.subject.as_str();
            tracing::warn!(subject, "dropped a message among the timers that is none");
            if let Err(error) = delivered.terminate().await {
                tracing::warn!(subject, %error, "it may come again");
            }
            return None;
        };
        Some(DueTimer::new(timer, Delivery::parse(&reply).map_or(1, |delivery| delivery.attempt), delivered))
    }
}

impl Inner {
    /// The subject on which timers are asked for.
    fn next_subject(&self) -> Subject {
        self.api.subject("CONSUMER.MSG.NEXT", Some(CONSUMER))
    }

    /// A place for answers.
    async fn subscribe(&self, mut backoff: Backoff) -> Result<(String, Subscriber), TimerError> {
        let client = self.api.client();
        let inbox = client.new_inbox();
        loop {
            let subscribed = client.subscribe(format!("{inbox}.*"));
            match tokio::time::timeout(self.timeouts.attempt, subscribed).await {
                Ok(Ok(messages)) => return Ok((inbox, messages)),
                Ok(Err(e)) => return Err(timer_error(NoAnswer::NotSent(e.into()).into())),
                Err(_) if backoff.wait().await => {}
                Err(late) => return Err(timer_error(NoAnswer::NotSent(late.into()).into())),
            }
        }
    }

    /// Makes sure that the server has the consumer.
    async fn find_consumer(&self, mut backoff: Backoff) -> Result<(), TimerError> {
        let mut missing = None;
        loop {
            let Err(error) = self.create_consumer(backoff.deadline()).await else { return Ok(()) };
            let is_missing = error.is_stream_missing();
            let may_appear = is_missing && missing.get_or_insert_with(Instant::now).elapsed() < GONE;
            if !((error.is_transient() || may_appear) && backoff.wait().await) {
                return Err(timer_error(error));
            }
        }
    }

    /// Creates the consumer, or changes it to what it is to be. Tries once.
    async fn create_consumer(&self, deadline: Instant) -> Result<(), CallError> {
        #[derive(Deserialize)]
        struct Created {}
        let body = json!({
            "stream_name": self.api.stream(),
            "config": {
                "durable_name": CONSUMER,
                "filter_subject": self.subjects.all_due(),
                "deliver_policy": "all",
                "replay_policy": "instant",
                "ack_policy": "explicit",
                "ack_wait": nanos(self.ack_wait),
                "backoff": [nanos(self.ack_wait), nanos(self.ack_wait * 2), nanos(self.ack_wait * 4)],
                "max_deliver": -1,
                // Whatever waits to be handed out again must not keep the others back.
                "max_ack_pending": -1,
                "max_waiting": MAX_WAITING,
            },
        });
        let Created {} = self.api.call("CONSUMER.CREATE", Some(CONSUMER), &body, deadline).await?;
        Ok(())
    }
}

/// A message that waits for its acknowledgement.
struct Delivered {
    inner: Arc<Inner>,
    /// The subject of the acknowledgement.
    reply: Subject,
    /// The time from which on the server hands it to other listeners.
    until: Instant,
}

impl Delivered {
    fn new(inner: Arc<Inner>, reply: Subject) -> Self {
        let until = Instant::now() + inner.ack_wait;
        Self { inner, reply, until }
    }

    /// Sends this to the server, and waits for its answer: for one attempt at least, and until others may have the timer.
    async fn tell(&self, payload: Bytes) -> Result<(), TimerError> {
        let (requests, attempt) = (self.inner.api.inbox(), self.inner.timeouts.attempt);
        let mut backoff = Backoff::until(self.until.max(Instant::now() + attempt));
        loop {
            let deadline = backoff.deadline().min(Instant::now() + attempt);
            let request = Request { subject: self.reply.clone(), headers: None, payload: payload.clone() };
            match requests.ask(request, deadline).await.map_err(CallError::from) {
                Ok(_) => return Ok(()),
                Err(e) if e.is_transient() && backoff.wait().await => {}
                Err(e) => return Err(timer_error(e)),
            }
        }
    }

    /// Has the server forget a message that is no timer.
    async fn terminate(&self) -> Result<(), TimerError> {
        self.tell(Bytes::from_static(b"+TERM")).await
    }
}

#[async_trait]
impl Handed for Delivered {
    async fn done(self: Box<Self>) -> Result<(), TimerError> {
        self.tell(Bytes::from_static(b"+ACK")).await
    }

    async fn again(self: Box<Self>, after: Duration) -> Result<(), TimerError> {
        // The server counts in 63 bits; a delay of nothing means the one that is configured.
        let nanos = i64::try_from(after.as_nanos()).unwrap_or(i64::MAX).max(1);
        self.tell(format!("-NAK {}", json!({ "delay": nanos })).into()).await
    }
}
