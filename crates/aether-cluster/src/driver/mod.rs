//! [`Driver`]: the tasks, timers and I/O of a node. It decides nothing.

mod jobs;
mod report;

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aether_actor::ActorSystem;
use aether_coordination::{Change, Changes, Coordination, Follow, Heard, Outbox};
use futures_util::FutureExt;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, Sleep};

use self::jobs::Done;
use self::report::Report;
use crate::engine::{Action, Engine, Happened, Order};
use crate::record::Keys;
use crate::routing::{Heard as Word, Shards};
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
    shards: Shards,
    system: Option<ActorSystem>,
    started: Instant,
    heard: Follow<Heard>,
    changes: Follow<Changes>,
    outbox: Outbox,
    words: mpsc::Receiver<Word>,
    jobs: JoinSet<Done>,
    commands: mpsc::Receiver<Command>,
    shared: Shared,
    report: Report,
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
    pub(crate) shards: Shards,
    pub(crate) words: mpsc::Receiver<Word>,
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
            shards: parts.shards,
            system: parts.system,
            started: parts.started,
            heard,
            changes,
            words: parts.words,
            jobs: JoinSet::new(),
            commands: parts.commands,
            shared: parts.shared,
            report: Report::new(parts.namespace.as_deref(), &parts.cluster, parts.me),
            closed: BTreeSet::new(),
            count: parts.count,
        })
    }

    /// Works until the node has left, or cannot go on.
    pub(crate) async fn run(mut self) -> Result<(), ClusterError> {
        let ended = self.work().await;
        self.shards.stop();
        self.outbox.end().await;
        ended
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
                Some(word) = self.words.recv() => {
                    self.told(word);
                    for _ in 0..TURN {
                        let Ok(word) = self.words.try_recv() else { break };
                        self.told(word);
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
                self.shards.set_hears_itself(hears);
                self.report.hears(hears);
                self.shared.known.send_modify(|view| view.connected = hears);
            }
            Action::Tell(happened) => self.tell(happened),
            action => self.start(action),
        }
    }

    fn obey(&mut self, shard: ShardId, order: Order) {
        match order {
            Order::Listen(number) => {
                self.closed.remove(&shard);
                self.listen(shard, number);
            }
            Order::Keep => self.shards.keep(shard),
            Order::Act => self.shards.act(shard),
            Order::Hold => {
                self.report.holds(shard);
                self.hold(shard);
            }
            Order::HandOver(to) => {
                self.report.handed_over(shard);
                self.shards.hand_over(shard, to);
            }
            Order::Say(to, word, since) => self.shards.say(to, shard, word, since),
            Order::Close => {
                self.shards.close(shard);
                self.closed.insert(shard);
            }
        }
    }

    /// What comes of all that was done: actors of shards that are elsewhere now leave memory, and whoever asks is told.
    fn settle(&mut self) {
        if let Some(system) = self.system.as_ref().filter(|_| !self.closed.is_empty()) {
            let (closed, count) = (&self.closed, self.count);
            let evicted = system.evict(&|actor| closed.contains(&shard_of(actor, count)));
            tracing::debug!(shards = closed.len(), evicted, "actors have left memory, since they are elsewhere now");
        }
        self.closed.clear();
        self.shards.saw_sequence(self.engine.sequence());
        self.report.tell();
    }

    fn tell(&mut self, happened: Happened) {
        self.report.happened(&happened);
        let event = match happened {
            Happened::Plan(plan) => {
                self.shards.set_owners(plan.slots.iter().map(|slot| slot.owner).collect());
                None
            }
            Happened::Member(member, state) => Some(ClusterEvent::Member { member, state }),
            Happened::Leader(leader) => leader.map(|(epoch, node)| ClusterEvent::Leader { epoch, node }),
            Happened::Acts(shard, true) => Some(ClusterEvent::Gained(shard)),
            Happened::Acts(shard, false) => Some(ClusterEvent::Lost(shard)),
        };
        let (known, acting) = self.report.view();
        self.shared.known.send_modify(|view| {
            view.known = known;
            view.acting.clone_from(acting);
        });
        if let Some(event) = event {
            // There may be nobody who follows.
            let _ = self.shared.events.send(event);
        }
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

    fn told(&mut self, word: Word) {
        self.engine.told(word.from, word.shard, word.word, word.since, self.now());
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
            Done::Listened(shard, number, Ok(())) => self.engine.listened(shard, number, now),
            Done::Listened(shard, number, Err(error)) => {
                tracing::warn!(%shard, %error, "a shard cannot be listened to yet");
                self.listen_later(shard, number);
            }
            Done::Again(shard, number) => self.listen(shard, number),
            Done::Drained(shard) => self.engine.drained(shard, now),
        }
        Ok(())
    }

    fn sleep_until(&self, sleep: Pin<&mut Sleep>) {
        let wake = self.engine.wake().min(self.now() + Duration::from_secs(60));
        sleep.reset(self.started + wake);
    }
}
