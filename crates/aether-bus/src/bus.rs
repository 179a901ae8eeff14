//! [`EventBus`] and [`Broadcaster`]: the contract of a bus.

use std::fmt;
use std::sync::Arc;

use aether_core::{Event, Namespace};
use async_trait::async_trait;

use crate::{BusOptions, BusSubscription, NamespacePattern, PublishError, SubscribeError};

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
