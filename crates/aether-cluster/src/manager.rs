//! [`ClusterManager`]: a node of a cluster.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aether_actor::{Actor, ActorRef, ActorSystem};
use aether_coordination::Coordination;
use aether_core::ActorId;
use async_nats::Client;
use futures_core::Stream;
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use parking_lot::Mutex;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::{Instant, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use crate::builder::{ClusterBuilder, DEADLINE};
use crate::driver::{Command, Shared, View};
use crate::routing::ClusterRouter;
use crate::status::ClusterStatus;
use crate::{ClusterError, ClusterEvent, Epoch, Node, NodeId, ShardId, shard_of};

/// A node of a cluster. Cloning is cheap; the clones are handles on the same node, which goes away, as if it had been
/// killed, when the last one is dropped; [`leave`](Self::leave) does so in order.
///
/// ```no_run
/// # async fn example(client: async_nats::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use aether_cluster::{ClusterManager, NodeId};
///
/// let node = ClusterManager::builder(client, NodeId::new("host-1")?).start().await?;
/// node.ready().await?;
/// println!("{}", node.status());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ClusterManager(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) node: Node,
    pub(crate) shards: u16,
    pub(crate) shared: Shared,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) has_ended: watch::Receiver<Option<Result<(), Arc<ClusterError>>>>,
    pub(crate) task: Mutex<Option<AbortOnDropHandle<()>>>,
    pub(crate) system: Option<ActorSystem>,
    pub(crate) router: Arc<ClusterRouter>,
    pub(crate) coordination: Arc<dyn Coordination>,
}

/// A stream of the events of a cluster.
pub type ClusterEvents = BoxStream<'static, ClusterEvent>;

impl ClusterManager {
    /// A node for coordination alone: who is there, who leads, and which shards are this node's.
    #[expect(clippy::new_ret_no_self, reason = "a node is configured, and then started")]
    pub fn new(client: Client, id: NodeId) -> ClusterBuilder {
        ClusterBuilder::new(client, id)
    }

    /// A node, of this name, over this connection; to be configured, and started. The connection should be the node's own:
    /// what a node hears of itself over it tells it whether it may act.
    pub fn builder(client: Client, id: NodeId) -> ClusterBuilder {
        ClusterBuilder::new(client, id)
    }

    /// Returns the identity of this node.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.0.node
    }

    /// Returns whether this node leads. The answer may be out of date when the caller has it.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.leader().is_some_and(|(_, node)| node == self.0.node)
    }

    /// Returns the leader that this node knows, and its epoch.
    #[must_use]
    pub fn leader(&self) -> Option<(Epoch, Node)> {
        self.view().known.leader.clone()
    }

    /// The cluster as this node sees it.
    #[must_use]
    pub fn status(&self) -> ClusterStatus {
        let view = self.view();
        let actors = self.0.system.as_ref().map_or(0, ActorSystem::live);
        ClusterStatus::new(self.0.node.clone(), view.connected, actors, view.acting.len(), &view.known)
    }

    /// Returns the events from now on. A reader that falls behind is told how many it has missed.
    #[must_use]
    pub fn events(&self) -> ClusterEvents {
        let events = self.0.shared.events.subscribe();
        futures_util::stream::unfold(events, |mut events| async {
            match events.recv().await {
                Ok(event) => Some((event, events)),
                Err(broadcast::error::RecvError::Lagged(missed)) => {
                    Some((ClusterEvent::Missed(missed), events))
                }
                Err(broadcast::error::RecvError::Closed) => None,
            }
        })
        .boxed()
    }

    /// The leaders, the one of now first.
    pub fn leaders(&self) -> impl Stream<Item = Option<(Epoch, Node)>> + Send + use<> {
        let views = self.0.shared.known.subscribe();
        let first = (views, true, None);
        futures_util::stream::unfold(first, |(mut views, mut first, mut told)| async move {
            loop {
                let leader = views.borrow_and_update().known.leader.clone();
                if first || leader != told {
                    first = false;
                    told.clone_from(&leader);
                    return Some((leader, (views, first, told)));
                }
                views.changed().await.ok()?;
            }
        })
    }

    /// Returns the number of shards.
    #[must_use]
    pub fn shard_count(&self) -> u16 {
        self.0.shards
    }

    /// The shards that this node acts for now. See [`ClusterEvent::Gained`] and [`ClusterEvent::Lost`] for how that
    /// changes.
    #[must_use]
    pub fn shards(&self) -> Vec<ShardId> {
        self.view().acting.iter().copied().collect()
    }

    /// Returns the node that acts for the actor, by the plan that this node knows.
    #[must_use]
    pub fn owner_of(&self, actor: &ActorId) -> Option<Node> {
        let view = self.view();
        let plan = &view.known.plan;
        let owner = plan.slot(shard_of(actor, self.0.shards)).owner?;
        plan.nodes.iter().find(|node| node.incarnation == owner).cloned()
    }

    /// The actor of this type with this key, wherever it lives: of `Order`, whose category is `order`, `"123"` is the actor
    /// `order-123`.
    #[must_use]
    pub fn actor<A: Actor>(&self, key: impl fmt::Display) -> ActorRef<A> {
        match &self.0.system {
            Some(system) => system.actor(key),
            None => ActorRef::through(Arc::clone(&self.0.router) as _, DEADLINE, key),
        }
    }

    /// The actors of this process; `None` if it was started without a store.
    #[must_use]
    pub fn system(&self) -> Option<&ActorSystem> {
        self.0.system.as_ref()
    }

    /// The keys and signals that the cluster agrees by, under names of their own, as its process managers, timers and effects
    /// do: for what is to run once in the cluster beside them, such as projections and consumer groups, and to look at those
    /// that there are.
    #[must_use]
    pub fn coordination(&self) -> &Arc<dyn Coordination> {
        &self.0.coordination
    }

    /// Waits until the node can be counted on: it hears itself, the leader has admitted it, and every shard has an owner.
    ///
    /// # Errors
    /// Why the node has failed, if it does.
    ///
    /// # Cancel safety
    /// Can be dropped at any time.
    pub async fn ready(&self) -> Result<(), Arc<ClusterError>> {
        let mut views = self.0.shared.known.subscribe();
        let mut has_ended = self.0.has_ended.clone();
        loop {
            views.borrow_and_update();
            if self.status().is_ready() {
                return Ok(());
            }
            tokio::select! {
                changed = views.changed() => if changed.is_err() { return self.closed().await },
                ended = has_ended.wait_for(Option::is_some) => match ended {
                    Ok(ended) => return ended.clone().unwrap_or(Ok(())),
                    Err(_) => return Ok(()),
                },
            }
        }
    }

    /// Leaves the cluster in order, within the deadline: hands all shards over, so that no command has to wait for a
    /// suspicion, and shuts the actors down. What is not done until then is left as if the node had been killed: nothing is
    /// lost by that, but time.
    ///
    /// # Errors
    /// Why the node has failed, if it has.
    ///
    /// # Cancel safety
    /// If it is dropped the node goes on leaving.
    pub async fn leave(&self, within: Duration) -> Result<(), Arc<ClusterError>> {
        let deadline = Instant::now() + within;
        // If nobody takes it, the node has ended already.
        let _ = self.0.commands.send(Command::Leave).await;
        let left = timeout_at(deadline, self.closed()).await;
        let task = self.0.task.lock().take();
        drop(task);
        if let Some(system) = &self.0.system {
            let rest = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(100));
            system.clone().shutdown(rest).await;
        }
        match left {
            Ok(ended) => ended,
            Err(_) => {
                tracing::warn!(node = %self.0.node, "could not hand over everything within the deadline");
                Ok(())
            }
        }
    }

    /// Waits until the node has left, or has failed.
    ///
    /// # Errors
    /// Why it has failed.
    ///
    /// # Cancel safety
    /// Can be dropped at any time.
    pub async fn closed(&self) -> Result<(), Arc<ClusterError>> {
        let mut has_ended = self.0.has_ended.clone();
        match has_ended.wait_for(Option::is_some).await {
            Ok(ended) => ended.clone().unwrap_or(Ok(())),
            // It was aborted.
            Err(_) => Ok(()),
        }
    }

    /// Returns whether the node still works: it has neither left nor failed.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.0.has_ended.borrow().is_none()
    }

    fn view(&self) -> View {
        self.0.shared.known.borrow().clone()
    }
}

impl fmt::Debug for ClusterManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterManager").field("node", &self.0.node).finish_non_exhaustive()
    }
}
