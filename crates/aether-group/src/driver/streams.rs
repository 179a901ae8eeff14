//! What a driver listens to: the store, the other members, and the keys.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use aether_coordination::{Coordination, CoordinationError, Key};
use aether_core::{Delivery, ReadError, Subscription};
use bytes::Bytes;
use futures_core::Stream;
use futures_core::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::record::{Message, encode};

/// How many messages may wait to be sent. When there are more, the newest is dropped: a pulse that is late is worth
/// nothing, and the next one comes soon.
const OUTBOX: usize = 64;
/// How long a message may take to be sent.
const SEND_WITHIN: Duration = Duration::from_secs(2);
/// How long to wait before listening again.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// What was read, or why no more is.
pub(super) type Read = Result<Delivery, Option<ReadError>>;

/// The events of the store.
pub(super) enum Reader {
    Off,
    Opening(BoxFuture<'static, Result<Subscription, ReadError>>),
    On(Subscription),
}

impl Reader {
    /// The next delivery.
    pub(super) async fn next(&mut self) -> Read {
        if let Self::Opening(opening) = self {
            match opening.await {
                Ok(subscription) => *self = Self::On(subscription),
                Err(error) => {
                    *self = Self::Off;
                    return Err(Some(error));
                }
            }
        }
        match self {
            Self::On(subscription) => match subscription.next().await {
                Some(Ok(delivery)) => Ok(delivery),
                Some(Err(error)) => Err(Some(error)),
                None => Err(None),
            },
            Self::Off | Self::Opening(_) => pending().await,
        }
    }
}

type Opened<S> = BoxFuture<'static, Result<S, CoordinationError>>;

/// A stream that is opened again when it ends.
pub(super) struct Follow<S> {
    state: State<S>,
    open: Box<dyn Fn() -> Opened<S> + Send>,
}

enum State<S> {
    Opening(Opened<S>),
    On(S),
}

impl<S: Stream + Unpin + 'static> Follow<S> {
    /// Opens the stream for the first time.
    pub(super) async fn begin(
        open: impl Fn() -> Opened<S> + Send + 'static,
    ) -> Result<Self, CoordinationError> {
        Ok(Self { state: State::On(open().await?), open: Box::new(open) })
    }

    /// The next item, or why there will be no more. Nothing is lost if this is given up.
    pub(super) async fn next(&mut self) -> Result<S::Item, CoordinationError> {
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

/// What is to be told to everybody.
pub(super) struct Outbox {
    messages: Option<mpsc::Sender<Bytes>>,
    sender: JoinHandle<()>,
}

impl Outbox {
    pub(super) fn new(coordination: Arc<dyn Coordination>, topic: Key) -> Self {
        let (messages, waiting) = mpsc::channel(OUTBOX);
        Self { messages: Some(messages), sender: tokio::spawn(send_all(coordination, topic, waiting)) }
    }

    /// Sends a message, or drops it if too many wait.
    pub(super) fn send(&self, message: &Message) {
        if let Some(messages) = &self.messages {
            // Nobody counts on a message: what is lost is said again.
            let _ = messages.try_send(encode(message));
        }
    }

    /// Sends what waits to be sent, and ends.
    pub(super) async fn end(&mut self) {
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

async fn send_all(coordination: Arc<dyn Coordination>, topic: Key, mut messages: mpsc::Receiver<Bytes>) {
    while let Some(message) = messages.recv().await {
        match tokio::time::timeout(SEND_WITHIN, coordination.send(&topic, message)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a message was not sent"),
            Err(_) => tracing::debug!("a message was not sent in time"),
        }
    }
}
