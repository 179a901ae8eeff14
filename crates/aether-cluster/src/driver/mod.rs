//! [`Driver`]: the tasks, timers and I/O of a node. It decides nothing.

mod hands;
mod jobs;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aether_actor::ActorSystem;
use aether_coordination::{Change, Changes, Coordination, Follow, Heard, Outbox};
use futures_util::FutureExt;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, Sleep};

use self::hands::Hand;
use self::jobs::Done;
use self::report::Report;
use crate::engine::{Action, Engine, Happened, Word};
use crate::record::Keys;
use crate::routing::ClusterRouter;
use crate::routing::wire::{Peer, Versions};
use crate::signal::{decode, encode};
use crate::status::Known;
use crate::{ClusterError, ClusterEvent, Node, ShardId, shard_of};

/// How many words of other nodes are taken in before anything else is looked at.
const TURN: usize = 256;

/// What a driver shares with the handles of its node.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) known: watch::Sender<View>,
    pub(crate) events: broadcast::Sender<ClusterEvent>,
}

/// What is known of the cluster, and of the node's own part in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    pub(crate) known: Arc<Known>,
    pub(crate) connected: bool,
    pub(crate) acting: BTreeSet<ShardId>,
}

/// What a node's handle asks of it.
#[derive(Debug)]
pub(crate) enum Command {
    /// Hand everything over and leave.
    Leave,
}

pub(crate) struct Driver {
    engine: Engine,
    keys: Arc<Keys>,
    coordination: Arc<dyn Coordination>,
    router: Arc<ClusterRouter>,
    hands: BTreeMap<ShardId, Hand>,
    system: Option<ActorSystem>,
    started: Instant,
    heard: Follow<Heard>,
    changes: Follow<Changes>,
    outbox: Outbox,
    jobs: JoinSet<Done>,
    commands: mpsc::Receiver<Command>,
    shared: Shared,
    me: Node,
    report: Report,
    /// What has happened and was not told yet, and whether what is known has changed.
    told: Vec<ClusterEvent>,
    has_news: bool,
    /// Shards that were closed, and whose actors have to leave memory.
    closed: BTreeSet<ShardId>,
    count: u16,
}

/// What a driver is made of.
pub(crate) struct Parts {
    pub(crate) engine: Engine,
    pub(crate) me: Node,
    pub(crate) cluster: String,
    pub(crate) namespace: Option<String>,
    pub(crate) count: u16,
    pub(crate) coordination: Arc<dyn Coordination>,
    pub(crate) router: Arc<ClusterRouter>,
    pub(crate) system: Option<ActorSystem>,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) shared: Shared,
    pub(crate) started: Instant,
}

impl Driver {
    /// Begins to listen and to watch.
    pub(crate) async fn new(parts: Parts) -> Result<Self, ClusterError> {
        let keys = Arc::new(Keys::new(&parts.cluster));
        let (listen, topic) = (Arc::clone(&parts.coordination), keys.pulse.clone());
        let heard = Follow::begin(move || {
            let (listen, topic) = (Arc::clone(&listen), topic.clone());
            async move { listen.listen(&topic).await }.boxed()
        });
        let (watch, prefix) = (Arc::clone(&parts.coordination), keys.cluster.clone());
        let changes = Follow::begin(move || {
            let (watch, prefix) = (Arc::clone(&watch), prefix.clone());
            async move { watch.watch(&prefix).await }.boxed()
        });
        let (heard, changes) = (heard.await?, changes.await?);
        Ok(Self {
            engine: parts.engine,
            keys,
            outbox: Outbox::new(Arc::clone(&parts.coordination)),
            coordination: parts.coordination,
            router: parts.router,
            hands: BTreeMap::new(),
            system: parts.system,
            started: parts.started,
            heard,
            changes,
            jobs: JoinSet::new(),
            commands: parts.commands,
            shared: parts.shared,
            report: Report::new(parts.namespace.as_deref(), &parts.cluster, parts.me.clone()),
            me: parts.me,
            told: Vec::new(),
            has_news: false,
            closed: BTreeSet::new(),
            count: parts.count,
        })
    }

    /// Works until the node has left, or cannot go on.
    pub(crate) async fn run(mut self) -> Result<(), ClusterError> {
        let ended = self.work().await;
        self.jobs.shutdown().await;
        self.give_up_all().await;
        self.outbox.end().await;
        ended
    }

    /// Nobody tells this node any more what is its own: whoever still has its handle asks the others.
    async fn give_up_all(&mut self) {
        for shard in ShardId::all(self.count) {
            // It fails only for shards that there are not, and for clients.
            let _ = self.router.control().close(shard).await;
        }
        if let Some(system) = &self.system {
            system.evict(&|_| true);
        }
    }

    async fn work(&mut self) -> Result<(), ClusterError> {
        let sleep = tokio::time::sleep_until(self.started);
        tokio::pin!(sleep);
        loop {
            if let Some(system) = &self.system {
                self.engine.saw_sequence(system.sequence());
            }
            self.engine.turn(self.started.elapsed());
            while let Some(action) = self.engine.action() {
                match action {
                    Action::Stopped => return Ok(()),
                    Action::Fail(error) => return Err(error),
                    action => self.act(action),
                }
            }
            self.settle();
            self.sleep_until(sleep.as_mut());
            tokio::select! {
                biased;
                message = self.heard.next() => {
                    self.hear(&message?);
                    while let Some(message) = self.heard.next().now_or_never() {
                        self.hear(&message?);
                    }
                }
                peer = peer(&self.router) => {
                    self.told(&peer);
                    for _ in 0..TURN {
                        let Some(peer) = peer_now(&self.router) else { break };
                        self.told(&peer);
                    }
                }
                Some(done) = self.jobs.join_next() => self.take(done)?,
                command = self.commands.recv() => match command {
                    Some(Command::Leave) => self.engine.leave(),
                    // Nobody has a handle on the node any more.
                    None => return Ok(()),
                },
                change = self.changes.next() => self.saw(&change?),
                () = sleep.as_mut() => {}
            }
            while let Some(done) = self.jobs.try_join_next() {
                self.take(done)?;
            }
        }
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Send(message) => self.outbox.send(self.keys.pulse.clone(), encode(message)),
            Action::Shard(shard, order) => self.obey(shard, order),
            Action::Hears(hears) => {
                self.report.hears(hears);
                self.shared.known.send_modify(|view| view.connected = hears);
            }
            Action::Tell(happened) => self.tell(happened),
            action => self.start(action),
        }
    }

    /// What comes of all that was done: actors of shards that are elsewhere now leave memory, and whoever asks is told.
    fn settle(&mut self) {
        if let Some(system) = self.system.as_ref().filter(|_| !self.closed.is_empty()) {
            let (closed, count) = (&self.closed, self.count);
            let evicted = system.evict(&|actor| closed.contains(&shard_of(actor, count)));
            tracing::debug!(
                shards = closed.len(),
                evicted,
                "actors have left memory, since they are elsewhere now"
            );
        }
        self.closed.clear();
        let control = self.router.control();
        control.saw(self.engine.sequence());
        if let Some(until) = self.engine.hears_itself_until() {
            control.hears_itself_until(self.started + until);
        }
        self.report.tell();
        if std::mem::take(&mut self.has_news) {
            let (known, acting) = self.report.view();
            self.shared.known.send_modify(|view| {
                view.known = known;
                view.acting.clone_from(acting);
            });
        }
        // After the view: whoever hears of something and looks at it finds it so.
        for event in self.told.drain(..) {
            // There may be nobody who follows.
            let _ = self.shared.events.send(event);
        }
    }

    fn tell(&mut self, happened: Happened) {
        self.report.happened(&happened);
        let event = match happened {
            Happened::Plan(plan) => {
                self.router.control().set_owners(plan.owners());
                None
            }
            Happened::Member(member, state) => {
                self.agree_on_a_version();
                Some(ClusterEvent::Member { member, state })
            }
            Happened::Leader(leader) => leader.map(|(epoch, node)| ClusterEvent::Leader { epoch, node }),
            Happened::Acts(shard, true) => Some(ClusterEvent::Gained(shard)),
            Happened::Acts(shard, false) => Some(ClusterEvent::Lost(shard)),
        };
        self.told.extend(event);
        self.has_news = true;
    }

    fn hear(&mut self, message: &[u8]) {
        match decode(message) {
            Ok(message) => {
                self.report.heard(&message);
                self.engine.heard(message, self.now());
            }
            Err(error) => tracing::debug!(%error, "something was heard that this node cannot read"),
        }
    }

    fn told(&mut self, peer: &Peer) {
        let (from, shard, word, since) = match *peer {
            Peer::Ready { shard, since, from } => (from, shard, Word::Ready, since),
            Peer::Release { shard, since, from } => (from, shard, Word::Release, since),
            Peer::Released { shard, since, from } => (from, shard, Word::Taken, since),
            // The routing has seen to it.
            Peer::Forward { .. } => return,
        };
        self.engine.told(from, shard, word, since, self.now());
    }

    /// All members read this version, so it is spoken.
    fn agree_on_a_version(&self) {
        let (known, _) = self.report.view();
        let versions = known
            .members
            .values()
            .map(|(member, _)| Versions { lowest: member.protocols.0, highest: member.protocols.1 });
        if let Some(version) = Versions::common(versions) {
            self.router.control().speak(version);
        }
    }

    fn saw(&mut self, change: &Change) {
        let Some(name) = self.keys.name_of(change.key()) else { return };
        match change {
            Change::Put(entry) => self.engine.saw(name, &entry.value, entry.revision, self.now()),
            _ => self.engine.saw_deleted(&name),
        }
    }

    fn take(&mut self, done: Result<Done, JoinError>) -> Result<(), ClusterError> {
        let now = self.now();
        match done.map_err(|error| ClusterError::Panicked { what: error.to_string() })? {
            Done::Wrote(number, name, result) => self.engine.wrote(number, name, result, now),
            Done::Deleted => {}
            Done::Looked(name, found) => self.engine.looked(name, found, now),
            Done::LookedAtAll(found) => self.engine.looked_at_all(found, now),
            Done::Did(shard, did) => self.did(shard, did),
            Done::Drained(shard) => self.engine.drained(shard, now),
        }
        Ok(())
    }

    fn sleep_until(&self, sleep: Pin<&mut Sleep>) {
        let wake = self.engine.wake().min(self.now() + Duration::from_secs(60));
        sleep.reset(self.started + wake);
    }
}

/// What another node says next.
async fn peer(router: &ClusterRouter) -> Peer {
    match router.control().peer().await {
        Some(peer) => peer,
        // The connection is closed, which the keys will tell as well.
        None => std::future::pending().await,
    }
}

/// What another node has said already.
fn peer_now(router: &ClusterRouter) -> Option<Peer> {
    router.control().peer().now_or_never().flatten()
}
