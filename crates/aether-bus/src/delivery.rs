//! What subscribers receive: [`BusDelivery`], the [`BusSubscription`] that yields it, and the count of what was missed.

use std::fmt;
use std::future::poll_fn;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use aether_core::{Event, Namespace};
use futures_core::Stream;
use futures_core::stream::BoxStream;
use tokio::task::coop;

use crate::group::Reader;
use crate::hub::Membership;
use crate::observe::Taking;

/// An event that was published in a namespace. Cloning is cheap (reference counts): all subscribers share it.
///
/// Derefs to its [`Event`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusEvent {
    namespace: Arc<Namespace>,
    event: Event,
}

impl BusEvent {
    /// For buses: `event`, as it was published in `namespace`.
    #[must_use]
    pub fn new(namespace: Arc<Namespace>, event: Event) -> Self {
        Self { namespace, event }
    }

    /// Returns the namespace in which the event was published.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The event.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.event
    }

    pub(crate) fn shared_namespace(&self) -> &Arc<Namespace> {
        &self.namespace
    }
}

impl Deref for BusEvent {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.event
    }
}

/// One thing that a subscriber of a bus gets.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum BusDelivery {
    /// An event that it asked for.
    Event(BusEvent),
    /// So many events are missing between what came before and what comes next.
    ///
    /// Those that the subscriber was too slow for have all matched its filter. Those that were lost on the network are
    /// of namespaces that it asked for; whether they would have passed its filter, nobody knows.
    Missed(u64),
    /// The connection was lost and made anew. Events may be missing that nobody can count: those of publishers that had
    /// not been heard before. Those of others are counted by [`Missed`](Self::Missed) when they are heard again.
    Interrupted,
    /// A message that is no event came where events are published.
    Undecodable(Arc<Undecodable>),
}

impl BusDelivery {
    /// The event, if it is one.
    #[must_use]
    pub fn event(&self) -> Option<&BusEvent> {
        match self {
            Self::Event(event) => Some(event),
            _ => None,
        }
    }

    /// The event, if it is one.
    #[must_use]
    pub fn into_event(self) -> Option<BusEvent> {
        match self {
            Self::Event(event) => Some(event),
            _ => None,
        }
    }
}

/// A message that is no event.
#[derive(Debug)]
#[non_exhaustive]
pub struct Undecodable {
    /// The subject that it was published on.
    pub subject: String,
    /// The reason why it is no event.
    pub reason: String,
    /// The bytes of the message.
    pub payload: Vec<u8>,
}

/// Deliveries of a bus, in the order in which each publisher published them. Dropping it unsubscribes.
///
/// It ends when the bus, or its connection, is closed for good.
#[must_use = "dropping a subscription unsubscribes"]
pub struct BusSubscription(Source);

enum Source {
    Queue {
        reader: Reader,
        _membership: Membership,
        taking: Taking,
        /// What brings the events here.
        _link: Option<Arc<dyn fmt::Debug + Send + Sync>>,
    },
    Stream(BoxStream<'static, BusDelivery>),
}

impl BusSubscription {
    /// For buses of other makes: a subscription that delivers what the stream does.
    pub fn from_stream(stream: impl Stream<Item = BusDelivery> + Send + 'static) -> Self {
        Self(Source::Stream(Box::pin(stream)))
    }

    pub(crate) fn new(
        (reader, membership): (Reader, Membership),
        link: Option<Arc<dyn fmt::Debug + Send + Sync>>,
        taking: Taking,
    ) -> Self {
        Self(Source::Queue { reader, _membership: membership, taking, _link: link })
    }

    /// Returns the next delivery; `None` at the end.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn recv(&mut self) -> Option<BusDelivery> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<BusDelivery>> {
        match &mut self.0 {
            Source::Queue { reader, taking, .. } => {
                // A subscriber that always has something to read must let others on its thread run, too.
                let budget = ready!(coop::poll_proceed(cx));
                let polled = match reader {
                    Reader::Ring(ring) => ring.poll(cx),
                    Reader::Lane(lane) => lane.poll(cx),
                };
                taking.taken(&polled);
                let delivery = ready!(polled);
                budget.made_progress();
                Poll::Ready(delivery)
            }
            Source::Stream(stream) => stream.as_mut().poll_next(cx),
        }
    }
}

impl Stream for BusSubscription {
    type Item = BusDelivery;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<BusDelivery>> {
        self.poll_recv(cx)
    }
}

impl fmt::Debug for BusSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Queue { reader, .. } => f.debug_tuple("BusSubscription").field(reader).finish(),
            Source::Stream(_) => f.debug_struct("BusSubscription").finish_non_exhaustive(),
        }
    }
}

/// How much has been, or should have been, delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    /// Events, also those that nobody can deliver any more.
    events: u64,
    /// Interruptions.
    interruptions: u64,
}

impl Tally {
    /// Counts what `delivery` stands for.
    pub(crate) fn add(&mut self, delivery: &BusDelivery) {
        match delivery {
            BusDelivery::Event(_) | BusDelivery::Undecodable(_) => self.events += 1,
            BusDelivery::Missed(events) => self.events = self.events.saturating_add(*events),
            BusDelivery::Interrupted => self.interruptions += 1,
        }
    }

    /// What has gone by since `before`.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            events: self.events.saturating_sub(before.events),
            interruptions: self.interruptions.saturating_sub(before.interruptions),
        }
    }

    /// The next thing to tell somebody who has missed all this.
    pub(crate) fn take_notice(&mut self) -> Option<BusDelivery> {
        if self.interruptions > 0 {
            self.interruptions = 0;
            return Some(BusDelivery::Interrupted);
        }
        match std::mem::take(&mut self.events) {
            0 => None,
            events => Some(BusDelivery::Missed(events)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missed_is_told_once() {
        let mut before = Tally::default();
        before.add(&BusDelivery::Missed(2));
        let mut now = before;
        now.add(&BusDelivery::Missed(5));
        now.add(&BusDelivery::Interrupted);
        now.add(&BusDelivery::Interrupted);
        let mut missed = now.since(before);
        assert!(matches!(missed.take_notice(), Some(BusDelivery::Interrupted)));
        assert!(matches!(missed.take_notice(), Some(BusDelivery::Missed(5))));
        assert!(missed.take_notice().is_none());
    }
}
