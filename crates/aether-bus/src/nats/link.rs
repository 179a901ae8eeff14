//! [`Link`]: the subscription to one pattern on the network, shared by all who asked for that pattern.

use std::sync::Arc;
use std::time::Duration;

use aether_core::codec::Codec;
use async_nats::{Client, Message, Subscriber};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{OnceCell, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::encoding;
use super::heard::{Gap, Heard};
use super::outgoing::Outgoing;
use super::stamp::Stamp;
use crate::group::{Group, Scope};
use crate::hub::Hub;
use crate::{BusDelivery, BusEvent, NamespacePattern, SubscribeError, Undecodable};

/// The subscription to one pattern on the network. Dropping it unsubscribes.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) scope: Scope,
    reader: OnceCell<Task>,
}

/// A task that ends with its owner.
#[derive(Debug)]
pub(super) struct Task(pub(super) JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Link {
    pub(super) fn new(scope: Scope) -> Self {
        Self { scope, reader: OnceCell::new() }
    }

    /// Subscribes, unless that is done, and has the server confirm it.
    pub(super) async fn open(
        &self,
        pattern: &NamespacePattern,
        outgoing: &Outgoing,
        hub: &Arc<Hub>,
        connects: watch::Receiver<u64>,
    ) -> Result<(), SubscribeError> {
        let unavailable = |source| SubscribeError::Unavailable { pattern: pattern.to_string(), source };
        let open = async {
            let subject = encoding::filter(&outgoing.config.prefix, pattern);
            let subscribed = timeout(outgoing.config.timeout, subscribe(&outgoing.client, subject)).await;
            let messages = subscribed.map_err(|elapsed| unavailable(elapsed.into()))?.map_err(unavailable)?;
            let incoming = Incoming {
                scope: self.scope,
                prefix: outgoing.config.prefix.clone(),
                origin: outgoing.origin,
                hub: Arc::clone(hub),
                heard: Heard::default(),
                groups: (0, Vec::new()),
            };
            Ok(Task(tokio::spawn(incoming.read(messages, connects))))
        };
        self.reader.get_or_try_init(|| open).await.map(|_| ())
    }
}

/// Subscribes, and sends a message to itself on the same connection: once that is back, the server knows of both.
async fn subscribe(client: &Client, subject: String) -> Result<Subscriber, aether_core::Source> {
    let messages = client.subscribe(subject).await?;
    let echo = client.new_inbox();
    let mut echoes = client.subscribe(echo.clone()).await?;
    client.publish(echo, Bytes::new()).await?;
    match echoes.next().await {
        Some(_) => Ok(messages),
        None => Err("the connection is closed".into()),
    }
}

/// Watches how often the connection was made.
pub(super) async fn watch_connects(client: Client, connects: watch::Sender<u64>) {
    /// How long it may take until an interruption is told where nothing comes any more.
    const LOOK: Duration = Duration::from_millis(100);
    let mut look = tokio::time::interval(LOOK);
    loop {
        look.tick().await;
        let now = client.statistics().connects.load(std::sync::atomic::Ordering::Relaxed);
        connects.send_if_modified(|before| std::mem::replace(before, now) != now);
    }
}

/// Reads what comes, for the groups of one link.
struct Incoming {
    scope: Scope,
    prefix: String,
    origin: u64,
    hub: Arc<Hub>,
    heard: Heard,
    /// Whom it delivers to, and of which generation of the hub that is true.
    groups: (u64, Vec<Arc<Group>>),
}

impl Incoming {
    async fn read(mut self, mut messages: Subscriber, mut connects: watch::Receiver<u64>) {
        // If this ends in a panic, subscribers must not wait for ever.
        let _end = End { hub: Arc::clone(&self.hub), scope: self.scope };
        connects.mark_unchanged();
        loop {
            // Waiting for two things costs more than taking what is there, of which there is mostly more.
            if !connects.has_changed().unwrap_or(true)
                && let Some(Some(message)) = messages.next().now_or_never()
            {
                self.take(message);
                continue;
            }
            tokio::select! {
                biased;
                changed = connects.changed() => match changed {
                    Ok(()) => self.deliver(BusDelivery::Interrupted),
                    // The bus is gone.
                    Err(_) => break,
                },
                message = messages.next() => match message {
                    Some(message) => self.take(message),
                    // The connection is closed for good.
                    None => {
                        self.deliver(BusDelivery::Interrupted);
                        self.groups().iter().for_each(|group| group.close());
                        break;
                    }
                },
            }
        }
    }

    fn take(&mut self, message: Message) {
        let stamp = message.reply.as_deref().and_then(Stamp::parse);
        if stamp.is_some_and(|stamp| stamp.line.origin == self.origin) {
            // The subscribers here got it when it was published.
            return;
        }
        let Some(subject) = self.heard.subject(&self.prefix, &message.subject) else {
            return self.undecodable(&message, "the subject is of no namespace".to_owned());
        };
        let namespace = Arc::clone(&subject.namespace);
        let gap = stamp.map_or(Gap::None, |stamp| subject.hear(stamp));
        match gap {
            Gap::None => {}
            Gap::Missed(events) => self.deliver(BusDelivery::Missed(events)),
            Gap::Forgotten => self.deliver(BusDelivery::Interrupted),
        }
        match Codec::decode(&message.payload) {
            Ok(decoded) if decoded.events.is_empty() => {
                self.undecodable(&message, "it is a commit without events".to_owned());
            }
            Ok(decoded) => {
                for event in decoded.events {
                    let event = BusEvent::new(Arc::clone(&namespace), event);
                    for group in self.groups().iter().filter(|group| group.wants(&event)) {
                        group.offer(BusDelivery::Event(event.clone()));
                    }
                }
            }
            Err(error) => {
                let mut reason = error.to_string();
                if let Some(source) = std::error::Error::source(&error) {
                    reason = format!("{reason}: {source}");
                }
                self.undecodable(&message, reason);
            }
        }
    }

    fn undecodable(&mut self, message: &Message, reason: String) {
        let undecodable =
            Undecodable { subject: message.subject.to_string(), reason, payload: message.payload.to_vec() };
        self.deliver(BusDelivery::Undecodable(Arc::new(undecodable)));
    }

    fn deliver(&mut self, delivery: BusDelivery) {
        for group in self.groups() {
            group.offer(delivery.clone());
        }
    }

    fn groups(&mut self) -> &[Arc<Group>] {
        if self.groups.0 != self.hub.generation() {
            self.groups = self.hub.linked(self.scope);
        }
        &self.groups.1
    }
}

/// Ends the subscriptions of a link whose task has panicked.
struct End {
    hub: Arc<Hub>,
    scope: Scope,
}

impl Drop for End {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.hub.linked(self.scope).1.iter().for_each(|group| group.close());
        }
    }
}
