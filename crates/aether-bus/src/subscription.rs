//! [`BusSubscription`]: what a subscriber holds.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_core::stream::BoxStream;
use tokio::task::coop;

use crate::BusDelivery;
use crate::group::Reader;
use crate::hub::Membership;
use crate::observe::Taking;

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

    /// The next delivery; `None` at the end.
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
