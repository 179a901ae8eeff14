//! [`Requests`]: questions to the server and their answers, over one inbox.
//!
//! One wildcard subscription serves all answers, so a question that is given up leaves nothing behind.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::{Client, HeaderMap, Message, StatusCode, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

/// How often it is looked whether the connection that a question went over is still the same.
const LOOK: Duration = Duration::from_millis(50);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// Nobody listens on the subject: the question was not delivered.
    #[error("nobody answers on {subject}")]
    NoResponders { subject: String },
    /// Nothing came in time; the question may have been delivered.
    #[error("no answer on {subject} in time; if the server runs, the credentials may lack a permission")]
    TimedOut { subject: String },
    /// The connection was lost and made anew; the question may have been delivered.
    #[error("the connection was lost while waiting for an answer on {subject}")]
    Reconnected { subject: String },
    /// The client could not send it.
    #[error("the question could not be sent")]
    NotSent(#[source] aether_core::Source),
    /// The connection is closed for good; the question may have been delivered.
    #[error("the connection is closed")]
    Closed,
}

impl NoAnswer {
    /// Whether the question cannot have been delivered.
    pub(crate) fn is_undelivered(&self) -> bool {
        matches!(self, Self::NoResponders { .. } | Self::NotSent(_))
    }
}

type Open = Arc<Mutex<Questions>>;

/// The open questions; `None` once the connection is closed.
type Questions = Option<HashMap<u64, oneshot::Sender<Message>>>;

/// Sends questions and hands out the answers.
#[derive(Debug)]
pub(crate) struct Requests {
    client: Client,
    inbox: String,
    next: AtomicU64,
    open: Open,
    reader: JoinHandle<()>,
}

fn lock(open: &Open) -> MutexGuard<'_, Questions> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Requests {
    pub(crate) async fn new(client: Client) -> Result<Self, NoAnswer> {
        let inbox = client.new_inbox();
        let answers =
            client.subscribe(format!("{inbox}.*")).await.map_err(|e| NoAnswer::NotSent(e.into()))?;
        let open = Open::new(Mutex::new(Some(HashMap::new())));
        let reader = tokio::spawn(read(answers, inbox.len() + 1, Arc::clone(&open)));
        Ok(Self { client, inbox, next: AtomicU64::new(0), open, reader })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// How often the connection was made.
    pub(crate) fn connects(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }

    /// Asks, and waits until `deadline`.
    pub(crate) async fn ask(
        &self,
        subject: &str,
        headers: Option<HeaderMap>,
        payload: Bytes,
        deadline: Instant,
    ) -> Result<Message, NoAnswer> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let reply = format!("{}.{id}", self.inbox);
        let question = async {
            let to = subject.to_owned();
            match headers {
                Some(headers) => {
                    self.client.publish_with_reply_and_headers(to, reply, headers, payload).await
                }
                None => self.client.publish_with_reply(to, reply, payload).await,
            }
        };
        let message = self.wait_for(id, subject, question, deadline).await?;
        if message.status == Some(StatusCode::NO_RESPONDERS) {
            return Err(NoAnswer::NoResponders { subject: subject.to_owned() });
        }
        Ok(message)
    }

    /// Proves by a round trip on the connection that the server has seen all that was sent over it before.
    pub(crate) async fn round_trip(&self, deadline: Instant) -> Result<(), NoAnswer> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let to = format!("{}.{id}", self.inbox);
        let sending = self.client.publish(to.clone(), Bytes::new());
        self.wait_for(id, &to, sending, deadline).await.map(|_| ())
    }

    async fn wait_for<E: std::error::Error + Send + Sync + 'static>(
        &self,
        id: u64,
        subject: &str,
        sending: impl Future<Output = Result<(), E>>,
        deadline: Instant,
    ) -> Result<Message, NoAnswer> {
        let (sender, mut answer) = oneshot::channel();
        let connects = self.connects();
        match lock(&self.open).as_mut() {
            Some(open) => open.insert(id, sender),
            None => return Err(NoAnswer::Closed),
        };
        let _forget = Forget { open: &self.open, id };
        // Sending waits while the connection is down; a question that did not get out may still do so later.
        match timeout_at(deadline, sending).await {
            Ok(sent) => sent.map_err(|e| NoAnswer::NotSent(e.into()))?,
            Err(_) => return Err(NoAnswer::TimedOut { subject: subject.to_owned() }),
        }
        loop {
            let look = deadline.min(Instant::now() + LOOK);
            match timeout_at(look, &mut answer).await {
                Ok(Ok(message)) => return Ok(message),
                Ok(Err(_)) => return Err(NoAnswer::Closed),
                Err(_) if Instant::now() >= deadline => {
                    return Err(NoAnswer::TimedOut { subject: subject.to_owned() });
                }
                Err(_) if self.connects() != connects => {
                    return Err(NoAnswer::Reconnected { subject: subject.to_owned() });
                }
                Err(_) => {}
            }
        }
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Hands out the answers; their subjects have the question's id from `prefix` on.
async fn read(mut answers: Subscriber, prefix: usize, open: Open) {
    while let Some(answer) = answers.next().await {
        let id = answer.subject.get(prefix..).and_then(|id| id.parse().ok());
        let asker = id.and_then(|id| lock(&open).as_mut()?.remove(&id));
        if let Some(asker) = asker {
            // Whoever asked may have given up.
            let _ = asker.send(answer);
        }
    }
    // The subscription ends only with the connection: nobody will be answered any more.
    lock(&open).take();
}

/// Takes a question back when its asker goes away.
struct Forget<'a> {
    open: &'a Open,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        if let Some(open) = lock(self.open).as_mut() {
            open.remove(&self.id);
        }
    }
}
