//! [`Driver`]: the tasks, timers and I/O of a member. It decides nothing.

mod jobs;
mod telemetry;

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aether_coordination::{Changes, Coordination, Follow, Heard, Outbox};
use aether_core::{Delivery, EventFilter, Position, ReadError, Subscribe, SubscribeOptions, Subscription};
use futures_core::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, Sleep};

use self::jobs::Done;
use self::telemetry::Telemetry;
use crate::builder::Options;
use crate::engine::{Action, Engine};
use crate::record::{Keys, Settings, decode, encode};
use crate::{GroupError, Handler, MemberId, Progress};

/// How often, at most, progress is told.
const REPORT_EVERY: Duration = Duration::from_millis(50);
/// How many deliveries are taken in before anything else is looked at.
const TURN: usize = 256;

/// What a member's handle asks of it.
#[derive(Debug)]
pub(crate) enum Command {
    /// Answer when the group has come to this position.
    Wait(Position, oneshot::Sender<()>),
    /// Leave.
    Stop,
}

pub(crate) struct Driver {
    engine: Engine,
    keys: Arc<Keys>,
    store: Arc<dyn Subscribe>,
    coordination: Arc<dyn Coordination>,
    handler: Arc<dyn Handler>,
    filter: EventFilter,
    started: Instant,
    reader: Reader,
    heard: Follow<Heard>,
    changes: Follow<Changes>,
    outbox: Outbox,
    jobs: JoinSet<Done>,
    commands: mpsc::Receiver<Command>,
    waiters: Vec<(Position, oneshot::Sender<()>)>,
    progress: watch::Sender<Progress>,
    reported_at: Duration,
    telemetry: Arc<Telemetry>,
}

impl Driver {
    /// Begins to listen and to watch.
    pub(crate) async fn new(
        me: MemberId,
        options: Options,
        settings: Settings,
        store: Arc<dyn Subscribe>,
        coordination: Arc<dyn Coordination>,
        handler: Arc<dyn Handler>,
        (commands, progress): (mpsc::Receiver<Command>, watch::Sender<Progress>),
    ) -> Result<Self, GroupError> {
        let keys = Arc::new(Keys::new(&options.group));
        let (listen, topic) = (coordination.clone(), keys.pulse.clone());
        let heard = Follow::begin(move || {
            let (listen, topic) = (listen.clone(), topic.clone());
            async move { listen.listen(&topic).await }.boxed()
        });
        let (watch, prefix) = (coordination.clone(), keys.group.clone());
        let changes = Follow::begin(move || {
            let (watch, prefix) = (watch.clone(), prefix.clone());
            async move { watch.watch(&prefix).await }.boxed()
        });
        let (heard, changes) = (heard.await?, changes.await?);
        let outbox = Outbox::new(coordination.clone());
        let filter = options.filter.clone();
        let telemetry = Arc::new(Telemetry::new(&options));
        Ok(Self {
            engine: Engine::new(me, options, settings, fastrand::u64(..)),
            keys,
            store,
            coordination,
            handler,
            filter,
            started: Instant::now(),
            reader: Reader::Off,
            heard,
            changes,
            outbox,
            jobs: JoinSet::new(),
            commands,
            waiters: Vec::new(),
            progress,
            reported_at: Duration::ZERO,
            telemetry,
        })
    }

    /// Works until it is stopped, or cannot go on.
    pub(crate) async fn run(mut self) -> Result<(), GroupError> {
        let sleep = tokio::time::sleep_until(self.started);
        tokio::pin!(sleep);
        loop {
            let now = self.started.elapsed();
            self.engine.turn(now);
            while let Some(action) = self.engine.action() {
                match action {
                    Action::Stopped => return self.rest().await,
                    Action::Fail(error) => return Err(error),
                    action => self.act(action),
                }
            }
            self.answer_waiters();
            let report_at = self.report(now);
            self.sleep_until(sleep.as_mut(), report_at);
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    Some(Command::Wait(position, reply)) => self.waiters.push((position, reply)),
                    Some(Command::Stop) | None => self.engine.stop(),
                },
                message = self.heard.next() => {
                    self.hear(&message?);
                    while let Some(message) = self.heard.next().now_or_never() {
                        self.hear(&message?);
                    }
                }
                Some(done) = self.jobs.join_next() => self.take(done)?,
                change = self.changes.next() => self.engine.changed(&self.keys, change?),
                () = sleep.as_mut() => {}
                delivery = self.reader.next(), if self.engine.has_room() => self.deliver(delivery),
            }
            while let Some(done) = self.jobs.try_join_next() {
                self.take(done)?;
            }
            for _ in 0..TURN {
                if !self.engine.has_room() {
                    break;
                }
                let Some(delivery) = self.reader.next().now_or_never() else { break };
                self.deliver(delivery);
            }
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Send(message) => self.outbox.send(self.keys.pulse.clone(), encode(&message)),
            Action::StopReading => self.reader = Reader::Off,
            Action::Read(from) => {
                let options = SubscribeOptions::from(from).filter(self.filter.clone());
                let store = self.store.clone();
                self.reader = Reader::Opening(async move { store.subscribe(&options).await }.boxed());
            }
            action => self.start(action),
        }
    }

    fn hear(&mut self, message: &[u8]) {
        match decode(message) {
            Ok(message) => self.engine.heard(message, self.started.elapsed()),
            Err(error) => tracing::debug!(%error, "something was heard that no member says"),
        }
    }

    fn deliver(&mut self, delivery: Read) {
        let now = self.started.elapsed();
        match delivery {
            Ok(Delivery::Event(event)) => self.engine.read(event, now),
            Ok(Delivery::Passed(position)) => self.engine.passed(position),
            Ok(Delivery::CaughtUp) => self.engine.caught_up(true),
            Ok(Delivery::FellBehind) => self.engine.caught_up(false),
            Ok(_) => {}
            Err(error) => {
                self.reader = Reader::Off;
                self.engine.reading_ended(error, now);
            }
        }
    }

    fn take(&mut self, done: Result<Done, JoinError>) -> Result<(), GroupError> {
        let now = self.started.elapsed();
        match done.map_err(|error| GroupError::Panicked(error.to_string()))? {
            Done::Put(partition, result) => self.engine.put(partition, result, now),
            Done::Looked(partition, found) => self.engine.looked(partition, found?, now),
            Done::LookedAtAll(found) => self.engine.looked_at_all(found?, now),
            Done::Opened(partition, own) => self.engine.opened(partition, own),
            Done::Closed(partition) => self.engine.closed(partition),
            Done::Ran(id, partition, result) => self.engine.ran(id, partition, result, now),
            Done::Fetched(claim, actor, fetched) => self.engine.fetched(claim, &actor, fetched, now),
            Done::LetterKept(claim, actor) => self.engine.letter_kept(claim, &actor),
            Done::Concluded => {}
        }
        Ok(())
    }

    fn answer_waiters(&mut self) {
        if self.waiters.is_empty() {
            return;
        }
        let engine = &self.engine;
        let (reached, waiting) = std::mem::take(&mut self.waiters)
            .into_iter()
            .filter(|(_, reply)| !reply.is_closed())
            .partition::<Vec<_>, _>(|(position, _)| engine.has_reached(*position));
        for (_, reply) in reached {
            // Whoever has given up waiting does not want to know.
            let _ = reply.send(());
        }
        let mut positions = waiting.iter().map(|(position, _)| *position);
        let highest = positions.next().map(|first| {
            positions.fold(first, |highest, position| if position > highest { position } else { highest })
        });
        self.engine.wait_for(highest);
        self.waiters = waiting;
    }

    /// Tells how far the member is; when it is to be told again, if it was too early.
    fn report(&mut self, now: Duration) -> Option<Duration> {
        let due = self.reported_at + REPORT_EVERY;
        if now < due && !self.reported_at.is_zero() {
            return Some(due);
        }
        self.reported_at = now.max(Duration::from_nanos(1));
        let progress = self.engine.progress(now);
        self.telemetry.report(&progress);
        let mut changed = false;
        self.progress.send_if_modified(|told| {
            changed = *told != progress;
            *told = progress;
            changed
        });
        // What goes on changes it again; when nothing does, the next look around is soon enough.
        changed.then_some(now + REPORT_EVERY)
    }

    fn sleep_until(&self, sleep: Pin<&mut Sleep>, report_at: Option<Duration>) {
        let wake = self.engine.wake();
        let at = self.started + report_at.map_or(wake, |report_at| report_at.min(wake));
        if sleep.deadline() != at || sleep.is_elapsed() {
            sleep.reset(at);
        }
    }

    /// What is on its way is given a moment: the last letters, and the goodbye.
    async fn rest(mut self) -> Result<(), GroupError> {
        let jobs = async {
            while let Some(done) = self.jobs.join_next().await {
                if let Err(error) = done {
                    return Err(GroupError::Panicked(error.to_string()));
                }
            }
            Ok(())
        };
        let rested = tokio::time::timeout(Duration::from_secs(2), jobs).await.unwrap_or(Ok(()));
        self.outbox.end().await;
        let progress = self.engine.progress(self.started.elapsed());
        self.telemetry.report(&progress);
        self.progress.send_replace(progress);
        rested
    }
}

/// What was read, or why no more is.
pub(super) type Read = Result<Delivery, Option<ReadError>>;

/// The events of the store.
pub(super) enum Reader {
    Off,
    Opening(BoxFuture<'static, Result<Subscription, ReadError>>),
    On(Subscription),
}

impl Reader {
    /// The next delivery.
    pub(super) async fn next(&mut self) -> Read {
        if let Self::Opening(opening) = self {
            match opening.await {
                Ok(subscription) => *self = Self::On(subscription),
                Err(error) => {
                    *self = Self::Off;
                    return Err(Some(error));
                }
            }
        }
        match self {
            Self::On(subscription) => match subscription.next().await {
                Some(Ok(delivery)) => Ok(delivery),
                Some(Err(error)) => Err(Some(error)),
                None => Err(None),
            },
            Self::Off | Self::Opening(_) => pending().await,
        }
    }
}
