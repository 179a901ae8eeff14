//! [`ActorMetrics`]: what the actors of one category count.

use std::time::Instant;

use metrics::{Counter, Histogram};

use super::gauge::{Share, Together};
use super::recorder::{Labels, PerRecorder, Registry, Timer, count};
use super::table;

/// The metrics of the actors of one category in one system.
///
/// Commands are timed by the [`Timer`] that each got when it was put to its actor; those that came before there was a
/// recorder are not counted. Without a recorder nothing asks the clock, and nobody asks for the recorder but
/// [`Timer::start`].
#[derive(Debug)]
pub struct ActorMetrics {
    labels: Labels,
    counters: PerRecorder<Counters>,
    live: Share,
    waiting: Share,
    unreadable: Share,
}

#[derive(Debug)]
struct Counters {
    activations: Counter,
    activation_duration: Histogram,
    done: Counter,
    refused: Counter,
    recalled: Counter,
    ask_duration: Histogram,
    ask_timeouts: Counter,
    mailbox_wait: Histogram,
    turn_commands: Histogram,
    decide_duration: Histogram,
    conflicts: Counter,
    save_retries: Counter,
    panics: Counter,
}

/// The outcome of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// Executed.
    Done,
    /// The actor has refused it.
    Refused,
    /// Executed before.
    Recalled,
}

impl Answered {
    /// One word for it: the value of the label `outcome`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Recalled => "recalled",
        }
    }
}

impl ActorMetrics {
    /// Of the actors of this category.
    #[must_use]
    pub fn new(namespace: Option<&str>, category: &str) -> Self {
        let labels = Labels::new(namespace, category);
        Self {
            live: Share::new(&table::ACTORS_LIVE, &labels, Together::Sum),
            waiting: Share::new(&table::ACTOR_ACTIVATIONS_WAITING, &labels, Together::Sum),
            unreadable: Share::new(&table::ACTORS_UNREADABLE, &labels, Together::Sum),
            counters: PerRecorder::new(),
            labels,
        }
    }

    fn counters(&self) -> Option<&Counters> {
        self.counters.get(|registry| self.register(registry))
    }

    fn register(&self, registry: &Registry<'_>) -> Counters {
        let counter = |metric| registry.counter(metric, &self.labels);
        let histogram = |metric| registry.histogram(metric, &self.labels);
        let commands = |answered: Answered| {
            registry.counter(&table::ACTOR_COMMANDS, &self.labels.and(answered.as_str()))
        };
        Counters {
            activations: counter(&table::ACTOR_ACTIVATIONS),
            activation_duration: histogram(&table::ACTOR_ACTIVATION_DURATION),
            done: commands(Answered::Done),
            refused: commands(Answered::Refused),
            recalled: commands(Answered::Recalled),
            ask_duration: histogram(&table::ACTOR_ASK_DURATION),
            ask_timeouts: counter(&table::ACTOR_ASK_TIMEOUTS),
            mailbox_wait: histogram(&table::ACTOR_MAILBOX_WAIT),
            turn_commands: histogram(&table::ACTOR_TURN_COMMANDS),
            decide_duration: histogram(&table::ACTOR_DECIDE_DURATION),
            conflicts: counter(&table::ACTOR_CONFLICTS),
            save_retries: counter(&table::ACTOR_SAVE_RETRIES),
            panics: counter(&table::ACTOR_PANICS),
        }
    }

    /// An actor was loaded, which began with the timer.
    pub fn activated(&self, timer: Timer) {
        self.live.change(1);
        if let Some(counters) = self.counters() {
            counters.activations.increment(1);
            timer.stop(&counters.activation_duration);
        }
    }

    /// One more actor waits to be loaded, or one less.
    pub fn waits(&self, waits: bool) {
        self.waiting.change(if waits { 1 } else { -1 });
    }

    /// An actor has left memory, for this reason: `idle`, `memory`, `reloaded`, `evicted` or `failed`.
    pub fn passivated(&self, reason: &'static str) {
        self.live.change(-1);
        count(&table::ACTOR_PASSIVATIONS, &self.labels, reason);
    }

    /// So many actors are parked, since their history cannot be replayed.
    pub fn unreadable(&self, actors: usize) {
        self.unreadable.set(actors as u64);
    }

    /// Commands with these timers were taken out of a mailbox at once.
    pub fn taken(&self, timers: impl Iterator<Item = Timer>) {
        let mut began = timers.filter_map(Timer::began).peekable();
        if began.peek().is_none() {
            return;
        }
        let Some(counters) = self.counters() else { return };
        let (now, mut commands) = (Instant::now(), 0_u32);
        for began in began {
            counters.mailbox_wait.record((now - began).as_secs_f64());
            commands += 1;
        }
        counters.turn_commands.record(commands);
    }

    /// Commands that were taken at once have been decided, which began with the timer.
    pub fn decided(&self, timer: Timer) {
        if timer.is_running()
            && let Some(counters) = self.counters()
        {
            timer.stop(&counters.decide_duration);
        }
    }

    /// Commands with these timers are being answered so.
    pub fn answered(&self, answers: impl Iterator<Item = (Timer, Answered)>) {
        let mut answers = answers.filter_map(|(timer, answered)| Some((timer.began()?, answered))).peekable();
        if answers.peek().is_none() {
            return;
        }
        let Some(counters) = self.counters() else { return };
        let now = Instant::now();
        for (began, answered) in answers {
            counters.ask_duration.record((now - began).as_secs_f64());
            match answered {
                Answered::Done => &counters.done,
                Answered::Refused => &counters.refused,
                Answered::Recalled => &counters.recalled,
            }
            .increment(1);
        }
    }

    /// A command with this timer has ended without an answer, for this reason: a word as in the table.
    pub fn failed(&self, timer: Timer, outcome: &'static str) {
        if timer.is_running()
            && let Some(counters) = self.counters()
        {
            timer.stop(&counters.ask_duration);
            count(&table::ACTOR_COMMANDS, &self.labels, outcome);
        }
    }

    /// An asker has not got its answer within the deadline.
    pub fn timed_out(&self) {
        if let Some(counters) = self.counters() {
            counters.ask_timeouts.increment(1);
        }
    }

    /// Commands are decided again, since somebody else has changed the actor.
    pub fn conflicted(&self) {
        if let Some(counters) = self.counters() {
            counters.conflicts.increment(1);
        }
    }

    /// A decision is saved again, since the store could not say whether it stands.
    pub fn save_retried(&self) {
        if let Some(counters) = self.counters() {
            counters.save_retries.increment(1);
        }
    }

    /// The code of an actor has panicked so often.
    pub fn panicked(&self, times: u32) {
        if let Some(counters) = self.counters() {
            counters.panics.increment(u64::from(times));
        }
    }

    /// A snapshot was saved, or could not be.
    pub fn snapshot(&self, saved: bool) {
        count(&table::ACTOR_SNAPSHOTS, &self.labels, if saved { "saved" } else { "failed" });
    }
}
