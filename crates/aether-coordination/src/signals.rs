//! [`Signals`]: small messages to current listeners; [`Outbox`], which sends them beside other work; and [`Follow`], which
//! opens a stream of signals or changes again when it ends.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::{Coordination, CoordinationError, Key};

/// What is heard, in the order of each sender.
pub type Heard = BoxStream<'static, Bytes>;

/// Small messages to whoever listens, also to the sender. At most once: what is sent while the connection is down, or to
/// a listener that has fallen behind, is lost.
#[async_trait]
pub trait Signals: fmt::Debug + Send + Sync {
    /// Sends a message to all who listen on the topic.
    ///
    /// # Errors
    /// [`CoordinationError`] if it certainly was not sent. That it was sent does not mean that anybody heard it.
    async fn send(&self, topic: &Key, message: Bytes) -> Result<(), CoordinationError>;

    /// Listens on a topic. When this returns, what is sent from then on through the same server is heard; it may take some
    /// milliseconds more until the other servers of a cluster know of the listener. It goes on over reconnects and ends
    /// with the connection.
    ///
    /// # Errors
    /// [`CoordinationError`].
    async fn listen(&self, topic: &Key) -> Result<Heard, CoordinationError>;
}

/// How many messages may wait to be sent. When there are more, the newest is dropped: a pulse that is late is worth
/// nothing, and the next one comes soon.
const OUTBOX: usize = 64;
/// How long a message may take to be sent.
const SEND_WITHIN: Duration = Duration::from_secs(2);

/// Signals that are sent beside other work, in order. Dropping it sends nothing more.
#[derive(Debug)]
pub struct Outbox {
    messages: Option<mpsc::Sender<(Key, Bytes)>>,
    sender: JoinHandle<()>,
}

impl Outbox {
    /// An empty one.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn new(coordination: Arc<dyn Coordination>) -> Self {
        let (messages, waiting) = mpsc::channel(OUTBOX);
        Self { messages: Some(messages), sender: tokio::spawn(send_all(coordination, waiting)) }
    }

    /// Sends a message to all who listen on the topic, or drops it if too many wait.
    pub fn send(&self, topic: Key, message: Bytes) {
        if let Some(messages) = &self.messages {
            // Nobody counts on a message: what is lost is said again.
            let _ = messages.try_send((topic, message));
        }
    }

    /// Sends what waits to be sent, and ends.
    pub async fn end(&mut self) {
        self.messages = None;
        // A goodbye that is not heard costs the others a suspicion, no more.
        let _ = tokio::time::timeout(SEND_WITHIN, &mut self.sender).await;
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.sender.abort();
    }
}

async fn send_all(coordination: Arc<dyn Coordination>, mut messages: mpsc::Receiver<(Key, Bytes)>) {
    while let Some((topic, message)) = messages.recv().await {
        match tokio::time::timeout(SEND_WITHIN, coordination.send(&topic, message)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a message was not sent"),
            Err(_) => tracing::debug!("a message was not sent in time"),
        }
    }
}

/// How long to wait before listening again.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

type Opened<S> = BoxFuture<'static, Result<S, CoordinationError>>;

/// A stream of signals or changes that is opened again when it ends.
pub struct Follow<S> {
    state: State<S>,
    open: Box<dyn Fn() -> Opened<S> + Send>,
}

enum State<S> {
    Opening(Opened<S>),
    On(S),
}

impl<S: Stream + Unpin + 'static> Follow<S> {
    /// Opens the stream for the first time.
    ///
    /// # Errors
    /// As opening it.
    pub async fn begin(open: impl Fn() -> Opened<S> + Send + 'static) -> Result<Self, CoordinationError> {
        Ok(Self { state: State::On(open().await?), open: Box::new(open) })
    }

    /// The next item, or why there will be no more.
    ///
    /// # Errors
    /// As opening it, if that cannot succeed any more.
    ///
    /// # Cancel safety
    /// Nothing is lost if this is given up.
    pub async fn next(&mut self) -> Result<S::Item, CoordinationError> {
        loop {
            match &mut self.state {
                State::On(stream) => match stream.next().await {
                    Some(item) => return Ok(item),
                    None => self.again(),
                },
                State::Opening(opening) => match opening.await {
                    Ok(stream) => self.state = State::On(stream),
                    Err(error) => {
                        self.again();
                        if !error.is_retryable() {
                            return Err(error);
                        }
                        tracing::warn!(%error, "cannot listen, and try again");
                    }
                },
            }
        }
    }

    fn again(&mut self) {
        let opened = (self.open)();
        self.state = State::Opening(
            async move {
                tokio::time::sleep(AGAIN_AFTER).await;
                opened.await
            }
            .boxed(),
        );
    }
}

impl<S> std::fmt::Debug for Follow<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follow").finish_non_exhaustive()
    }
}
