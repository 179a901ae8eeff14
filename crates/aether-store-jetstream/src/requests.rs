//! [`Requests`]: questions to the server and their answers, over one inbox.
//!
//! One wildcard subscription serves all answers. That is cheaper than the client's own requests, and a question that is
//! given up leaves nothing behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_nats::{Client, HeaderMap, Message, StatusCode, Subject, Subscriber};
use bytes::Bytes;
use dashmap::DashMap;
use futures_util::StreamExt;
use tokio::sync::oneshot::error::RecvError;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use crate::denials::Denials;

/// How many questions may be open at a time; the next one waits. Well below the number of messages that a subscription
/// holds, so that no answer is dropped.
const MAX_OPEN: usize = 8192;
/// How often it is looked which open questions cannot be answered any more. One timer serves all of them: a timer each
/// would cost more than the question.
const LOOK: Duration = Duration::from_millis(50);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// Nobody listens on the subject: the question was not delivered.
    #[error("nobody answers on {subject}")]
    NoResponders { subject: String },
    /// Nothing came in time; the question may have been delivered.
    #[error("no answer on {subject} within {waited:?}")]
    TimedOut { subject: String, waited: Duration },
    /// The connection was lost and made anew; the question may have been delivered.
    #[error("the connection was lost while waiting for an answer on {subject}")]
    Reconnected { subject: String },
    /// The server refused the question.
    #[error("{0}")]
    Denied(String),
    /// The client could not send it.
    #[error("the question could not be sent")]
    NotSent(#[source] aether_core::Source),
    /// The connection is closed for good.
    #[error("the connection is closed")]
    Closed,
}

impl NoAnswer {
    /// Whether the question cannot have been delivered.
    pub(crate) fn is_undelivered(&self) -> bool {
        matches!(self, Self::NoResponders { .. } | Self::Denied(_) | Self::NotSent(_))
    }
}

/// A question.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) subject: Subject,
    pub(crate) headers: Option<HeaderMap>,
    pub(crate) payload: Bytes,
}

/// Sends questions and hands out the answers.
#[derive(Debug)]
pub(crate) struct Requests {
    inbox: String,
    next: AtomicU64,
    room: Semaphore,
    shared: Arc<Shared>,
    reader: JoinHandle<()>,
}

/// What askers share with the task that reads the answers.
#[derive(Debug)]
struct Shared {
    client: Client,
    denials: Option<Denials>,
    open: Open,
    closed: AtomicBool,
}

type Open = DashMap<u64, Question, ahash::RandomState>;
type Answer = Result<Message, Lost>;

/// An open question.
#[derive(Debug)]
struct Question {
    answer: oneshot::Sender<Answer>,
    asked: Instant,
    deadline: Instant,
    connects: u64,
    /// Only kept where denials are known.
    subject: Option<Subject>,
}

/// Why an open question will not be answered.
#[derive(Debug)]
enum Lost {
    TimedOut,
    Reconnected,
    Denied(String),
}

impl Requests {
    pub(crate) async fn new(client: Client, denials: Option<Denials>) -> Result<Self, NoAnswer> {
        let inbox = client.new_inbox();
        let subscribed = client.subscribe(format!("{inbox}.*")).await;
        let answers = subscribed.map_err(|e| NoAnswer::NotSent(e.into()))?;
        let closed = AtomicBool::new(false);
        let shared = Arc::new(Shared { client, denials, open: Open::default(), closed });
        let reader = tokio::spawn(Arc::clone(&shared).read(answers, inbox.len() + 1));
        let room = Semaphore::new(MAX_OPEN);
        Ok(Self { inbox, next: AtomicU64::new(0), room, shared, reader })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.shared.client
    }

    /// What the server denied about `subject` since then.
    pub(crate) fn denied(&self, sent: Instant, subject: &str) -> Option<String> {
        self.shared.denials.as_ref()?.since(sent, subject)
    }

    /// How often the connection was made.
    pub(crate) fn connects(&self) -> u64 {
        self.shared.connects()
    }

    /// Asks, and waits until `deadline`, or a little longer.
    pub(crate) async fn ask(&self, request: Request, deadline: Instant) -> Result<Message, NoAnswer> {
        self.ask_after(&[], request, deadline).await
    }

    /// Sends messages that nobody answers, then asks; all in this order on the one connection.
    pub(crate) async fn ask_after(
        &self,
        before: &[Request],
        request: Request,
        deadline: Instant,
    ) -> Result<Message, NoAnswer> {
        let asked = Instant::now();
        let Request { subject, headers, payload } = request;
        let no_answer = |lost: Result<Lost, RecvError>| match lost {
            Ok(Lost::TimedOut) => {
                NoAnswer::TimedOut { subject: subject.to_string(), waited: asked.elapsed() }
            }
            Ok(Lost::Reconnected) => NoAnswer::Reconnected { subject: subject.to_string() },
            Ok(Lost::Denied(denied)) => NoAnswer::Denied(denied),
            Err(_) => NoAnswer::Closed,
        };
        let _room = match self.room.try_acquire() {
            Ok(room) => room,
            Err(_) => match tokio::time::timeout_at(deadline, self.room.acquire()).await {
                Ok(Ok(room)) => room,
                Ok(Err(_)) => return Err(NoAnswer::Closed),
                Err(_) => return Err(no_answer(Ok(Lost::TimedOut))),
            },
        };
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, mut answer) = oneshot::channel();
        let watched = self.shared.denials.is_some().then(|| subject.clone());
        let connects = self.connects();
        let question = Question { answer: sender, asked, deadline, connects, subject: watched };
        self.shared.open.insert(id, question);
        let _forget = Forget { open: &self.shared.open, id };
        if self.shared.closed.load(Ordering::SeqCst) {
            return Err(NoAnswer::Closed);
        }
        let client = self.client();
        let sending = async {
            for Request { subject, headers, payload } in before {
                let headers = headers.clone().unwrap_or_default();
                client.publish_with_headers(subject.clone(), headers, payload.clone()).await?;
            }
            let reply = format!("{}.{}", self.inbox, Base36(id));
            let subject = subject.clone();
            match headers {
                Some(headers) => {
                    client.publish_with_reply_and_headers(subject, reply, headers, payload).await
                }
                None => client.publish_with_reply(subject, reply, payload).await,
            }
        };
        // Sending waits only while the connection is down; then the question is lost at its deadline, too.
        tokio::select! {
            biased;
            sent = sending => sent.map_err(|e| NoAnswer::NotSent(e.into()))?,
            answered = &mut answer => return Err(no_answer(match answered {
                Ok(Ok(_)) => Ok(Lost::Reconnected),
                Ok(Err(lost)) => Ok(lost),
                Err(closed) => Err(closed),
            })),
        }
        match answer.await {
            Ok(Ok(message)) if message.status == Some(StatusCode::NO_RESPONDERS) => {
                Err(NoAnswer::NoResponders { subject: subject.to_string() })
            }
            Ok(Ok(message)) => Ok(message),
            Ok(Err(lost)) => Err(no_answer(Ok(lost))),
            Err(closed) => Err(no_answer(Err(closed))),
        }
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Shared {
    fn connects(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }

    /// Hands out the answers; their subjects have the question's id from `prefix` on.
    async fn read(self: Arc<Self>, mut answers: Subscriber, prefix: usize) {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                answer = answers.next() => {
                    let Some(answer) = answer else { break };
                    let id = answer.subject.get(prefix..).and_then(|id| u64::from_str_radix(id, 36).ok());
                    if let Some((_, question)) = id.and_then(|id| self.open.remove(&id)) {
                        // Whoever asked may have given up.
                        let _ = question.answer.send(Ok(answer));
                    }
                }
                _ = look.tick() => self.give_up(),
            }
        }
        // The subscription ends only with the connection: nobody will be answered any more.
        self.closed.store(true, Ordering::SeqCst);
        self.open.clear();
    }

    /// Tells the askers of questions that will not be answered.
    fn give_up(&self) {
        let (now, connects) = (Instant::now(), self.connects());
        let why = |question: &Question| {
            let denied = question.subject.as_ref().zip(self.denials.as_ref());
            let denied = denied.and_then(|(subject, denials)| denials.since(question.asked, subject));
            match denied {
                Some(denied) => Some(Lost::Denied(denied)),
                None if now >= question.deadline => Some(Lost::TimedOut),
                None => (connects != question.connects).then_some(Lost::Reconnected),
            }
        };
        let lost: Vec<(u64, Lost)> =
            self.open.iter().filter_map(|open| why(&open).map(|lost| (*open.key(), lost))).collect();
        for (id, lost) in lost {
            if let Some((_, question)) = self.open.remove(&id) {
                let _ = question.answer.send(Err(lost));
            }
        }
    }
}

/// Takes a question back when its asker goes away.
struct Forget<'a> {
    open: &'a Open,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.open.remove(&self.id);
    }
}

/// A number in a short form that a subject token can hold.
struct Base36(u64);

impl std::fmt::Display for Base36 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut digits = [0u8; 13];
        let mut start = digits.len();
        let mut rest = self.0;
        loop {
            start -= 1;
            digits[start] = b"0123456789abcdefghijklmnopqrstuvwxyz"[(rest % 36) as usize];
            rest /= 36;
            if rest == 0 {
                break;
            }
        }
        f.write_str(std::str::from_utf8(&digits[start..]).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_36_is_read_back() {
        for number in [0, 35, 36, 1_000_000, u64::MAX] {
            assert_eq!(u64::from_str_radix(&Base36(number).to_string(), 36), Ok(number));
        }
    }
}
