//! [`Acting`]: the side of a node: what comes for its shards is run, kept, sent on or answered.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aether_actor::{
    ActorError, ActorSystem, Delivery, Failure, Outcome, Permit, RemoteQuery, Replied, Since, WeakSystem,
};
use async_nats::{Client, Message};
use bytes::Bytes;
use futures_util::FutureExt;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::config::RoutingConfig;
use super::door::{Door, Received, Step};
use super::gate::Stance;
use super::observer::{RoutingObserver, TurnedAway};
use super::wire::{Body, Forwarded, Kind, Peer, Reply, Request, RequestedCommand, RequestedQuery};
use crate::{Incarnation, ShardId, ShardTable, shard_of};

/// How long an answer may take to get into the connection; it does not wait but while the connection is down.
const SENDING: Duration = Duration::from_secs(5);
/// How many bytes of requests are sent on in one message, about.
const FORWARD_BYTES: usize = 256 * 1024;

/// The side of a node.
pub(crate) struct Acting {
    pub(crate) me: Incarnation,
    client: Client,
    config: Arc<RoutingConfig>,
    doors: Vec<Door>,
    owners: Arc<ShardTable>,
    system: OnceLock<WeakSystem>,
    in_flight: AtomicUsize,
    /// Until when it hears itself, in nanoseconds after `began`.
    hears_until: AtomicU64,
    began: Instant,
    /// What did not end at once.
    running: Mutex<JoinSet<()>>,
    peers: mpsc::Sender<Peer>,
    observer: Arc<dyn RoutingObserver>,
}

impl fmt::Debug for Acting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acting")
            .field("me", &self.me)
            .field("in_flight", &self.in_flight)
            .finish_non_exhaustive()
    }
}

/// One of those that are under way.
struct InFlight<'a>(&'a AtomicUsize);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Acting {
    pub(crate) fn new(
        me: Incarnation,
        client: Client,
        config: Arc<RoutingConfig>,
        owners: Arc<ShardTable>,
        peers: mpsc::Sender<Peer>,
        observer: Arc<dyn RoutingObserver>,
    ) -> Self {
        Self {
            me,
            client,
            doors: ShardId::all(config.shards).map(|_| Door::new(me, config.room)).collect(),
            config,
            owners,
            system: OnceLock::new(),
            in_flight: AtomicUsize::new(0),
            hears_until: AtomicU64::new(0),
            began: Instant::now(),
            running: Mutex::new(JoinSet::new()),
            peers,
            observer,
        }
    }

    pub(crate) fn bind(&self, system: &ActorSystem) {
        let _ = self.system.set(system.downgrade());
    }

    pub(crate) fn system(&self) -> Option<ActorSystem> {
        self.system.get()?.upgrade().ok()
    }

    pub(crate) fn door(&self, shard: ShardId) -> Option<&Door> {
        self.doors.get(shard.index())
    }

    pub(crate) fn hears_itself_until(&self, until: Instant) {
        let after = until.saturating_duration_since(self.began).as_nanos();
        self.hears_until.store(u64::try_from(after).unwrap_or(u64::MAX), Ordering::Release);
    }

    fn hears_itself(&self, now: Instant) -> bool {
        let after = now.saturating_duration_since(self.began).as_nanos();
        after < u128::from(self.hears_until.load(Ordering::Acquire))
    }

    /// A message on the subject of a shard.
    pub(crate) async fn request(self: &Arc<Self>, shard: ShardId, message: Message) {
        let Some(reply) = message.reply else { return };
        let now = Instant::now();
        // Whoever does not hear itself may have been frozen, and have no shards any more: what waits here was sent to its
        // successor as well, or will be.
        if !self.hears_itself(now) {
            self.observer.turned_away(TurnedAway::Deaf);
            return;
        }
        let Ok((version, request)) = self.config.versions.read_request(&message.payload) else {
            self.observer.turned_away(TurnedAway::Unreadable);
            let answer =
                self.reply(Body::Unreadable(self.config.versions)).write(self.config.versions.lowest);
            self.publish(reply, answer).await;
            return;
        };
        let deadline = now + request.left;
        self.arrive(shard, Received { request, version, reply, deadline }).await;
    }

    /// A message on the subject of this node.
    pub(crate) async fn peer(self: &Arc<Self>, message: Message) {
        let peer = match self.config.versions.read_peer(&message.payload) {
            Ok(peer) => peer,
            Err(error) => {
                tracing::warn!(%error, "what another node says was left out");
                return;
            }
        };
        if !self.hears_itself(Instant::now()) {
            self.observer.turned_away(TurnedAway::Deaf);
            return;
        }
        if let Peer::Forward { shard, requests, .. } = peer {
            let version = message.payload.first().copied().unwrap_or(self.config.versions.lowest);
            let now = Instant::now();
            for Forwarded { reply, request } in requests {
                let deadline = now + request.left;
                self.arrive(shard, Received { request, version, reply: reply.into(), deadline }).await;
            }
            return;
        }
        // Whoever is told of it acts on it again and again until it is answered: one that is lost does no harm.
        if self.peers.try_send(peer).is_err() {
            tracing::warn!("what another node says was dropped: nobody takes it");
        }
    }

    async fn arrive(self: &Arc<Self>, shard: ShardId, received: Received) {
        let actual = shard_of(&received.request.actor, self.config.shards);
        let step = match self.door(shard) {
            Some(door) if actual == shard => door.arrive(received),
            _ => {
                let message =
                    format!("{} is of shard {actual} of {}", received.request.actor, self.config.shards);
                let error = ActorError::Elsewhere { message, unknown: false, retryable: false };
                Step::Answer(received, Body::Failed(Failure::from(&error)))
            }
        };
        match step {
            Step::Act(received, permit) => self.act(received, permit).await,
            Step::Forward(received, successor) => self.forward(shard, 0, successor, vec![received]).await,
            Step::Answer(received, body) => self.turn_away(shard, received, body).await,
            Step::Rest => {}
        }
    }

    /// Runs a request: here, as far as it goes without waiting, and then in a task of its own. So what comes after one
    /// another gets to its actor in that order, and what is answered from memory needs no task.
    async fn act(self: &Arc<Self>, received: Received, permit: Permit) {
        if self.in_flight.load(Ordering::Relaxed) >= self.config.in_flight {
            let shard = shard_of(&received.request.actor, self.config.shards);
            self.turn_away(shard, received, Body::Overloaded).await;
            return;
        }
        let node = Arc::clone(self);
        let mut work: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
            node.in_flight.fetch_add(1, Ordering::AcqRel);
            let _in_flight = InFlight(&node.in_flight);
            let Received { request, version, reply, deadline } = received;
            let answer = node.run(request, deadline).await;
            let answer = node.fitting(answer, version);
            // It is settled: whoever waits for those inside need not wait for the connection.
            drop(permit);
            node.publish(reply, answer).await;
        });
        if (&mut work).now_or_never().is_some() {
            return;
        }
        let mut running = self.running.lock();
        running.spawn(work);
        while let Some(ended) = running.try_join_next() {
            if let Err(error) = ended
                && error.is_panic()
            {
                tracing::error!(%error, "a request was not answered");
            }
        }
    }

    async fn run(&self, request: Request, deadline: Instant) -> Reply {
        let Some(system) = self.system() else { return self.reply(Body::Again(None)) };
        if deadline <= Instant::now() {
            self.observer.turned_away(TurnedAway::Expired);
            return self.reply(Body::Expired);
        }
        let Request { actor, seen, kind, .. } = request;
        match kind {
            Kind::Command(command) => {
                let RequestedCommand { id, name, data, since, recorded, timer, context } = command;
                // Never as fresh: an attempt of which this is the second may have been executed.
                let mut delivery = Delivery::new(id, Since::after(since), deadline);
                delivery.recorded = recorded;
                delivery.timer = timer;
                delivery.context = context;
                match system.command_here(&actor, &name, &data, delivery).await {
                    Ok(Replied { outcome, sequence, recorded }) => {
                        let body = match outcome {
                            Outcome::Done(data) => Body::Done(data),
                            Outcome::Refused(data) => Body::Refused(data),
                            // Nothing else is known, and nothing else would be smaller.
                            _ => Body::DoneTooLarge,
                        };
                        Reply { from: self.me, recorded, sequence, body }
                    }
                    Err(error) => self.failed(&error),
                }
            }
            Kind::Query(RequestedQuery { name, data, linearizable }) => {
                let mut query = RemoteQuery::new(name, data, deadline);
                query.linearizable = linearizable;
                query.seen = seen;
                match system.query_here(&actor, query).await {
                    Ok(told) => {
                        let body = Body::Told(told.answer);
                        Reply { from: self.me, recorded: false, sequence: told.sequence, body }
                    }
                    Err(error) => self.failed(&error),
                }
            }
        }
    }

    fn reply(&self, body: Body) -> Reply {
        Reply { from: self.me, recorded: false, sequence: 0, body }
    }

    fn failed(&self, error: &ActorError) -> Reply {
        self.reply(Body::Failed(Failure::from(error)))
    }

    /// The answer as it is sent; another one, if the server does not take what is so large.
    fn fitting(&self, reply: Reply, version: u8) -> Bytes {
        let written = reply.write(version);
        let limit = self.client.max_payload();
        if written.len() <= limit {
            return written;
        }
        let body = match reply.body {
            Body::Done(_) => Body::DoneTooLarge,
            _ => {
                let message =
                    format!("the answer takes {} bytes, and the server takes {limit}", written.len());
                let error = ActorError::Elsewhere { message, unknown: false, retryable: false };
                Body::Failed(Failure::from(&error))
            }
        };
        Reply { body, ..reply }.write(version)
    }

    async fn turn_away(&self, shard: ShardId, received: Received, body: Body) {
        let body = match body {
            // By the table, if the shard's stance does not say.
            Body::Again(None) => Body::Again(self.owners.get(shard).filter(|owner| *owner != self.me)),
            body => body,
        };
        match body {
            Body::Overloaded => self.observer.turned_away(TurnedAway::Overloaded),
            _ => self.observer.turned_away(TurnedAway::Elsewhere),
        }
        let answer = self.reply(body).write(received.version);
        self.publish(received.reply, answer).await;
    }

    /// Changes the stance to a shard, and does with what was kept what the new stance says.
    pub(crate) async fn set(self: &Arc<Self>, shard: ShardId, stance: Stance, since: u64) {
        let Some(door) = self.door(shard) else { return };
        let kept = door.set(stance);
        if let Stance::Forwarding(successor) = stance {
            self.forward(shard, since, successor, kept).await;
            return;
        }
        for received in kept {
            self.arrive(shard, received).await;
        }
    }

    /// Sends requests on to a shard's new owner, for it alone: this node will not act on them.
    async fn forward(&self, shard: ShardId, since: u64, successor: Incarnation, kept: Vec<Received>) {
        let most = FORWARD_BYTES.min(self.client.max_payload() / 2);
        let subject = self.config.node(successor);
        let mut kept = kept.into_iter().peekable();
        while kept.peek().is_some() {
            let (mut requests, mut bytes, mut version) = (Vec::new(), 0, u8::MAX);
            while let Some(received) = kept.next_if(|next| bytes == 0 || bytes + next.request.size() <= most)
            {
                let Received { mut request, version: spoken, reply, deadline } = received;
                bytes += request.size();
                version = version.min(spoken);
                request.to = Some(successor);
                request.left = deadline.saturating_duration_since(Instant::now());
                requests.push(Forwarded { reply: reply.to_string(), request });
            }
            self.observer.forwarded(requests.len());
            let forward = Peer::Forward { shard, since, from: self.me, requests };
            self.publish(subject.clone(), forward.write(version)).await;
        }
    }

    pub(crate) async fn publish(&self, subject: async_nats::Subject, payload: Bytes) {
        match timeout(SENDING, self.client.publish(subject, payload)).await {
            Ok(Ok(())) => {}
            // Whoever waits for it sends again.
            Ok(Err(error)) => tracing::debug!(%error, "an answer could not be sent"),
            Err(_) => tracing::debug!("an answer was not sent: the connection is down"),
        }
    }
}
