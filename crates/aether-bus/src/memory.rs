//! [`MemoryEventBus`]: the bus within one process.

use std::fmt;
use std::sync::Arc;

use aether_core::{Event, Namespace};
use aether_telemetry::trace::stamp_one;
use async_trait::async_trait;
use tokio::task::coop;
use tracing::Instrument;

use crate::group::Scope;
use crate::hub::Hub;
use crate::observe::{Kind, Taking};
use crate::{
    Broadcaster, BusOptions, BusSubscription, EventBus, NamespacePattern, PublishError, SubscribeError,
};

/// The bus within one process. Cloning gives another handle to the same bus; when the last one is dropped, subscriptions
/// end once they have delivered what is left.
///
/// Events are shared, never copied. Namespaces that no one subscriber listens to both of do not wait for each other, and
/// subscribers of the same pattern, filter and capacity read what is written once.
///
/// Subscribing needs no runtime; waiting needs that of tokio only in that it lets other tasks run in between.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use aether_bus::{BusDelivery, BusOptions, MemoryEventBus};
/// use aether_core::{ActorId, Event, EventFilter, Namespace, Version};
///
/// let bus = MemoryEventBus::new();
/// let tenant = Namespace::new("eu.tenant-7")?;
/// let mut orders = bus.subscribe(&"eu.*".parse()?, EventFilter::category("order").into())?;
///
/// let placed = Event::new(&ActorId::new("order-123")?, Version::new(1), "OrderPlaced", &100)?;
/// bus.publish(&tenant, &placed).await?;
///
/// let Some(BusDelivery::Event(event)) = orders.recv().await else { panic!("an event was published") };
/// assert_eq!(event.id(), placed.id());
/// assert_eq!(event.namespace(), &tenant);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct MemoryEventBus(Arc<Open>);

/// Closes the hub with the last handle; subscriptions hold only the hub.
#[derive(Default)]
struct Open(Arc<Hub>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl MemoryEventBus {
    /// A bus without subscribers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Publishes an event as [`EventBus::publish`] does.
    ///
    /// # Errors
    /// None; the type is that of all buses.
    ///
    /// # Cancel safety
    /// When the future is dropped before it returns, the event has not been published.
    pub async fn publish(&self, namespace: &Namespace, event: &Event) -> Result<(), PublishError> {
        // Lets subscribers on this thread have their turn, before the event is out.
        coop::consume_budget().await;
        let waiting = self.0.0.with_route(namespace, |route| {
            let span = route.publishing().span(event);
            if route.waits_for(event) {
                return Some((Arc::clone(route), span));
            }
            route.offer(&stamp_one(&span, event));
            None
        });
        if let Some((route, span)) = waiting {
            let event = stamp_one(&span, event);
            route.reserve(&event).instrument(span).await.deliver(&event);
        }
        Ok(())
    }

    /// Subscribes as [`EventBus::subscribe`] does, at once.
    ///
    /// # Errors
    /// None; the type is that of all buses.
    pub fn subscribe(
        &self,
        pattern: &NamespacePattern,
        options: BusOptions,
    ) -> Result<BusSubscription, SubscribeError> {
        let joined = self.0.0.join(Scope::LOCAL, pattern, options)?;
        Ok(BusSubscription::new(joined, None, Taking::new(Kind::Memory, pattern)))
    }
}

#[async_trait]
impl EventBus for MemoryEventBus {
    async fn publish(&self, namespace: &Namespace, event: &Event) -> Result<(), PublishError> {
        Self::publish(self, namespace, event).await
    }

    async fn subscribe(
        &self,
        pattern: &NamespacePattern,
        options: BusOptions,
    ) -> Result<BusSubscription, SubscribeError> {
        Self::subscribe(self, pattern, options)
    }
}

impl Broadcaster for MemoryEventBus {
    fn broadcast(&self, namespace: &Namespace, event: &Event) -> Result<(), PublishError> {
        self.0.0.with_route(namespace, |route| route.offer(event));
        Ok(())
    }
}

impl fmt::Debug for MemoryEventBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryEventBus").finish_non_exhaustive()
    }
}
