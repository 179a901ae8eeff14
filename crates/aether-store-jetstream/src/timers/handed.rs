//! [`Delivered`]: what becomes of a timer that was delivered.

use std::sync::Arc;
use std::time::Duration;

use aether_core::{Handed, TimerError};
use aether_nats::{Backoff, CallError, Request};
use async_nats::Subject;
use async_trait::async_trait;
use bytes::Bytes;
use serde_json::json;
use tokio::time::Instant;

use super::{Inner, timer_error};

/// A message that waits for its acknowledgement.
pub(super) struct Delivered {
    inner: Arc<Inner>,
    /// Where the acknowledgement goes.
    reply: Subject,
    /// When the server begins to hand it to others.
    until: Instant,
}

impl Delivered {
    pub(super) fn new(inner: Arc<Inner>, reply: Subject) -> Self {
        let until = Instant::now() + inner.ack_wait;
        Self { inner, reply, until }
    }

    /// Tells the server, and waits for its answer: for one attempt at least, and as long as nobody else has the timer.
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
    pub(super) async fn terminate(&self) -> Result<(), TimerError> {
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
