//! [`Counted`]: a subscription that counts what it delivers.

use std::pin::Pin;
use std::task::{Context, Poll};

use aether_core::{Delivery, Position, ReadError, Subscription};
use futures_core::Stream;

use crate::StoreTelemetry;
use crate::metrics::SubscriptionMetrics;

/// How many events are delivered between two looks at the metrics, if it is not waited before.
const EVERY: u64 = 64;

impl StoreTelemetry {
    /// A subscription begins, which counts what it delivers. `lag` says how many commits are saved after a position, the
    /// last that went by; it is asked now and then.
    #[must_use]
    pub fn subscription(
        &self,
        deliveries: Subscription,
        lag: impl Fn(Position) -> u64 + Send + 'static,
    ) -> Subscription {
        let metrics = self.subscription_metrics();
        let passed = Position::new(0, 0);
        Box::pin(Counted { deliveries, lag, metrics, events: 0, passed })
    }
}

struct Counted<L> {
    deliveries: Subscription,
    lag: L,
    metrics: SubscriptionMetrics,
    /// Delivered, and not counted yet.
    events: u64,
    passed: Position,
}

// Nothing in it is pinned in place.
impl<L> Unpin for Counted<L> {}

impl<L: Fn(Position) -> u64> Counted<L> {
    fn count(&mut self) {
        self.metrics.delivered(std::mem::take(&mut self.events));
        self.metrics.lag((self.lag)(self.passed));
    }
}

impl<L: Fn(Position) -> u64> Stream for Counted<L> {
    type Item = Result<Delivery, ReadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.deliveries.as_mut().poll_next(context);
        match &polled {
            Poll::Ready(Some(Ok(delivery))) => {
                if let Some(position) = delivery.position() {
                    self.passed = position;
                }
                match delivery {
                    Delivery::Event(_) => self.events += 1,
                    Delivery::FellBehind => self.metrics.fell_behind(),
                    _ => {}
                }
                if self.events >= EVERY {
                    self.count();
                }
            }
            Poll::Pending | Poll::Ready(_) => self.count(),
        }
        polled
    }
}

impl<L> Drop for Counted<L> {
    fn drop(&mut self) {
        self.metrics.delivered(self.events);
    }
}
