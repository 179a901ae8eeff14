//! [`Outgoing`]: the way of events to other nodes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use aether_core::codec::Envelope;
use aether_core::{Commit, Event, Namespace, Version};
use async_nats::client::PublishErrorKind;
use async_nats::{Client, Subject};
use bytes::Bytes;
use futures_util::FutureExt;
use papaya::HashMap as ConcurrentMap;
use tokio::task::coop;
use tokio::time::{Instant, timeout_at};

use super::config::NatsBusConfig;
use super::encoding;
use super::stamp::{Line, Stamp};
use crate::PublishError;
use crate::hub::lock;

/// How many namespaces are remembered. Beyond that all begin a new line of numbers.
const MAX_TOPICS: usize = 65_536;

/// Sends events to other nodes.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) client: Client,
    pub(super) config: NatsBusConfig,
    pub(super) origin: u64,
    topics: ConcurrentMap<Namespace, Arc<Topic>, ahash::RandomState>,
    epochs: AtomicU64,
}

/// What is sent to one subject.
#[derive(Debug)]
struct Topic {
    subject: Subject,
    line: Line,
    /// The number of the last message.
    last: Mutex<u64>,
}

/// What became of a message.
enum Sent {
    Yes,
    /// The client has no room for it.
    Full,
}

impl Outgoing {
    pub(super) fn new(client: Client, config: NatsBusConfig) -> Self {
        // The low half of a UUIDv7 is random but for two bits.
        let origin = uuid::Uuid::now_v7().as_u64_pair().1;
        Self { client, config, origin, topics: ConcurrentMap::default(), epochs: AtomicU64::new(0) }
    }

    /// Sends the event, and waits for room until the timeout.
    ///
    /// # Cancel safety
    /// When the future is dropped, the event has not been sent.
    pub(super) async fn send(&self, namespace: &Namespace, event: &Event) -> Result<(), PublishError> {
        let topic = self.topic(namespace);
        let payload = self.encode(&topic, event)?;
        let deadline = Instant::now() + self.config.timeout;
        loop {
            match self.try_send(&topic, &payload, 0)? {
                Sent::Yes => return Ok(()),
                // Waits in turn for room, and then until all that is before it has left.
                Sent::Full => match timeout_at(deadline, self.client.flush()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return Err(PublishError::Closed),
                    Err(elapsed) => return Err(PublishError::Unavailable(elapsed.into())),
                },
            }
        }
    }

    /// Sends the event if there is room. If not, its number is left out, so that others notice.
    pub(super) fn send_now(&self, namespace: &Namespace, event: &Event) -> Result<(), PublishError> {
        let topic = self.topic(namespace);
        let sent = self.encode(&topic, event).and_then(|payload| self.try_send(&topic, &payload, 1));
        match sent {
            Ok(Sent::Yes) => Ok(()),
            Ok(Sent::Full) => Err(PublishError::Unavailable("the client has no room for it".into())),
            Err(error) => Err(error),
        }
    }

    /// Sends with the next number, or leaves out as many numbers as said.
    fn try_send(&self, topic: &Topic, payload: &Bytes, skipped: u64) -> Result<Sent, PublishError> {
        // Under the lock, so that messages leave in the order of their numbers.
        let mut last = lock(&topic.last);
        let stamp = Stamp { line: topic.line, number: *last + 1 };
        let sending = self.client.publish_with_reply(topic.subject.clone(), stamp.to_text(), payload.clone());
        // Looked at once: it waits only for room. A task whose budget is used up must not look like no room.
        let sent = coop::unconstrained(sending).now_or_never();
        match sent {
            Some(Ok(())) => {
                *last += 1;
                Ok(Sent::Yes)
            }
            None => {
                *last += skipped;
                Ok(Sent::Full)
            }
            Some(Err(error)) => {
                *last += skipped;
                Err(match error.kind() {
                    PublishErrorKind::MaxPayloadExceeded => PublishError::TooLarge {
                        size: payload.len(),
                        limit: self.client.server_info().max_payload,
                    },
                    PublishErrorKind::Send => PublishError::Closed,
                    PublishErrorKind::InvalidSubject => PublishError::Unavailable(error.into()),
                })
            }
        }
    }

    fn encode(&self, topic: &Topic, event: &Event) -> Result<Bytes, PublishError> {
        let mut out = Vec::with_capacity(256 + event.size());
        let parts = Commit::event(event).parts()?;
        for part in parts.iter() {
            let version = part.version_after(aether_core::Head::NONE).max(Version::ZERO);
            let envelope = Envelope { source: &topic.subject, part, links: &[], version, marks: None };
            self.config.codec.encode(&envelope, &mut out);
        }
        Ok(out.into())
    }

    fn topic(&self, namespace: &Namespace) -> Arc<Topic> {
        let topics = self.topics.pin();
        if let Some(topic) = topics.get(namespace) {
            return Arc::clone(topic);
        }
        if topics.len() >= MAX_TOPICS {
            topics.clear();
        }
        let topic = topics.get_or_insert_with(namespace.clone(), || {
            let subject = encoding::subject(&self.config.prefix, namespace).into();
            let epoch = self.epochs.fetch_add(1, Ordering::Relaxed);
            Arc::new(Topic { subject, line: Line { origin: self.origin, epoch }, last: Mutex::new(0) })
        });
        Arc::clone(topic)
    }
}
