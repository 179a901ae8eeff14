//! [`ClusterRouter`]: the router of a node, or of a client.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aether_actor::{ActorError, Permit, QueryReply, RemoteCommand, RemoteQuery, Replied, Router};
use aether_core::ActorId;
use aether_nats::Inbox;
use async_nats::Client;
use async_trait::async_trait;
use tokio::time::{Instant, timeout_at};

use super::call::Answer;
use super::config::RoutingConfig;
use super::control::Control;
use super::observer::RoutingObserver;
use super::sender::Sender;
use super::wire::{Kind, Request, RequestedCommand, RequestedQuery};
use crate::{Incarnation, RoutingError, shard_of};

/// How often open calls are looked at whose time may be over, or whose connection was lost.
const LOOK: Duration = Duration::from_millis(20);

/// Finds the node that acts for an actor. Of a node, which may be that one itself, or of a client.
///
/// A request goes to the subject of the actor's shard, to which its owner listens: NATS knows where that is. When the shard
/// is between two owners, or its owner is dead, it is sent again until it is answered or its deadline has passed; a command
/// is executed once all the same.
#[derive(Debug)]
pub(crate) struct ClusterRouter {
    sender: Arc<Sender>,
    control: Control,
    shards: u16,
}

impl ClusterRouter {
    /// The router of a node.
    ///
    /// # Errors
    /// [`RoutingError`] if the server does not answer until the deadline.
    pub(crate) async fn node(
        client: Client,
        config: RoutingConfig,
        me: Incarnation,
        observer: Arc<dyn RoutingObserver>,
        deadline: Instant,
    ) -> Result<Self, RoutingError> {
        Self::start(client, config, Some(me), observer, deadline).await
    }

    /// The router of a client, for which no actor is here.
    ///
    /// # Errors
    /// As [`node`](Self::node).
    pub(crate) async fn client(
        client: Client,
        config: RoutingConfig,
        observer: Arc<dyn RoutingObserver>,
        deadline: Instant,
    ) -> Result<Self, RoutingError> {
        Self::start(client, config, None, observer, deadline).await
    }

    async fn start(
        client: Client,
        config: RoutingConfig,
        me: Option<Incarnation>,
        observer: Arc<dyn RoutingObserver>,
        deadline: Instant,
    ) -> Result<Self, RoutingError> {
        let (config, shards) = (Arc::new(config.clone()), config.shards);
        let subscribing = Inbox::looking_every(client.clone(), None, LOOK);
        let inbox = timeout_at(deadline, subscribing).await.map_err(RoutingError::unavailable)?;
        let inbox = inbox.map_err(RoutingError::unavailable)?;
        let sender = Sender::new(client.clone(), inbox, Arc::clone(&config), Arc::clone(&observer));
        let sender = Arc::new(sender);
        let me = me.map(|me| (me, observer));
        let control = Control::start(client, config, Arc::clone(&sender), me, deadline).await?;
        Ok(Self { sender, control, shards })
    }

    /// What the driver of the cluster tells it to do.
    #[must_use]
    pub(crate) fn control(&self) -> &Control {
        &self.control
    }

    #[cfg(test)]
    pub(crate) fn open_calls(&self) -> usize {
        self.sender.inbox.open_requests()
    }

    /// The highest sequence of the store that is known of.
    fn sequence(&self) -> u64 {
        let system = self.control.acting().and_then(|acting| acting.system());
        let here = system.map_or(0, |system| system.sequence());
        here.max(self.sender.sequence.load(Ordering::Acquire))
    }
}

#[async_trait]
impl Router for ClusterRouter {
    fn enter(&self, actor: &ActorId) -> Option<Permit> {
        self.control.acting()?.door(shard_of(actor, self.shards))?.entries.enter()
    }

    fn is_here(&self, actor: &ActorId) -> bool {
        let acting = self.control.acting();
        let door = acting.and_then(|acting| acting.door(shard_of(actor, self.shards)));
        door.is_some_and(|door| door.entries.is_open())
    }

    async fn command(&self, actor: &ActorId, command: RemoteCommand) -> Result<Replied, ActorError> {
        let RemoteCommand { name, data, delivery, seen, .. } = command;
        let mut since = delivery.since.sequence();
        if delivery.is_fresh() {
            since = since.max(seen).max(self.sequence());
        }
        let kind = Kind::Command(RequestedCommand {
            id: delivery.id,
            name: name.into_owned(),
            data,
            since,
            recorded: delivery.recorded,
            timer: delivery.timer,
            context: delivery.context,
        });
        let request = Request { to: None, actor: actor.clone(), seen, left: Duration::ZERO, kind };
        match self.sender.call(request, delivery.deadline).await? {
            Answer::Replied(replied) => Ok(replied),
            Answer::Told(_) => Err(ActorError::Internal { what: "a command was answered as a query" }),
        }
    }

    async fn query(&self, actor: &ActorId, query: RemoteQuery) -> Result<QueryReply, ActorError> {
        let RemoteQuery { name, data, linearizable, seen, deadline, .. } = query;
        let kind = Kind::Query(RequestedQuery { name: name.into_owned(), data, linearizable });
        let request = Request { to: None, actor: actor.clone(), seen, left: Duration::ZERO, kind };
        match self.sender.call(request, deadline).await? {
            Answer::Told(told) => Ok(told),
            Answer::Replied(_) => Err(ActorError::Internal { what: "a query was answered as a command" }),
        }
    }
}
