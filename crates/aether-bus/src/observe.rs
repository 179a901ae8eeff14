//! What a bus reports about itself.

use std::task::Poll;

use aether_core::{Event, Namespace};
use aether_telemetry::metrics::{BusMetrics, SubscriberMetrics};
use aether_telemetry::{Destination, span};
use tracing::Span;

use crate::{BusDelivery, NamespacePattern, PublishError};

/// How many events are taken between two looks at the metrics, if it is not waited before.
const EVERY: u64 = 64;

/// Which bus it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Kind {
    #[default]
    Memory,
    #[cfg(feature = "nats")]
    Nats,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            #[cfg(feature = "nats")]
            Self::Nats => "nats",
        }
    }
}

/// What is published in a namespace.
#[derive(Debug)]
pub(crate) struct Publishing {
    metrics: BusMetrics,
    destination: Destination,
}

impl Publishing {
    pub(crate) fn new(kind: Kind, namespace: &Namespace) -> Self {
        let destination = match kind {
            Kind::Memory => Destination::local(namespace.as_str()),
            #[cfg(feature = "nats")]
            Kind::Nats => Destination::nats(namespace.as_str()),
        };
        Self { metrics: BusMetrics::new(namespace.as_str(), kind.as_str()), destination }
    }

    pub(crate) fn published(&self) {
        self.metrics.published(1);
    }

    #[cfg(feature = "nats")]
    pub(crate) fn unpublished(&self) {
        self.metrics.unpublished(1);
    }

    /// The span in which the event is published.
    pub(crate) fn span(&self, event: &Event) -> Span {
        span::publish(&self.destination, std::slice::from_ref(event))
    }
}

/// Says on the span that the event was not published.
#[cfg(feature = "nats")]
pub(crate) fn fail(span: &Span, error: &PublishError) {
    let kind = match error {
        PublishError::TooLarge { .. } => "too_large",
        PublishError::Invalid(_) => "invalid",
        PublishError::Unavailable(_) => "unavailable",
        PublishError::Closed => "closed",
    };
    span::fail(span, kind);
}

/// Counts what a subscriber takes.
#[derive(Debug)]
pub(crate) struct Taking {
    metrics: SubscriberMetrics,
    /// Taken, and not counted yet.
    events: u64,
}

impl Taking {
    pub(crate) fn new(kind: Kind, pattern: &NamespacePattern) -> Self {
        Self { metrics: SubscriberMetrics::new(&pattern.to_string(), kind.as_str()), events: 0 }
    }

    pub(crate) fn taken(&mut self, polled: &Poll<Option<BusDelivery>>) {
        match polled {
            Poll::Ready(Some(BusDelivery::Event(_))) => {
                self.events += 1;
                if self.events == EVERY {
                    self.count();
                }
            }
            Poll::Ready(Some(BusDelivery::Missed(events))) => self.metrics.dropped(*events),
            Poll::Ready(Some(BusDelivery::Interrupted)) => self.metrics.interrupted(),
            Poll::Ready(Some(BusDelivery::Undecodable(_))) => {}
            Poll::Pending | Poll::Ready(None) => self.count(),
        }
    }

    fn count(&mut self) {
        if self.events > 0 {
            self.metrics.received(std::mem::take(&mut self.events));
        }
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        self.count();
    }
}

/// A saved event did not go out to other nodes.
pub(crate) fn unpublished(namespace: &Namespace, event: &Event, error: &PublishError) {
    tracing::warn!(
        %namespace,
        event = %event.id(),
        error = error as &dyn std::error::Error,
        "a saved event did not go out to other nodes",
    );
}
