//! [`Requests`]: questions to the server and their answers, over one inbox.
//!
//! One wildcard subscription serves all answers. That is cheaper than the client's own requests, and a question that is
//! given up leaves nothing behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_nats::{Client, HeaderMap, Message, StatusCode};
use bytes::Bytes;
use dashmap::DashMap;
use futures_util::StreamExt;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::denials::Denials;

/// How many questions may be open at a time; the next one waits. Well below the number of messages that a subscription
/// holds, so that no answer is dropped.
const MAX_OPEN: usize = 8192;
/// How often a question that is still open looks whether its answer can still come.
const LOOK: Duration = Duration::from_millis(200);

type Open = DashMap<u64, oneshot::Sender<Message>>;

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
    pub(crate) subject: String,
    pub(crate) headers: Option<HeaderMap>,
    pub(crate) payload: Bytes,
}

/// Sends questions and hands out the answers.
#[derive(Debug)]
pub(crate) struct Requests {
    client: Client,
    inbox: String,
    next: AtomicU64,
    open: Arc<Open>,
    room: Semaphore,
    reader: JoinHandle<()>,
    denials: Option<Denials>,
}

impl Requests {
    pub(crate) async fn new(client: Client, denials: Option<Denials>) -> Result<Self, NoAnswer> {
        let inbox = client.new_inbox();
        let subscribed = client.subscribe(format!("{inbox}.*")).await;
        let mut answers = subscribed.map_err(|e| NoAnswer::NotSent(e.into()))?;
        let open: Arc<Open> = Arc::default();
        let reader = tokio::spawn({
            let (open, prefix) = (open.clone(), inbox.len() + 1);
            async move {
                while let Some(answer) = answers.next().await {
                    let id = answer.subject.get(prefix..).and_then(|id| u64::from_str_radix(id, 36).ok());
                    if let Some((_, waiting)) = id.and_then(|id| open.remove(&id)) {
                        // Whoever waited may have given up.
                        let _ = waiting.send(answer);
                    }
                }
                // The subscription ends only with the connection: nobody will be answered any more.
                open.clear();
            }
        });
        let room = Semaphore::new(MAX_OPEN);
        Ok(Self { client, inbox, next: AtomicU64::new(0), open, room, reader, denials })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// What the server denied about `subject` since then.
    pub(crate) fn denied(&self, sent: Instant, subject: &str) -> Option<String> {
        self.denials.as_ref()?.since(sent, subject)
    }

    /// How often the connection was made.
    pub(crate) fn connects(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }

    /// Asks, and waits until `deadline`.
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
        let timed_out = |subject| NoAnswer::TimedOut { subject, waited: asked.elapsed() };
        let Ok(_room) = tokio::time::timeout_at(deadline, self.room.acquire()).await else {
            return Err(timed_out(request.subject));
        };
        if self.reader.is_finished() {
            return Err(NoAnswer::Closed);
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, mut answer) = oneshot::channel();
        self.open.insert(id, sender);
        let _forget = Forget { open: &self.open, id };
        let connects = self.connects();
        let Request { subject, headers, payload } = request;
        let sending = async {
            for Request { subject, headers, payload } in before {
                let headers = headers.clone().unwrap_or_default();
                self.client.publish_with_headers(subject.clone(), headers, payload.clone()).await?;
            }
            let reply = format!("{}.{}", self.inbox, Base36(id));
            match headers {
                Some(headers) => {
                    self.client.publish_with_reply_and_headers(subject.clone(), reply, headers, payload).await
                }
                None => self.client.publish_with_reply(subject.clone(), reply, payload).await,
            }
        };
        match tokio::time::timeout_at(deadline, sending).await {
            Ok(Ok(())) => {}
            Ok(Err(e)) => return Err(NoAnswer::NotSent(e.into())),
            Err(_) => return Err(timed_out(subject)),
        }
        loop {
            let look = deadline.min(Instant::now() + LOOK);
            match tokio::time::timeout_at(look, &mut answer).await {
                Ok(Ok(message)) if message.status == Some(StatusCode::NO_RESPONDERS) => {
                    return Err(NoAnswer::NoResponders { subject });
                }
                Ok(Ok(message)) => return Ok(message),
                Ok(Err(_)) => return Err(NoAnswer::Closed),
                Err(_) => {}
            }
            if let Some(denied) = self.denied(asked, &subject) {
                return Err(NoAnswer::Denied(denied));
            }
            if Instant::now() >= deadline {
                return Err(timed_out(subject));
            }
            if self.connects() != connects {
                return Err(NoAnswer::Reconnected { subject });
            }
        }
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        self.reader.abort();
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
