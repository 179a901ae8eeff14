//! [`NatsEventBus`]: the bus across nodes.

mod config;
mod encoding;
mod heard;
mod link;
mod outgoing;
mod stamp;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use aether_core::{Event, Namespace};
use aether_telemetry::trace::stamp_one;
use async_nats::Client;
use async_trait::async_trait;
use tokio::sync::watch;
use tracing::Instrument;

use crate::group::Scope;
use crate::hub::Hub;
use crate::hub::lock;
use crate::observe::{self, Kind, Taking};
use crate::{
    Broadcaster, BusOptions, BusSubscription, EventBus, NamespacePattern, PublishError, SubscribeError,
};

pub use config::{InvalidPrefix, NatsBusConfig};

use link::{Link, Task};
use outgoing::Outgoing;

/// The bus across nodes, over core NATS. Cloning gives another handle to the same bus; when the last one is dropped,
/// subscriptions end once they have delivered what is left.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use aether_bus::{BusDelivery, BusOptions, EventBus, NatsBusConfig, NatsEventBus};
///
/// let client = async_nats::connect("nats://localhost:4222").await?;
/// let bus = NatsEventBus::new(client, NatsBusConfig::default());
/// let mut events = bus.subscribe(&"eu.>".parse()?, BusOptions::new()).await?;
/// while let Some(delivery) = events.recv().await {
///     match delivery {
///         BusDelivery::Event(event) => println!("{}: {}", event.namespace(), event.event_type()),
///         BusDelivery::Missed(count) => println!("{count} are missing"),
///         other => println!("{other:?}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// # At most once
/// Core NATS keeps nothing. What is published while a node is cut off, or faster than it reads, does not get there. Nothing
/// is lost in silence: messages are numbered, so a subscriber is told [how many](crate::BusDelivery::Missed) of a publisher
/// are missing, as soon as it hears of that publisher again; and it is told of every
/// [interruption](crate::BusDelivery::Interrupted) of its connection. What must not be lost is read from the store
/// ([`Subscribe`](aether_core::Subscribe)).
///
/// # On the network
/// The events of the namespace `eu.tenant 7` are published on `aether.bus.eu.tenant%207`, as CloudEvents in JSON: any tool
/// can read them, or publish some of its own. Users of NATS are kept to a namespace by permissions on such subjects; a
/// subscriber also needs its inbox, and a subscription that the server denies looks like one to which nothing comes.
///
/// Subscribers of the bus on which an event is published get it directly, and not again from the network. In a cluster of
/// servers it takes a moment until publishers on other servers know of a new subscription.
#[derive(Clone)]
pub struct NatsEventBus(Arc<Inner>);

struct Inner {
    hub: Arc<Hub>,
    outgoing: Outgoing,
    links: Mutex<HashMap<NamespacePattern, Weak<Link>>>,
    scopes: AtomicU64,
    connects: watch::Receiver<u64>,
    _watcher: Task,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.hub.close();
    }
}

impl NatsEventBus {
    /// The bus on this connection. All nodes with the same prefix are on the same bus.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn new(client: Client, config: NatsBusConfig) -> Self {
        let connected = client.statistics().connects.load(Ordering::Relaxed);
        let (sender, connects) = watch::channel(connected);
        let watcher = Task(tokio::spawn(link::watch_connects(client.clone(), sender)));
        Self(Arc::new(Inner {
            hub: Arc::new(Hub::new(Kind::Nats)),
            outgoing: Outgoing::new(client, config),
            links: Mutex::default(),
            scopes: AtomicU64::new(Scope::LOCAL.0),
            connects,
            _watcher: watcher,
        }))
    }

    /// The one link of the pattern.
    fn link(&self, pattern: &NamespacePattern) -> Arc<Link> {
        let mut links = lock(&self.0.links);
        if let Some(link) = links.get(pattern).and_then(Weak::upgrade) {
            return link;
        }
        links.retain(|_, link| link.strong_count() > 0);
        let scope = Scope(self.0.scopes.fetch_add(1, Ordering::Relaxed) + 1);
        let link = Arc::new(Link::new(scope));
        links.insert(pattern.clone(), Arc::downgrade(&link));
        link
    }
}

#[async_trait]
impl EventBus for NatsEventBus {
    async fn publish(&self, namespace: &Namespace, event: &Event) -> Result<(), PublishError> {
        let route = self.0.hub.with_route(namespace, Arc::clone);
        let span = route.publishing().span(event);
        let event = stamp_one(&span, event);
        let publishing = async {
            let reserved = route.reserve(&event).await;
            self.0.outgoing.send(namespace, &event).await?;
            reserved.deliver(&event);
            Ok(())
        };
        let published = publishing.instrument(span.clone()).await;
        published.inspect_err(|error| observe::fail(&span, error))
    }

    async fn subscribe(
        &self,
        pattern: &NamespacePattern,
        options: BusOptions,
    ) -> Result<BusSubscription, SubscribeError> {
        let link = self.link(pattern);
        // Before the network knows, so that nothing that comes from there finds nobody.
        let joined = self.0.hub.join(link.scope, pattern, options)?;
        link.open(pattern, &self.0.outgoing, &self.0.hub, self.0.connects.clone()).await?;
        Ok(BusSubscription::new(joined, Some(link), Taking::new(Kind::Nats, pattern)))
    }
}

impl Broadcaster for NatsEventBus {
    fn broadcast(&self, namespace: &Namespace, event: &Event) -> Result<(), PublishError> {
        self.0.hub.with_route(namespace, |route| route.offer(event));
        let sent = self.0.outgoing.send_now(namespace, event);
        if sent.is_err() {
            self.0.hub.with_route(namespace, |route| route.publishing().unpublished());
        }
        sent
    }
}

impl fmt::Debug for NatsEventBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsEventBus").field("outgoing", &self.0.outgoing).finish_non_exhaustive()
    }
}
