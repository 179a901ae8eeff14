//! [`Control`]: what the driver of a cluster tells routing to do.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use aether_actor::ActorSystem;
use async_nats::{Client, Message, Subject, Subscriber};
use async_stream::stream;
use futures_util::stream::{BoxStream, SelectAll};
use futures_util::{FutureExt, Stream, StreamExt};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use super::config::RoutingConfig;
use super::error::RoutingError;
use super::gate::Stance;
use super::node::Acting;
use super::sender::Sender;
use super::wire::Peer;
use crate::{Incarnation, ShardId};

/// What the driver of a cluster tells routing to do. It decides nothing itself.
///
/// # Moving a shard from A to B
/// 1. B: [`prepare`](Self::prepare), then [`listen`](Self::listen). It waits until interest has spread (20 ms), and says
///    [`Peer::Ready`].
/// 2. A: [`hold`](Self::hold), [`drain`](Self::drain), [`forward_to`](Self::forward_to), then says [`Peer::Release`] over the
///    same connection, so that it comes after what was forwarded.
/// 3. B: [`act`](Self::act), and says [`Peer::Released`].
/// 4. A: [`unlisten`](Self::unlisten) after a while, then [`close`](Self::close). Until then it sends on what still comes.
///
/// A dead A is not waited for: B prepares, listens and acts.
#[derive(Debug)]
pub struct Control {
    sender: Arc<Sender>,
    client: Client,
    config: Arc<RoutingConfig>,
    node: Option<ActingNode>,
}

/// What only a node has.
#[derive(Debug)]
struct ActingNode {
    acting: Arc<Acting>,
    listening: Mutex<HashMap<ShardId, Listening>>,
    readers: Vec<Reader>,
    peers: tokio::sync::Mutex<mpsc::Receiver<Peer>>,
    _inbox: AbortOnDropHandle<()>,
}

/// A subscription that a reader has; it ends when this is dropped.
#[derive(Debug)]
struct Listening {
    stop: oneshot::Sender<()>,
    /// Closed when all that has come is seen to.
    ended: oneshot::Receiver<()>,
}

/// What comes on the subject of a shard.
type Ear = BoxStream<'static, (ShardId, Message)>;

/// A task that reads the subscriptions of many shards.
#[derive(Debug)]
struct Reader {
    ears: mpsc::Sender<Ear>,
    _task: AbortOnDropHandle<()>,
}

/// How many subscriptions wait to be read; who has another one waits.
const EARS: usize = 64;

/// How many words of other nodes wait to be taken; what comes beyond is dropped, and said again by them.
const PEERS: usize = 4096;

impl Control {
    pub(crate) async fn start(
        client: Client,
        config: Arc<RoutingConfig>,
        sender: Arc<Sender>,
        node: Option<(Incarnation, Arc<dyn super::observer::RoutingObserver>)>,
        deadline: Instant,
    ) -> Result<Self, RoutingError> {
        let node = match node {
            None => None,
            Some((me, observer)) => {
                let (said, peers) = mpsc::channel(PEERS);
                let owners = Arc::clone(&sender.owners);
                let acting = Acting::new(me, client.clone(), Arc::clone(&config), owners, said, observer);
                let acting = Arc::new(acting);
                let heard = subscribe(&client, &sender, config.node(me), deadline).await?;
                let inbox = tokio::spawn(read_peers(Arc::clone(&acting), heard));
                Some(ActingNode {
                    readers: Reader::start_all(&acting),
                    acting,
                    listening: Mutex::default(),
                    peers: tokio::sync::Mutex::new(peers),
                    _inbox: AbortOnDropHandle::new(inbox),
                })
            }
        };
        Ok(Self { sender, client, config, node })
    }

    pub(crate) fn acting(&self) -> Option<&Arc<Acting>> {
        self.node.as_ref().map(|node| &node.acting)
    }

    fn node(&self) -> Result<&ActingNode, RoutingError> {
        self.node.as_ref().ok_or(RoutingError::NotANode)
    }

    fn shard(&self, shard: ShardId) -> Result<&ActingNode, RoutingError> {
        let (node, shards) = (self.node()?, self.config.shards);
        if shard.get() < shards {
            Ok(node)
        } else {
            Err(RoutingError::NoSuchShard { shard: shard.get(), shards })
        }
    }

    /// Lets requests be run on this system. Only the first one counts; until then they are answered that nothing was begun.
    pub fn bind(&self, system: &ActorSystem) {
        if let Some(node) = &self.node {
            node.acting.bind(system);
        }
    }

    /// Subscribes to a shard's subject, and returns when the server is known to have the subscription. What other servers of
    /// a NATS cluster know takes a moment longer. Nothing is done if it listens already.
    ///
    /// # Errors
    /// [`RoutingError`]; it does not listen then.
    ///
    /// # Cancel safety
    /// If it is dropped, it does not listen.
    pub async fn listen(&self, shard: ShardId, deadline: Instant) -> Result<(), RoutingError> {
        let node = self.shard(shard)?;
        if node.listening.lock().contains_key(&shard) {
            return Ok(());
        }
        // Many at a time: each takes a round trip.
        let heard = subscribe(&self.client, &self.sender, self.config.shard(shard), deadline).await?;
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let reader = node.readers.get(shard.index() % node.readers.len().max(1));
        let reader = reader.ok_or_else(|| RoutingError::unavailable("nothing reads"))?;
        let ear = hear(shard, heard, stopped, end).boxed();
        let taken = timeout_at(deadline, reader.ears.send(ear)).await;
        taken.map_err(RoutingError::unavailable)?.map_err(|_| RoutingError::unavailable("nothing reads"))?;
        let listening = Listening { stop, ended };
        // Whoever was faster has taken its place: one of them is enough.
        node.listening.lock().entry(shard).or_insert(listening);
        Ok(())
    }

    /// Ends the subscription to a shard's subject, after what has come is seen to.
    ///
    /// # Errors
    /// [`RoutingError::NotANode`], [`RoutingError::NoSuchShard`].
    ///
    /// # Cancel safety
    /// If it is dropped, it listens no more, and what has come is dropped.
    pub async fn unlisten(&self, shard: ShardId, deadline: Instant) -> Result<(), RoutingError> {
        let node = self.shard(shard)?;
        let listening = node.listening.lock().remove(&shard);
        if let Some(Listening { stop, ended }) = listening {
            drop(stop);
            let _ = timeout_at(deadline, ended).await;
        }
        Ok(())
    }

    /// Keeps what comes for a shard, until it may act for it.
    ///
    /// # Errors
    /// [`RoutingError::NotANode`], [`RoutingError::NoSuchShard`], as for all that follow.
    pub async fn prepare(&self, shard: ShardId) -> Result<(), RoutingError> {
        self.set(shard, Stance::Preparing, 0).await
    }

    /// Acts for a shard from now on, first of all on what was kept.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub async fn act(&self, shard: ShardId) -> Result<(), RoutingError> {
        self.set(shard, Stance::Acting, 0).await
    }

    /// Acts for a shard no more: nobody enters, and what comes is kept for the successor.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub async fn hold(&self, shard: ShardId, successor: Incarnation) -> Result<(), RoutingError> {
        self.set(shard, Stance::Holding(successor), 0).await
    }

    /// Waits until nothing is under way for a shard. It takes as long as those take who are inside, so it needs a deadline.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    ///
    /// # Cancel safety
    /// Can be dropped at any time.
    pub async fn drain(&self, shard: ShardId) -> Result<(), RoutingError> {
        if let Some(door) = self.shard(shard)?.acting.door(shard) {
            door.entries.drained().await;
        }
        Ok(())
    }

    /// Sends what was kept for a shard, and whatever still comes, on to its new owner. `since` tells which move it is.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub async fn forward_to(
        &self,
        shard: ShardId,
        successor: Incarnation,
        since: u64,
    ) -> Result<(), RoutingError> {
        self.set(shard, Stance::Forwarding(successor), since).await
    }

    /// Has nothing to do with a shard any more: what is sent to this node for it is answered so.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub async fn close(&self, shard: ShardId) -> Result<(), RoutingError> {
        self.set(shard, Stance::Closed, 0).await
    }

    async fn set(&self, shard: ShardId, stance: Stance, since: u64) -> Result<(), RoutingError> {
        self.shard(shard)?.acting.set(shard, stance, since).await;
        Ok(())
    }

    /// How this node stands to a shard.
    #[must_use]
    pub fn stance(&self, shard: ShardId) -> Stance {
        let door = self.node.as_ref().and_then(|node| node.acting.door(shard));
        door.map_or(Stance::Closed, super::door::Door::stance)
    }

    /// How many requests are under way for a shard here, and how many are kept.
    #[must_use]
    pub fn load(&self, shard: ShardId) -> (u64, usize) {
        let door = self.node.as_ref().and_then(|node| node.acting.door(shard));
        door.map_or((0, 0), |door| (door.entries.count(), door.kept()))
    }

    /// This node has heard its own pulse over this connection, so until then it acts on what comes. Afterwards, and at
    /// first, it leaves out what comes: a node that was frozen finds requests that its successor has as well.
    ///
    /// It is a time, and not a switch: whoever was frozen reads its backlog before anybody could turn a switch.
    pub fn hears_itself_until(&self, until: Instant) {
        if let Some(node) = &self.node {
            node.acting.hears_itself_until(until);
        }
    }

    /// Who acts for each shard, as far as is known; in the order of the shards.
    pub fn set_owners(&self, owners: Vec<Option<Incarnation>>) {
        self.sender.owners.replace(owners);
        self.sender.inbox.wake_all();
    }

    /// Begins calls in this version of the messages: the highest that all members read
    /// ([`Versions::common`](super::wire::Versions::common)).
    pub fn speak(&self, version: u8) {
        if self.config.versions.contains(version) {
            self.sender.version.store(version, Ordering::Relaxed);
        }
    }

    /// The store was heard to be at this sequence: a command that begins now cannot have been executed there or before, so
    /// that far back it need not be looked for.
    pub fn saw(&self, sequence: u64) {
        self.sender.saw(sequence);
    }

    /// Says something to another node. It may be lost.
    ///
    /// # Errors
    /// [`RoutingError::NotANode`].
    pub async fn tell(&self, node: Incarnation, peer: &Peer) -> Result<(), RoutingError> {
        let payload = peer.write(self.sender.version.load(Ordering::Relaxed));
        self.node()?.acting.publish(self.config.node(node), payload).await;
        Ok(())
    }

    /// What another node says next; `None` for a client, and once the connection is closed. What is forwarded is seen to
    /// before what comes after it is given out here.
    ///
    /// # Cancel safety
    /// Can be dropped at any time.
    pub async fn peer(&self) -> Option<Peer> {
        self.node.as_ref()?.peers.lock().await.recv().await
    }
}

/// Subscribes, and proves that the server has the subscription.
///
/// No queue group: a frozen node would stay a member of it for minutes, and swallow half of its successor's requests.
async fn subscribe(
    client: &Client,
    sender: &Sender,
    subject: Subject,
    deadline: Instant,
) -> Result<Subscriber, RoutingError> {
    let subscribing = timeout_at(deadline, client.subscribe(subject)).await;
    let heard = subscribing.map_err(RoutingError::unavailable)?.map_err(RoutingError::unavailable)?;
    sender.inbox.round_trip(deadline).await.map_err(RoutingError::unavailable)?;
    Ok(heard)
}

async fn read_peers(acting: Arc<Acting>, mut heard: Subscriber) {
    while let Some(message) = heard.next().await {
        survive(acting.peer(message)).await;
    }
}

impl Reader {
    /// As many as there are cores. A task for each shard would be woken for each message, and what it answers would be sent
    /// alone; one that reads many shards answers all that has come for them together.
    fn start_all(acting: &Arc<Acting>) -> Vec<Self> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        (0..cores).map(|_| Self::start(Arc::clone(acting))).collect()
    }

    fn start(acting: Arc<Acting>) -> Self {
        let (ears, new) = mpsc::channel(EARS);
        Self { ears, _task: AbortOnDropHandle::new(tokio::spawn(read_shards(acting, new))) }
    }
}

async fn read_shards(acting: Arc<Acting>, mut new: mpsc::Receiver<Ear>) {
    let mut heard = SelectAll::new();
    loop {
        tokio::select! {
            ear = new.recv() => match ear {
                Some(ear) => heard.push(ear),
                None => return,
            },
            Some((shard, message)) = heard.next() => survive(acting.request(shard, message)).await,
        }
    }
}

/// What comes for a shard until `stopped`, and what has come by then. `end` is dropped when that is seen to.
fn hear(
    shard: ShardId,
    mut heard: Subscriber,
    mut stopped: oneshot::Receiver<()>,
    end: oneshot::Sender<()>,
) -> impl Stream<Item = (ShardId, Message)> {
    stream! {
        let _end = end;
        loop {
            tokio::select! {
                biased;
                _ = &mut stopped => break,
                message = heard.next() => match message {
                    Some(message) => yield (shard, message),
                    None => return,
                }
            }
        }
        if heard.unsubscribe().await.is_ok() {
            while let Some(message) = heard.next().await {
                yield (shard, message);
            }
        }
    }
}

/// Whatever one message does, the next one is read.
async fn survive(work: impl Future<Output = ()>) {
    if AssertUnwindSafe(work).catch_unwind().await.is_err() {
        tracing::error!("a message could not be seen to: its reader has panicked");
    }
}
