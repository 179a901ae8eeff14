//! [`Ordered`]: the messages of a stream in order, none skipped and none twice, up to an end.

use std::time::Duration;

use aether_core::ReadError;
use aether_nats::{Backoff, StreamApi, StreamMessage};
use tokio::time::Instant;

use crate::consumer::{Consumer, Sent, Wanted};
use crate::open::bounds;

/// How often an idle consumer says that it is still there.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long nothing may come before a reader looks whether what it waits for is still there.
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
