//! [`StoreTelemetry`]: the spans and metrics of an event store, in one.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use aether_core::{
    ActorId, Commit, Delivery, Event, Position, ReadError, RecordedCommit, RecordedEvent, SaveError, Saved,
    Subscription,
};
use futures_core::Stream;
use futures_core::stream::BoxStream;
use tracing::Span;

use crate::metrics::{StoreMetrics, SubscriptionMetrics, Timer};
use crate::{Destination, metrics, span, trace};

/// The spans and metrics of the saves and loads of a store.
///
/// ```
/// # use aether_core::{ActorId, Commit, EventStream, Head, SaveError, Saved, Version};
/// # use aether_telemetry::{Destination, StoreTelemetry};
/// # use tracing::Instrument;
/// # struct Store { telemetry: StoreTelemetry }
/// # impl Store {
/// # async fn keep(&self, _: &Commit<'_>) -> Result<Saved, SaveError> { todo!() }
/// # fn read(&self, _: &ActorId) -> EventStream { todo!() }
/// # fn new() -> Self {
/// # Self { telemetry:
/// StoreTelemetry::new(Some("tenant-abc"), "jetstream", Destination::nats("tenant-abc_events"))
/// # } }
/// async fn save(&self, commit: &Commit<'_>) -> Result<Saved, SaveError> {
///     let saving = self.telemetry.save(commit);
///     let events = saving.stamp(commit.as_events());
///     let saved = self.keep(&commit.with_events(&events)).instrument(saving.span().clone()).await;
///     saving.end(&saved);
///     saved
/// }
///
/// fn get_events(&self, actor: &ActorId) -> EventStream {
///     self.telemetry.load(actor, self.read(actor))
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct StoreTelemetry {
    namespace: Option<String>,
    store: &'static str,
    metrics: Arc<StoreMetrics>,
    destination: Destination,
}

impl StoreTelemetry {
    /// Of a store of this kind, such as `jetstream` or `memory`.
    #[must_use]
    pub fn new(namespace: Option<&str>, store: &'static str, destination: Destination) -> Self {
        let metrics = Arc::new(StoreMetrics::new(namespace, store));
        Self { namespace: namespace.map(str::to_owned), store, metrics, destination }
    }

    /// Returns the metrics beside those of saves and loads.
    #[must_use]
    pub fn metrics(&self) -> &StoreMetrics {
        &self.metrics
    }

    pub(crate) fn subscription_metrics(&self) -> SubscriptionMetrics {
        SubscriptionMetrics::new(self.namespace.as_deref(), self.store)
    }

    /// Returns the place of the events, as spans name it.
    #[must_use]
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// A save begins. One that is given up is not counted.
    pub fn save(&self, commit: &Commit<'_>) -> Saving<'_> {
        let span = span::save(&self.destination, commit);
        Saving { metrics: &self.metrics, span, timer: Timer::start(), events: commit.as_events().len() }
    }

    /// A load of one actor begins, which is counted as the stream is read.
    #[must_use]
    pub fn load<T: Loaded>(
        &self,
        actor: &ActorId,
        stream: BoxStream<'static, Result<T, ReadError>>,
    ) -> BoxStream<'static, Result<T, ReadError>> {
        let span = span::load(&self.destination, actor);
        if span.is_disabled() && !metrics::is_recorded() {
            return stream;
        }
        Box::pin(Loading { stream, span, metrics: Arc::clone(&self.metrics), timer: None, events: 0 })
    }
}

/// A save that has begun.
#[derive(Debug)]
#[must_use = "a save is counted when its end is told"]
pub struct Saving<'t> {
    metrics: &'t StoreMetrics,
    span: Span,
    timer: Timer,
    events: usize,
}

impl Saving<'_> {
    /// The span to save in.
    #[must_use]
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// The events as they are to be stored, so that whoever handles them finds the trace: see [`trace::stamp`].
    #[must_use]
    pub fn stamp<'e>(&self, events: &'e [Event]) -> Cow<'e, [Event]> {
        trace::stamp(&self.span, events)
    }

    /// The save has ended like this.
    pub fn end(self, saved: &Result<Saved, SaveError>) {
        if let Err(error) = saved {
            span::fail(&self.span, span::save_error(error));
        }
        self.metrics.saved(self.events, saved, self.timer);
    }
}

/// The result of a load.
pub trait Loaded: Send + 'static {
    /// Returns the number of events in it.
    fn events(&self) -> u64;
}

impl Loaded for RecordedEvent {
    fn events(&self) -> u64 {
        1
    }
}

impl Loaded for RecordedCommit {
    fn events(&self) -> u64 {
        self.events.len() as u64
    }
}

/// A load that is read.
struct Loading<T> {
    stream: BoxStream<'static, Result<T, ReadError>>,
    span: Span,
    metrics: Arc<StoreMetrics>,
    /// Begins with the first poll.
    timer: Option<Timer>,
    events: u64,
}

impl<T: Loaded> Stream for Loading<T> {
    type Item = Result<T, ReadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        this.timer.get_or_insert_with(Timer::start);
        let polled = this.span.in_scope(|| this.stream.as_mut().poll_next(context));
        match &polled {
            Poll::Ready(Some(Ok(loaded))) => this.events += loaded.events(),
            Poll::Ready(Some(Err(error))) => {
                span::fail(&this.span, span::read_error(error));
                this.metrics.load_failed(error);
            }
            Poll::Ready(None) => {
                if let Some(timer) = this.timer.take() {
                    this.metrics.loaded(timer);
                }
            }
            Poll::Pending => {}
        }
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}

impl<T> Drop for Loading<T> {
    fn drop(&mut self) {
        self.span.record("messaging.batch.message_count", self.events);
        self.metrics.events_loaded(self.events);
    }
}

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
