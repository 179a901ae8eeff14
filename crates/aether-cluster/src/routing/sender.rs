//! [`Sender`]: drives calls to their end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use aether_actor::ActorError;
use aether_nats::{Call as OpenCall, Event, Inbox};
use async_nats::{Client, Subject};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::call::{Action, Answer, Attempt, Call, Called};
use super::config::RoutingConfig;
use super::observer::{Asked, CallOutcome, RoutingObserver};
use super::wire::{Kind, Request};
use crate::{ShardId, ShardTable, shard_of};

/// Sends commands and queries, again and again, until they are answered.
#[derive(Debug)]
pub(crate) struct Sender {
    client: Client,
    pub(crate) inbox: Inbox,
    config: Arc<RoutingConfig>,
    subjects: Vec<Subject>,
    room: Semaphore,
    pub(crate) owners: Arc<ShardTable>,
    /// In which version a call begins.
    pub(crate) version: AtomicU8,
    /// The highest sequence of the store that was heard of.
    pub(crate) sequence: AtomicU64,
    observer: Arc<dyn RoutingObserver>,
}

impl Sender {
    pub(crate) fn new(
        client: Client,
        inbox: Inbox,
        config: Arc<RoutingConfig>,
        observer: Arc<dyn RoutingObserver>,
    ) -> Self {
        Self {
            client,
            inbox,
            subjects: ShardId::all(config.shards).map(|shard| config.shard(shard)).collect(),
            room: Semaphore::new(config.open_calls),
            owners: Arc::new(ShardTable::new(config.shards)),
            version: AtomicU8::new(config.versions.lowest),
            sequence: AtomicU64::new(0),
            observer,
            config,
        }
    }

    /// The store was seen at this sequence.
    pub(crate) fn saw(&self, sequence: u64) {
        if self.sequence.load(Ordering::Relaxed) < sequence {
            self.sequence.fetch_max(sequence, Ordering::AcqRel);
        }
    }

    /// Sends a request until it is answered, or until the deadline.
    pub(crate) async fn call(&self, request: Request, deadline: Instant) -> Result<Answer, ActorError> {
        let began = Instant::now();
        let (asked, called) = match &request.kind {
            Kind::Command(command) => {
                (Asked::Command, Called::Command { id: command.id, recorded: command.recorded })
            }
            Kind::Query(_) => (Asked::Query, Called::Query { seen: request.seen }),
        };
        let result = self.run(request, called, began, deadline).await;
        let outcome = match &result {
            Ok(_) => CallOutcome::Answered,
            Err(error) if error.is_unknown() => CallOutcome::Unknown,
            Err(_) => CallOutcome::Failed,
        };
        self.observer.called(asked, outcome, began.elapsed());
        result
    }

    async fn run(
        &self,
        mut request: Request,
        called: Called,
        began: Instant,
        deadline: Instant,
    ) -> Result<Answer, ActorError> {
        let _room = match self.room.try_acquire() {
            Ok(room) => room,
            Err(_) => match timeout_at(deadline, self.room.acquire()).await {
                Ok(Ok(room)) => room,
                Ok(Err(_)) => return Err(ActorError::Stopped),
                Err(_) => return Err(ActorError::Expired),
            },
        };
        let shard = shard_of(&request.actor, self.config.shards);
        let version = self.version.load(Ordering::Relaxed);
        let (timing, reads) = (self.config.timing, self.config.versions);
        let mut call = Call::new(called, began, deadline, timing, reads, version, fastrand::u64(..));
        let open = self.inbox.call();
        let mut now = began;
        loop {
            let owner = self.owners.get(shard);
            let action = call.next(now, owner);
            if let Some(why) = call.take_retry() {
                self.observer.retried(why);
            }
            let event = match action {
                Action::Done(result) => {
                    if let Ok(Answer::Replied(replied)) = &result {
                        self.saw(replied.sequence);
                    }
                    return result;
                }
                Action::Send(attempt) => {
                    if let Err(error) = self.send(&open, &mut request, shard, attempt, deadline).await {
                        call.not_sent(error);
                    }
                    now = Instant::now();
                    continue;
                }
                Action::Await(until) => open.event_until(until).await,
                // A pause is short, and its length matters.
                Action::Pause(until) => timeout_at(until, open.event()).await.unwrap_or(Event::Look),
            };
            now = Instant::now();
            match event {
                Event::Answer(number, message) => match reads.read_reply(&message.payload) {
                    Ok(reply) => call.reply(now, number, reply, owner),
                    // As if it had not come: another attempt will tell.
                    Err(error) => tracing::warn!(%error, "the answer of a node was left out"),
                },
                Event::NoResponders(number) => call.no_responders(now, number),
                Event::Disconnected => call.disconnected(now),
                Event::Closed => return Err(call.given_up()),
                // The inbox knows of no denials: a request is refused by silence.
                Event::Look | Event::Denied(_) => {}
            }
        }
    }

    /// Sends one attempt. The error is one for which nothing was sent.
    async fn send(
        &self,
        open: &OpenCall<'_>,
        request: &mut Request,
        shard: ShardId,
        attempt: Attempt,
        deadline: Instant,
    ) -> Result<(), ActorError> {
        request.to = attempt.to;
        request.left = attempt.left;
        if let Kind::Command(command) = &mut request.kind {
            command.recorded = attempt.recorded;
        }
        let payload = request.write(attempt.version);
        let (size, limit) = (payload.len(), self.client.max_payload());
        if size > limit {
            let message =
                format!("it takes {size} bytes to send, and the server takes {limit}; nothing was begun");
            return Err(ActorError::Elsewhere { message, unknown: false, retryable: false });
        }
        let Some(subject) = self.subjects.get(shard.index()).cloned() else {
            return Err(ActorError::Expired);
        };
        open.sent(self.inbox.connects());
        let reply = open.reply_subject(attempt.number);
        // It waits only while the connection is down, and then it may be sent all the same later.
        match timeout_at(deadline, self.client.publish_with_reply(subject, reply, payload)).await {
            Ok(Err(error)) => {
                tracing::debug!(%error, "a request could not be sent");
                Err(ActorError::Stopped)
            }
            _ => Ok(()),
        }
    }
}
