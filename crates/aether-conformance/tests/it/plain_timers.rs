//! [`PlainTimers`]: timers so simple that they can be seen to keep the contract. One lock, one list, looked at every few
//! milliseconds; and the [`Clockwork`] that a mutant puts a fault in.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aether_core::{DueTimer, DueTimers, Handed, Source, Timer, TimerError, TimerId, Timers, Unsupported};
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use time::OffsetDateTime;

/// How often a listener looks.
const LOOK: Duration = Duration::from_millis(5);
/// The largest payload, in bytes.
const MAX_PAYLOAD: usize = 1024 * 1024;

/// What timers do. Each part is there to be replaced by one with a fault.
#[derive(Clone, Copy)]
pub(crate) struct Clockwork {
    pub(crate) set: fn(&PlainTimers, &Timer) -> Result<(), TimerError>,
    pub(crate) cancel: fn(&PlainTimers, &TimerId) -> Result<(), TimerError>,
    pub(crate) due: fn(&PlainTimers, &mut Ear) -> Option<Taken>,
    pub(crate) done: fn(&PlainTimers, &Taken),
    pub(crate) again: fn(&PlainTimers, &Taken, Duration),
    pub(crate) dropped: fn(&PlainTimers, &Taken),
    /// A listener leaves.
    pub(crate) leave: fn(&PlainTimers, u64),
    /// A handle is dropped.
    pub(crate) close: fn(&PlainTimers),
    pub(crate) restart: fn(&PlainTimers),
    /// What is said where there are no timers.
    pub(crate) refuses: fn() -> Source,
}

impl Clockwork {
    /// Keeps the contract.
    pub(crate) const RIGHT: Self = Self {
        set: PlainTimers::set,
        cancel: PlainTimers::cancel,
        due: |timers, ear| {
            if timers.is_cut() { None } else { timers.take(ear, |entry, now| entry.from <= now) }
        },
        done: PlainTimers::forget,
        again: |timers, taken, after| timers.give_back(taken, OffsetDateTime::now_utc() + after),
        dropped: |timers, taken| timers.give_back(taken, OffsetDateTime::now_utc()),
        leave: |_, _| {},
        close: |_| {},
        restart: |timers| timers.state().restarts += 1,
        refuses: || Unsupported::new("timers", "another store").into(),
    };
}

/// A handle on a set of timers.
#[derive(Clone, Default)]
pub(crate) struct PlainTimers {
    state: Arc<Mutex<State>>,
    is_cut: Arc<AtomicBool>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) entries: Vec<Entry>,
    pub(crate) acknowledged: Vec<Timer>,
    pub(crate) restarts: usize,
    pub(crate) lost: usize,
    last: u64,
}

pub(crate) struct Entry {
    pub(crate) timer: Timer,
    pub(crate) set_at: OffsetDateTime,
    /// From when on it is handed out.
    pub(crate) from: OffsetDateTime,
    pub(crate) attempts: u64,
    /// By which number it is handed out, and to whom.
    pub(crate) out: Option<(u64, u64)>,
}

/// A listener.
pub(crate) struct Ear {
    pub(crate) id: u64,
    pub(crate) since: OffsetDateTime,
    pub(crate) heard: Vec<Timer>,
}

/// A timer that is handed out.
#[derive(Clone)]
pub(crate) struct Taken {
    pub(crate) timer: Timer,
    pub(crate) attempt: u64,
    pub(crate) number: u64,
}

impl PlainTimers {
    /// Another handle on the same timers.
    pub(crate) fn another(&self) -> Self {
        Self { state: self.state.clone(), is_cut: Arc::default() }
    }

    pub(crate) fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::SeqCst);
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::SeqCst)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn set(&self, timer: &Timer) -> Result<(), TimerError> {
        let (size, limit) = (timer.payload.len(), MAX_PAYLOAD);
        if size > limit {
            return Err(TimerError::TooLarge { size, limit });
        }
        if !self.state().entries.iter().any(|entry| entry.timer == *timer) {
            self.state().entries.retain(|entry| entry.timer.id != timer.id);
            self.add(timer);
        }
        Ok(())
    }

    /// Sets a timer beside whatever there is.
    pub(crate) fn add(&self, timer: &Timer) {
        let (set_at, from) = (OffsetDateTime::now_utc(), timer.at);
        let entry = Entry { timer: timer.clone(), set_at, from, attempts: 0, out: None };
        self.state().entries.push(entry);
    }

    pub(crate) fn cancel(&self, id: &TimerId) -> Result<(), TimerError> {
        self.state().entries.retain(|entry| entry.timer.id != *id);
        Ok(())
    }

    /// Takes a timer that is not handed out and is as wanted.
    pub(crate) fn take(&self, ear: &Ear, wanted: impl Fn(&Entry, OffsetDateTime) -> bool) -> Option<Taken> {
        let now = OffsetDateTime::now_utc();
        let mut state = self.state();
        state.last += 1;
        let number = state.last;
        let entry = state.entries.iter_mut().find(|entry| entry.out.is_none() && wanted(entry, now))?;
        entry.attempts += 1;
        entry.out = Some((number, ear.id));
        Some(Taken { timer: entry.timer.clone(), attempt: entry.attempts, number })
    }

    pub(crate) fn forget(&self, taken: &Taken) {
        let mut state = self.state();
        let before = state.entries.len();
        state.entries.retain(|entry| entry.out.is_none_or(|(number, _)| number != taken.number));
        if state.entries.len() < before {
            state.acknowledged.push(taken.timer.clone());
        }
    }

    pub(crate) fn give_back(&self, taken: &Taken, from: OffsetDateTime) {
        for entry in &mut self.state().entries {
            if entry.out.is_some_and(|(number, _)| number == taken.number) {
                (entry.from, entry.out) = (from, None);
            }
        }
    }
}

/// Plain timers, run by a clockwork.
pub(crate) struct FaultyTimers {
    pub(crate) plain: PlainTimers,
    pub(crate) work: Clockwork,
}

impl fmt::Debug for FaultyTimers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyTimers").finish_non_exhaustive()
    }
}

impl Drop for FaultyTimers {
    fn drop(&mut self) {
        (self.work.close)(&self.plain);
    }
}

#[async_trait]
impl Timers for FaultyTimers {
    async fn set(&self, timer: &Timer) -> Result<(), TimerError> {
        (self.work.set)(&self.plain, timer)
    }

    async fn cancel(&self, timer: &TimerId) -> Result<(), TimerError> {
        (self.work.cancel)(&self.plain, timer)
    }

    async fn due(&self) -> Result<DueTimers, TimerError> {
        let mut state = self.plain.state();
        state.last += 1;
        let ear = Ear { id: state.last, since: OffsetDateTime::now_utc(), heard: Vec::new() };
        let listening = Listening { plain: self.plain.clone(), work: self.work, ear };
        Ok(stream::unfold(listening, Listening::next).boxed())
    }
}

struct Listening {
    plain: PlainTimers,
    work: Clockwork,
    ear: Ear,
}

impl Listening {
    async fn next(mut self) -> Option<(Result<DueTimer, TimerError>, Self)> {
        loop {
            if let Some(taken) = (self.work.due)(&self.plain, &mut self.ear) {
                let (timer, attempt) = (taken.timer.clone(), taken.attempt);
                let out = Out { plain: self.plain.clone(), work: self.work, taken, is_over: false };
                return Some((Ok(DueTimer::new(timer, attempt, out)), self));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        (self.work.leave)(&self.plain, self.ear.id);
    }
}

struct Out {
    plain: PlainTimers,
    work: Clockwork,
    taken: Taken,
    is_over: bool,
}

#[async_trait]
impl Handed for Out {
    async fn done(mut self: Box<Self>) -> Result<(), TimerError> {
        self.is_over = true;
        (self.work.done)(&self.plain, &self.taken);
        Ok(())
    }

    async fn again(mut self: Box<Self>, after: Duration) -> Result<(), TimerError> {
        self.is_over = true;
        (self.work.again)(&self.plain, &self.taken, after);
        Ok(())
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        if !self.is_over {
            (self.work.dropped)(&self.plain, &self.taken);
        }
    }
}
