//! [`Alarm`] and [`Listener`]: timers whose failures fail the rule.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aether_core::{ActorId, DueTimer, DueTimers, Timer, TimerId, Timers};
use bytes::Bytes;
use futures_util::StreamExt;
use time::OffsetDateTime;

use super::{OrFail, actor};
use crate::store::{Capability, Fixture, Storage, StorageOptions};

/// How long after another timer one has to be due to come after it, however late the store tells of them.
const WELL_AFTER: Duration = Duration::from_secs(1);

/// A fresh storage, and its timers through one handle.
pub(crate) struct Alarm {
    storage: Box<dyn Storage>,
    timers: Arc<dyn Timers>,
    second_handles: bool,
    patience: Duration,
    again: Duration,
}

impl Alarm {
    pub(crate) async fn open(fixture: &dyn Fixture) -> Self {
        Self::open_with(fixture, StorageOptions::default()).await
    }

    /// On a storage that can be cut off and restarted.
    pub(crate) async fn open_for_outages(fixture: &dyn Fixture) -> Self {
        Self::open_with(fixture, StorageOptions { outages: true, ..StorageOptions::default() }).await
    }

    async fn open_with(fixture: &dyn Fixture, options: StorageOptions) -> Self {
        let storage = fixture.storage(options).await.or_fail("opening a fresh storage");
        let timers = storage.open_timers().await.or_fail("opening the timers");
        let second_handles = fixture.declines(Capability::SecondHandles).is_none();
        let (patience, again) = (fixture.patience(), fixture.comes_again_after());
        Self { storage, timers, second_handles, patience, again }
    }

    pub(crate) fn storage(&self) -> &dyn Storage {
        &*self.storage
    }

    /// The timers through the first handle.
    pub(crate) fn timers(&self) -> Arc<dyn Timers> {
        self.timers.clone()
    }

    /// The timers through another handle, or the first one where there are no others.
    pub(crate) async fn another(&self) -> Arc<dyn Timers> {
        match self.second_handles {
            true => self.storage.open_timers().await.or_fail("opening the timers once more"),
            false => self.timers(),
        }
    }

    /// Closes the first handle, and opens the storage again after a while.
    pub(crate) async fn closed_for(self, pause: Duration) -> Self {
        let Self { storage, timers, second_handles, patience, again } = self;
        drop(timers);
        tokio::time::sleep(pause).await;
        let timers = storage.open_timers().await.or_fail("opening the timers again");
        Self { storage, timers, second_handles, patience, again }
    }

    pub(crate) async fn set(&self, timer: &Timer) {
        self.timers.set(timer).await.or_fail(format_args!("setting {}", timer.id));
    }

    pub(crate) async fn cancel(&self, timer: &TimerId) {
        self.timers.cancel(timer).await.or_fail(format_args!("cancelling {timer}"));
    }

    pub(crate) async fn listen(&self) -> Listener {
        self.listen_to(&self.timers).await
    }

    pub(crate) async fn listen_to(&self, timers: &Arc<dyn Timers>) -> Listener {
        let due = timers.due().await.or_fail("listening for timers");
        Listener::new(due, self.patience)
    }

    /// After how long a timer that was handed out and not acknowledged has certainly come again.
    pub(crate) fn again(&self) -> Duration {
        self.again + WELL_AFTER
    }

    /// Waits until everything that is due at `at` has certainly come; acknowledges what came, and gives it in the order of
    /// ids.
    pub(crate) async fn until_well_after(&self, listener: &mut Listener, at: OffsetDateTime) -> Vec<Timer> {
        let mark = timer("mark", "mark", at.max(OffsetDateTime::now_utc()) + WELL_AFTER);
        self.set(&mark).await;
        let mut came = Vec::new();
        loop {
            match listener.take().await {
                last if last == mark => return sorted(came),
                timer => came.push(timer),
            }
        }
    }
}

/// Somebody who listens.
pub(crate) struct Listener {
    due: DueTimers,
    patience: Duration,
}

impl Listener {
    pub(crate) fn new(due: DueTimers, patience: Duration) -> Self {
        Self { due, patience }
    }

    /// The next timer; none within the fixture's patience, or before its time, fails the rule.
    pub(crate) async fn next(&mut self) -> DueTimer {
        match self.next_within(self.patience).await {
            Some(due) => due,
            None => panic!("no timer came within {:?}", self.patience),
        }
    }

    /// The next timer, if one comes by then.
    pub(crate) async fn next_within(&mut self, wait: Duration) -> Option<DueTimer> {
        let next = tokio::time::timeout(wait, self.due.next()).await.ok()?;
        let due = next.or_fail("listening for timers, which has no end").or_fail("listening for timers");
        let (now, timer) = (OffsetDateTime::now_utc(), due.timer());
        assert!(now >= timer.at, "{} came {} before its time", timer.id, timer.at - now);
        Some(due)
    }

    /// The next timer, acknowledged.
    pub(crate) async fn take(&mut self) -> Timer {
        let due = self.next().await;
        let timer = due.timer().clone();
        due.done().await.or_fail(format_args!("acknowledging {}", timer.id));
        timer
    }

    /// Takes timers until so many different ones have come; says how often each did.
    pub(crate) async fn take_all(&mut self, timers: usize) -> BTreeMap<TimerId, usize> {
        let mut came = BTreeMap::new();
        while came.len() < timers {
            *came.entry(self.take().await.id).or_default() += 1;
        }
        came
    }
}

/// The id of a timer.
#[track_caller]
pub(crate) fn timer_id(of: &ActorId, name: &str) -> TimerId {
    TimerId::new(of, name).or_fail(format_args!("making the timer id {name:?} of {of}"))
}

/// A timer whose payload says who it is.
#[track_caller]
pub(crate) fn timer(of: &str, name: &str, at: OffsetDateTime) -> Timer {
    let payload = Bytes::from(format!("{name:?} of {of:?} at {at}"));
    Timer::new(timer_id(&actor(of), name), at, payload).or_fail(format_args!("making the timer {name:?}"))
}

/// Timers in the order of their ids.
pub(crate) fn sorted(mut timers: Vec<Timer>) -> Vec<Timer> {
    timers.sort_by(|a, b| (&a.id, a.at).cmp(&(&b.id, b.at)));
    timers
}

/// The time in so many milliseconds.
pub(crate) fn after_ms(milliseconds: u64) -> OffsetDateTime {
    OffsetDateTime::now_utc() + Duration::from_millis(milliseconds)
}
