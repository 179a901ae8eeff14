//! The contract of a bus: [`EventBus`] and [`Broadcaster`], what a subscriber asks for, and what can fail.

use std::fmt;
use std::sync::Arc;

use aether_core::{Event, EventFilter, InvalidEvent, Namespace, Source};
use async_trait::async_trait;

use crate::{BusSubscription, NamespacePattern};

/// Hands events to whoever listens at the moment.
///
/// # The contract
/// - **Only matching subscribers** get an event: those whose pattern matches the namespace, and whose filter matches the
///   event. Each gets it once, however many others there are.
/// - **In order.** What one publisher publishes in a namespace, one call after the other, arrives in that order.
/// - **Nothing is dropped in silence.** What a subscriber does not get, it is told of ([`BusDelivery`](crate::BusDelivery)).
/// - **No past.** A subscriber gets what is published after it has subscribed, and nothing is kept for those who come later.
///   What must not be lost is read from the store, by a subscription of its own
///   ([`Subscribe`](aether_core::Subscribe)).
#[async_trait]
pub trait EventBus: Broadcaster {
    /// Publishes an event. Waits for subscribers that asked for it ([`Lag::Block`](crate::Lag::Block)).
    ///
    /// That it returns means that the bus has handed the event on; not that anybody has got it, or that there is anybody.
    ///
    /// # Errors
    /// [`PublishError`]. No subscriber of this bus has got the event then.
    ///
    /// # Cancel safety
    /// When the future is dropped before it returns, the event has not been published.
    async fn publish(&self, namespace: &Namespace, event: &Event) -> Result<(), PublishError>;

    /// Subscribes to the events of the namespaces that the pattern matches. What is published on this bus after this has
    /// returned is delivered.
    ///
    /// # Errors
    /// [`SubscribeError`].
    ///
    /// # Cancel safety
    /// When the future is dropped, nothing stays subscribed.
    async fn subscribe(
        &self,
        pattern: &NamespacePattern,
        options: BusOptions,
    ) -> Result<BusSubscription, SubscribeError>;
}

/// Hands events to subscribers without waiting for anybody: for those who have done something and only tell of it, such as
/// a store that has saved them ([`Published`](crate::Published)).
pub trait Broadcaster: fmt::Debug + Send + Sync {
    /// Hands the event to all subscribers. Does not wait: a subscriber that publishers would have to wait for, and that has
    /// no room, misses the event and is told so.
    ///
    /// # Errors
    /// [`PublishError`] if the event does not go out to other nodes; they are told by the next event that does. The
    /// subscribers of this bus have got it in any case.
    fn broadcast(&self, namespace: &Namespace, event: &Event) -> Result<(), PublishError>;
}

#[async_trait]
impl<B: EventBus + ?Sized> EventBus for Arc<B> {
    async fn publish(&self, namespace: &Namespace, event: &Event) -> Result<(), PublishError> {
        (**self).publish(namespace, event).await
    }

    async fn subscribe(
        &self,
        pattern: &NamespacePattern,
        options: BusOptions,
    ) -> Result<BusSubscription, SubscribeError> {
        (**self).subscribe(pattern, options).await
    }
}

impl<B: Broadcaster + ?Sized> Broadcaster for Arc<B> {
    fn broadcast(&self, namespace: &Namespace, event: &Event) -> Result<(), PublishError> {
        (**self).broadcast(namespace, event)
    }
}

/// The options of a subscription: its filter, and the policy for a slow subscriber.
///
/// ```
/// use aether_bus::{BusOptions, Lag};
/// use aether_core::EventFilter;
///
/// let orders = BusOptions::from(EventFilter::category("order")).lag(Lag::Block { capacity: 64 });
/// # let _ = orders;
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct BusOptions {
    /// The filter that events must pass.
    pub filter: EventFilter,
    /// The policy for a slow subscriber.
    pub lag: Lag,
}

impl BusOptions {
    /// Every event of its namespaces; the oldest are dropped when it is too slow.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Delivers only events that the filter lets through.
    #[must_use]
    pub fn filter(mut self, filter: EventFilter) -> Self {
        self.filter = filter;
        self
    }

    /// The policy for a slow subscriber.
    #[must_use]
    pub fn lag(mut self, lag: Lag) -> Self {
        self.lag = lag;
        self
    }
}

impl From<EventFilter> for BusOptions {
    fn from(filter: EventFilter) -> Self {
        Self { filter, ..Self::default() }
    }
}

impl From<Lag> for BusOptions {
    fn from(lag: Lag) -> Self {
        Self { lag, ..Self::default() }
    }
}

/// The policy for a subscriber that is slower than the publishers. A capacity is at least 1; 0 counts as 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lag {
    /// Publishers do not wait. The oldest events are dropped, and [`Missed`](crate::BusDelivery::Missed) says how many
    /// before the next one comes.
    ///
    /// Subscribers of the same pattern, filter and capacity share their memory, so that a hundred of them cost a
    /// publisher no more than one.
    DropOldest {
        /// How many of the latest events are kept for it at least; up to 64 more, and no more than twice as many, may be.
        capacity: usize,
    },
    /// Publishers that call [`EventBus::publish`](crate::EventBus::publish) on the same bus wait until there is room. A
    /// subscriber that is dropped lets them go on.
    ///
    /// Whoever cannot wait, that is a [`Broadcaster`](crate::Broadcaster) or another node, does not. What there is no
    /// room for then is dropped, and [`Missed`](crate::BusDelivery::Missed) says how many.
    ///
    /// A task that publishes what it would itself have to read waits for ever.
    Block {
        /// How many events wait for it at most.
        capacity: usize,
    },
}

impl Lag {
    /// The capacity of a subscription that sets none: 1,024 events.
    pub const DEFAULT_CAPACITY: usize = 1024;
}

impl Default for Lag {
    fn default() -> Self {
        Self::DropOldest { capacity: Self::DEFAULT_CAPACITY }
    }
}

/// The error of a failed publish.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The event is larger than the network takes.
    #[error("the event takes {size} bytes, the limit is {limit}; publish a reference to large data instead")]
    TooLarge {
        /// What it takes, in bytes.
        size: usize,
        /// What the network takes, in bytes.
        limit: usize,
    },
    /// The event breaks a rule of events.
    #[error(transparent)]
    Invalid(#[from] InvalidEvent),
    /// The network did not take the event in time.
    #[error("the network did not take the event in time; publish it again")]
    Unavailable(#[source] Source),
    /// The connection is closed for good.
    #[error("the connection is closed; open the bus anew on another")]
    Closed,
}

impl PublishError {
    /// Returns whether the event is too large.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::TooLarge { .. })
    }

    /// Returns whether the same call may succeed later.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Returns whether no call on this bus can succeed any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }
}

/// The error of a failed subscription.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The network did not confirm the subscription in time.
    #[error("the subscription to {pattern} was not confirmed in time; subscribe again")]
    Unavailable {
        /// What was to be subscribed to.
        pattern: String,
        /// What was in the way.
        #[source]
        source: Source,
    },
    /// The bus, or its connection, is closed for good.
    #[error("the bus is closed; open it anew")]
    Closed,
}

impl SubscribeError {
    /// Returns whether the same call may succeed later.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// Returns whether no call on this bus can succeed any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }
}
