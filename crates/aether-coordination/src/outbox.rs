//! [`Outbox`]: signals that are sent beside other work.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::{Coordination, Key};

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
