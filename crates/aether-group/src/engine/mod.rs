//! [`Engine`]: everything that a member decides. Pure: what happens and the time go in, [`Action`]s come out.

mod checkpoints;
mod claims;
mod letters;
mod report;
mod seat;
#[cfg(test)]
mod simulation;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use aether_coordination::{Condition, Liveness, Pulse, Revision, Sound};
use aether_core::{ActorId, Clock, Position, ReadError, RecordedEvent, SubscribeFrom, Version};
use bytes::Bytes;

use self::checkpoints::Reading;
use self::report::Counts;
use self::seat::{Hold, Seat};
use crate::builder::Options;
use crate::record::{Message, Record, Settings};
use crate::window::{Failure, Limits, RunId, Window};
use crate::{Batch, Claim, Epoch, GroupError, Letter, MemberId, Partition};

pub(crate) use self::claims::Everything;

/// What the driver is to do. Each but the first four and the last two is answered by the input that it names.
#[derive(Debug)]
pub(crate) enum Action {
    /// Tell everybody.
    Send(Message),
    /// Begin to read after this place, instead of where it was read before.
    Read(SubscribeFrom),
    /// Do not read.
    StopReading,
    /// Keep this letter, then answer the request that led to it.
    Conclude { letter: Option<Letter>, request: Option<(ActorId, Version, Revision, Answer)> },
    /// Write the partition's record: [`Engine::put`].
    Put { partition: Partition, value: Bytes, condition: Condition },
    /// Read the partition's record: [`Engine::looked`].
    Look(Partition),
    /// Read all records and requests: [`Engine::looked_at_all`].
    LookAtAll,
    /// Tell the handler, which has failed to take note of it so many times: [`Engine::opened`].
    Gained(Claim, u32),
    /// Tell the handler: [`Engine::closed`].
    Lost(Claim),
    /// Have it handled: [`Engine::ran`].
    Handle(RunId, Arc<Batch>),
    /// Read what waits of a parked actor, up to a position: [`Engine::fetched`].
    Fetch { claim: (Partition, Epoch), actor: ActorId, from: Version, cut: Option<Position> },
    /// Keep this letter: [`Engine::letter_kept`].
    KeepLetter { claim: (Partition, Epoch), letter: Letter },
    /// The member is at rest.
    Stopped,
    /// The member cannot go on.
    Fail(GroupError),
}

/// How a request ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is done.
    Done,
    /// It cannot be done, for this reason.
    Refused(String),
}

/// Events that waited for a parked actor; whether there may be more.
pub(crate) type Fetched = (Vec<RecordedEvent>, bool);

/// A record as it was read, or written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    pub(crate) record: Record,
    pub(crate) revision: Revision,
}

#[derive(Debug)]
pub(crate) struct Engine {
    group: Arc<str>,
    me: MemberId,
    options: Options,
    settings: Settings,
    clock: Arc<dyn Clock>,
    random: fastrand::Rng,
    liveness: Liveness,
    window: Window,
    seats: Vec<Seat>,
    reading: Reading,
    counts: Counts,
    actions: VecDeque<Action>,
    /// When the member had first heard itself.
    connected_since: Option<Duration>,
    cut_off: bool,
    /// The records have to be read before anything else is done.
    rereading: bool,
    look_at: Duration,
    looking: bool,
    /// Record writes in flight.
    puts: usize,
    next_checkpoint: Duration,
    /// Positions that somebody waits for, and until when.
    flushes: Vec<(Position, Duration)>,
    waited_for: Option<Position>,
    stopping: bool,
    stopped: bool,
    /// Something has happened that more than handling depends on.
    attention: bool,
    due: Duration,
}

impl Engine {
    pub(crate) fn new(me: MemberId, options: Options, settings: Settings, seed: u64) -> Self {
        let limits = Limits {
            partitions: settings.partitions,
            order: options.order,
            capacity: options.window,
            max_batch: options.max_batch,
            concurrency: options.concurrency,
            retry: options.retry,
        };
        Self {
            group: options.group.clone(),
            liveness: Liveness::new(me.incarnation, options.pulse_every, options.suspect_after),
            window: Window::new(options.group.clone(), limits),
            seats: Partition::all(settings.partitions).map(Seat::new).collect(),
            clock: options.clock.clone(),
            me,
            options,
            settings,
            random: fastrand::Rng::with_seed(seed),
            reading: Reading::default(),
            counts: Counts::default(),
            actions: VecDeque::new(),
            connected_since: None,
            cut_off: true,
            rereading: true,
            look_at: Duration::ZERO,
            looking: false,
            puts: 0,
            next_checkpoint: Duration::ZERO,
            flushes: Vec::new(),
            waited_for: None,
            stopping: false,
            stopped: false,
            attention: true,
            due: Duration::ZERO,
        }
    }

    /// What is to be done next.
    pub(crate) fn action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Looks after everything that is due. To be called after other inputs, and at [`wake`](Self::wake).
    pub(crate) fn turn(&mut self, now: Duration) {
        if self.attention || now >= self.due {
            self.attention = false;
            self.keep_house(now);
            self.due = self.next_due(now);
        }
        if self.may_begin(now) {
            while let Some((id, batch)) = self.window.next(now) {
                self.actions.push_back(Action::Handle(id, batch));
            }
        }
    }

    /// When [`turn`](Self::turn) is to be called, if nothing else happens.
    pub(crate) fn wake(&self) -> Duration {
        self.window.wake().map_or(self.due, |wake| wake.min(self.due))
    }

    /// Somebody was heard.
    pub(crate) fn heard(&mut self, message: Message, now: Duration) {
        match message {
            Message::Pulse { member, count, hello } => {
                let sound = self.liveness.hear(member.incarnation, Pulse { count, hello }, now);
                self.attention |= sound != Sound::Known || hello;
            }
            Message::Goodbye { member } => {
                self.liveness.goodbye(member.incarnation, now);
                self.attention = true;
            }
            Message::Flush { position } => {
                // Whoever waits says so again; that there are many is not worth more than a late checkpoint.
                self.flushes.retain(|(other, until)| *other != position && *until > now);
                self.flushes.truncate(63);
                self.flushes.push((position, now + self.options.pulse_every * 4));
                self.attention = true;
            }
        }
    }

    /// Returns whether another event can be taken in.
    pub(crate) fn has_room(&self) -> bool {
        self.window.has_room()
    }

    /// An event was read.
    pub(crate) fn read(&mut self, event: RecordedEvent, now: Duration) {
        self.reading.seen(event.recorded_at);
        self.window.push(event, now);
        self.attention |= !self.flushes.is_empty();
    }

    /// Everything up to a position was read.
    pub(crate) fn passed(&mut self, position: Position) {
        self.window.pass(position);
        self.attention |= !self.flushes.is_empty();
    }

    /// Returns whether the reader has come to what is saved now.
    pub(crate) fn caught_up(&mut self, caught_up: bool) {
        self.reading.caught_up = caught_up;
    }

    /// Reading has ended.
    pub(crate) fn reading_ended(&mut self, error: Option<ReadError>, now: Duration) {
        match error {
            Some(error) if !error.is_retryable() => self.actions.push_back(Action::Fail(error.into())),
            _ => {
                tracing::warn!(group = %self.group, error = ?error, "reading has ended, and begins again");
                self.reading.again(now + Duration::from_millis(500));
                self.attention = true;
            }
        }
    }

    /// A batch has been handled, or has failed.
    pub(crate) fn ran(
        &mut self,
        id: RunId,
        partition: Partition,
        result: Result<(), Failure>,
        now: Duration,
    ) {
        if let Err(failure) = &result {
            tracing::debug!(group = %self.group, %partition, error = failure.error, "a batch has failed");
        }
        let finished = self.window.finish(id, result, now, self.random.f64());
        self.counts.handled += finished.done as u64;
        self.counts.retried += u64::from(finished.retried);
        if let Some(seat) = self.seats.get_mut(usize::from(partition.get())) {
            seat.worked |= finished.done > 0;
            self.attention |= seat.leaving.is_some() || !self.flushes.is_empty();
        }
        // A partition that was halted and goes on has to be read again.
        self.attention |= finished.done > 0 && self.window.needs_rewind();
        if let Some(park) = finished.park {
            self.park(partition, park, now);
        }
        if let Some(actor) = finished.resumed {
            self.resumed_all(partition, &actor, now);
        }
    }

    /// Begins to leave: nothing more is begun, everything is released.
    pub(crate) fn stop(&mut self) {
        self.stopping = true;
        self.attention = true;
    }

    fn may_begin(&self, now: Duration) -> bool {
        !self.stopping && !self.rereading && self.liveness.is_connected(now)
    }

    fn keep_house(&mut self, now: Duration) {
        self.look_around(now);
        self.claim_and_release(now);
        self.leave_seats(now);
        self.go_on_with_letters(now);
        self.write_records(now);
        self.restart_reading(now);
        if self.stopping && !self.stopped && self.puts == 0 && self.seats.iter().all(Seat::is_empty) {
            self.stopped = true;
            self.actions.push_back(Action::Send(Message::Goodbye { member: self.me.clone() }));
            self.actions.push_back(Action::Stopped);
        }
    }

    /// Lets itself be heard, notices whether it is cut off, and looks at the records from time to time.
    fn look_around(&mut self, now: Duration) {
        if let Some(Pulse { count, hello }) = self.liveness.pulse(now) {
            self.actions.push_back(Action::Send(Message::Pulse { member: self.me.clone(), count, hello }));
            if let Some(position) = self.waited_for {
                self.actions.push_back(Action::Send(Message::Flush { position }));
            }
        }
        let connected = self.liveness.is_connected(now);
        if connected && self.cut_off {
            self.connected_since.get_or_insert(now);
            self.liveness.reconnect(now);
            self.rereading = true;
            self.look_at = now;
        } else if !connected && !self.cut_off {
            tracing::warn!(group = %self.group, member = %self.me, "cut off: nothing is begun until the member hears itself");
        }
        self.cut_off = !connected;
        if now >= self.look_at && !self.looking && connected {
            self.looking = true;
            // Not all members at the same moments.
            self.look_at = now + Duration::from_secs(2).mul_f64(0.8 + 0.4 * self.random.f64());
            self.actions.push_back(Action::LookAtAll);
        }
    }

    /// When there is something to look after, but for lanes that are to be tried again.
    fn next_due(&self, now: Duration) -> Duration {
        let mut due = self.liveness.next_pulse().min(self.look_at.max(now + Duration::from_millis(10)));
        due = due.min(self.next_checkpoint.max(now + Duration::from_millis(1)));
        for seat in &self.seats {
            for at in [seat.retry_put_at(), seat.retry_letter_at()].into_iter().flatten() {
                due = due.min(at);
            }
        }
        if let Some(at) = self.reading.due() {
            due = due.min(at);
        }
        if let Some(at) = self.settles_at().filter(|at| *at > now) {
            due = due.min(at);
        }
        due
    }

    fn seat(&mut self, partition: Partition) -> Option<&mut Seat> {
        self.seats.get_mut(usize::from(partition.get()))
    }

    fn has_seats(&self) -> bool {
        self.seats.iter().any(|seat| seat.hold == Hold::Held)
    }
}
