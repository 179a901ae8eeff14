//! Subscriptions: what is stored, and then what is being stored, over whatever happens to servers and connections.
//!
//! A subscription reads from a consumer of its own, which it makes anew from the sequence that comes next whenever it is
//! lost. Everything happens while it is polled; it has no task. What it has not read waits at the server, but for what
//! flow control lets through.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aether_core::{
    ActorId, ActorPattern, Delivery, EventFilter, Position, ReadError, RecordedEvent, SubscribeFrom,
    SubscribeOptions, Subscription,
};
use aether_nats::{Backoff, CallError};
use async_stream::try_stream;
use futures_util::{Stream, StreamExt};
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::all::{all_actors, check_not_before};
use crate::consumer::{Consumer, Sent, Wanted};
use crate::open::{self, bounds};
use crate::store::Inner;
use crate::stored_commit::{CommitAssembler, StoredCommit};

/// The interval of an idle consumer's heartbeats. Messages that do not match a filter have gone by after two of them.
const HEARTBEAT: Duration = Duration::from_millis(250);
/// The number of events that do not match after which a subscription reports its position.
const SKIPPED: usize = 1024;
/// The number of waiting messages above which a subscription that has caught up counts as behind.
const BEHIND: usize = 1024;
/// The interval at which an idle subscription asks the stream's leader for more than its consumer has sent: a consumer on a
/// replica that is cut off from the leader does not notice.
const LOOK: Duration = Duration::from_secs(10);
/// The time for which a server must report a missing stream before the subscription ends: one that has just started may
/// not know all of its streams.
const GONE: Duration = Duration::from_secs(5);

impl Inner {
    /// Follows the events; `lag` is kept at how many messages are stored that it has not come to.
    pub(crate) async fn subscribe(
        self: Arc<Self>,
        options: &SubscribeOptions,
        lag: Arc<AtomicU64>,
    ) -> Result<Subscription, ReadError> {
        let deadline = Instant::now() + self.timeouts.read;
        let after = match options.from {
            SubscribeFrom::After(position) => Some(position),
            SubscribeFrom::Now => {
                let (_, last) = bounds(&self.events, deadline).await?;
                Some(Position::new(last, u32::MAX))
            }
            _ => None,
        };
        let next = match after {
            Some(position) => {
                self.check_not_expired(position).await?;
                position.sequence() + u64::from(position.index() == u32::MAX)
            }
            // Each replica expires by its own clock: what the leader no longer has is not read from another.
            None if self.retention.is_some() => bounds(&self.events, deadline).await?.0,
            None => 1,
        };
        let stream = self.events.stream();
        let filter = match options.filter.pattern() {
            ActorPattern::Category(category) => format!("{stream}.{}.*", ActorId::category_token(category)),
            ActorPattern::Actor(actor) => self.subject(actor),
            _ => all_actors(&self.events),
        };
        let subscriber = Subscriber {
            lag,
            wanted: Wanted { filter, heartbeat: HEARTBEAT, headers_only: false },
            filter: options.filter.clone(),
            next,
            read: after.map(|position| (position, None)),
            told: after,
            untold: None,
            skipped: 0,
            together: CommitAssembler::new(options.filter.pattern().clone()),
            intact: 0,
            phase: Phase::Behind,
            looked: Instant::now(),
            expected: None,
            inner: self,
        };
        Ok(subscriber.deliveries().boxed())
    }
}

/// The progress of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Behind; the end is not known.
    Behind,
    /// Behind this sequence.
    BehindUntil(u64),
    /// Caught up.
    Live,
}

/// The state of a subscription.
struct Subscriber {
    inner: Arc<Inner>,
    lag: Arc<AtomicU64>,
    wanted: Wanted,
    filter: EventFilter,
    /// The sequence from which a new consumer begins: everything below has gone by.
    next: u64,
    /// The position read last, and when what follows it was recorded at the earliest, if that is known.
    read: Option<(Position, Option<OffsetDateTime>)>,
    /// The position up to which the subscription has reported its progress.
    told: Option<Position>,
    /// The position up to which everything has gone by, if it is not reported yet.
    untold: Option<Position>,
    skipped: usize,
    together: CommitAssembler,
    /// Nothing up to this sequence had expired when it came.
    intact: u64,
    phase: Phase,
    /// The time at which the leader was asked last; `expected` is the last sequence that it had.
    looked: Instant,
    expected: Option<u64>,
}

impl Subscriber {
    fn deliveries(mut self) -> impl Stream<Item = Result<Delivery, ReadError>> + Send {
        try_stream! {
            let mut whole: VecDeque<StoredCommit> = VecDeque::new();
            loop {
                let mut consumer = self.connect().await?;
                loop {
                    while let Some(commit) = whole.pop_front() {
                        self.next = commit.sequence + 1;
                        if commit.commit.events.is_empty() {
                            self.pass(Position::new(commit.sequence, 0));
                        }
                        for event in commit.into_events() {
                            if let Some(delivery) = self.look_at(event) {
                                yield delivery;
                            }
                        }
                    }
                    if self.has_caught_up() {
                        if let Some(passed) = self.tell() {
                            yield passed;
                        }
                        self.phase = Phase::Live;
                        // Even if nothing was there: from now on nothing may be missed.
                        self.read.get_or_insert((Position::new(self.next.saturating_sub(1), u32::MAX), None));
                        yield Delivery::CaughtUp;
                    }
                    let waiting = consumer.waiting();
                    if waiting == 0 && let Some(passed) = self.tell() {
                        yield passed;
                    }
                    let mut behind = waiting > BEHIND;
                    match consumer.next(&self.inner.events, None).await? {
                        Sent::Message(message, pending) => {
                            self.lag.store(pending, Ordering::Relaxed);
                            behind |= pending > BEHIND as u64;
                            if message.sequence >= self.next {
                                if message.sequence > self.intact || self.is_expiring() {
                                    let taken = consumer.last_taken();
                                    if !self.is_intact(message.sequence).await? {
                                        break;
                                    }
                                    self.intact = taken;
                                }
                                let commit = StoredCommit::decode_unlinked(message)?;
                                let position = Position::new(commit.sequence, u32::MAX);
                                self.read = Some((position, Some(commit.time)));
                                self.together.add(commit, &mut whole);
                            }
                        }
                        Sent::Passed(sequence) => {
                            self.together.pass(sequence, &mut whole);
                            if whole.is_empty() && self.together.is_empty() && sequence >= self.next {
                                if !self.is_intact(sequence + 1).await? {
                                    break;
                                }
                                self.next = sequence + 1;
                                let since = self.read.and_then(|(_, since)| since);
                                self.read = Some((Position::new(sequence, u32::MAX), since));
                                self.pass(Position::new(sequence, u32::MAX));
                            }
                            if !self.is_at_the_end().await {
                                break;
                            }
                        }
                        Sent::Nothing => {}
                        Sent::Lost => break,
                    }
                    if behind && self.phase == Phase::Live {
                        self.phase = Phase::Behind;
                        yield Delivery::FellBehind;
                        if self.find_end().await.is_err() {
                            break;
                        }
                    }
                }
                self.together.forget();
                // What was held back or taken over is read again, and may have expired by then.
                self.intact = 0;
                let last = whole.back().map_or(self.next.saturating_sub(1), |commit| commit.sequence);
                let last = Position::new(last, u32::MAX);
                if self.read.is_some_and(|(read, _)| read.index() == u32::MAX && read > last) {
                    self.read = Some((last, None));
                }
                if self.phase == Phase::Live {
                    self.phase = Phase::Behind;
                    yield Delivery::FellBehind;
                }
            }
        }
    }

    /// Makes a consumer, and finds out up to where there is something to read. Waits for as long as that takes.
    async fn connect(&mut self) -> Result<Consumer, ReadError> {
        let began = Instant::now();
        let mut backoff = Backoff::endless();
        let mut gone_since = None;
        let mut warned = false;
        loop {
            let error = match self.try_connect().await {
                Ok((consumer, first)) => {
                    // If nothing at all is left then nothing will come whose place would tell.
                    if let Some((read, _)) = self.read {
                        check_not_before(read, first)?;
                    }
                    if warned {
                        let outage = began.elapsed();
                        tracing::info!(
                            stream = self.inner.events.stream(),
                            ?outage,
                            "a subscription goes on"
                        );
                    }
                    return Ok(consumer);
                }
                Err(error) => error,
            };
            if error.is_stream_missing() {
                let since = *gone_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= GONE {
                    let what =
                        format!("stream {}, which does not exist any more", self.inner.events.stream());
                    return Err(ReadError::Corrupt { what, source: Some(error.into()) });
                }
            } else {
                gone_since = None;
                if error.is_final() {
                    return Err(error.into());
                }
            }
            if !warned {
                warned = true;
                let stream = self.inner.events.stream();
                tracing::warn!(stream, %error, "a subscription is cut off; it waits until it can go on");
            }
            backoff.wait().await;
        }
    }

    /// A consumer, and the first sequence that the stream still had after it was made, if events expire.
    async fn try_connect(&mut self) -> Result<(Consumer, u64), CallError> {
        let deadline = Instant::now() + self.inner.timeouts.attempt;
        let events = &self.inner.events;
        open::check_created(events, self.inner.created, deadline).await?;
        let consumer = Consumer::create(events, &self.wanted, self.next, deadline).await?;
        self.find_end().await?;
        (self.looked, self.expected) = (Instant::now(), None);
        Ok((consumer, self.first().await?))
    }

    /// The first sequence that the stream's leader still has, if events expire.
    async fn first(&self) -> Result<u64, CallError> {
        match self.inner.retention {
            None => Ok(0),
            Some(_) => {
                let deadline = Instant::now() + self.inner.timeouts.attempt;
                Ok(bounds(&self.inner.events, deadline).await?.0)
            }
        }
    }

    /// Looks now and then whether an idle consumer has missed something; false if it has, or nobody can say.
    async fn is_at_the_end(&mut self) -> bool {
        if self.looked.elapsed() < LOOK {
            return true;
        }
        self.looked = Instant::now();
        let late = self.expected.is_some_and(|expected| self.next <= expected);
        match self.last().await {
            Ok(last) if !late => self.expected = Some(last),
            _ => return false,
        }
        // What has expired before it was sent does not come any more, and there may be nothing else.
        matches!(self.first().await, Ok(first) if first <= self.next)
    }

    /// Finds out up to where there is something to read, if that is not known.
    async fn find_end(&mut self) -> Result<(), CallError> {
        let end = self.last().await?;
        if self.phase != Phase::Live {
            self.phase = Phase::BehindUntil(end);
        }
        Ok(())
    }

    /// The sequence of the last message of any actor, through the stream's leader.
    async fn last(&self) -> Result<u64, CallError> {
        let events = &self.inner.events;
        let deadline = Instant::now() + self.inner.timeouts.attempt;
        let last = events.last(&all_actors(events), deadline).await?;
        Ok(last.map_or(0, |last| last.sequence))
    }

    fn has_caught_up(&self) -> bool {
        matches!(self.phase, Phase::BehindUntil(end) if self.next > end) && self.together.is_empty()
    }

    /// Checks that nothing has expired between the position read last and the sequence that comes next: an error if something
    /// has, false if that cannot be determined now, so that it has to be read again.
    async fn is_intact(&mut self, next: u64) -> Result<bool, ReadError> {
        let Some(read) = self.read else { return Ok(true) };
        match self.inner.check_gap(&self.wanted.filter, read, next).await {
            Err(ReadError::Unavailable(error)) => {
                tracing::debug!(%error, "whether events have expired is not known; they are read again");
                Ok(false)
            }
            checked => {
                self.read = Some((read.0, checked?));
                Ok(true)
            }
        }
    }

    /// Returns whether events after the position read last may be expiring just now.
    fn is_expiring(&self) -> bool {
        self.read.is_some_and(|(_, since)| self.inner.is_expiring(since))
    }

    fn look_at(&mut self, event: RecordedEvent) -> Option<Delivery> {
        if self.told.is_some_and(|told| event.position <= told) {
            return None;
        }
        if self.filter.matches(&event) {
            (self.told, self.untold, self.skipped) = (Some(event.position), None, 0);
            return Some(Delivery::Event(event));
        }
        self.pass(event.position);
        self.skipped += 1;
        if self.skipped < SKIPPED { None } else { self.tell() }
    }

    /// Everything up to this position has gone by.
    fn pass(&mut self, position: Position) {
        if self.told.is_none_or(|told| position > told) {
            self.untold = Some(position);
        }
    }

    /// Says up to where everything has gone by, if that was not said.
    fn tell(&mut self) -> Option<Delivery> {
        let position = self.untold.take()?;
        (self.told, self.skipped) = (Some(position), 0);
        Some(Delivery::Passed(position))
    }
}
