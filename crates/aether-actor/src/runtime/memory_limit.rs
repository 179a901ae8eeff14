//! [`Residents`]: the actors in memory, of all kinds, and who has to leave.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Weak;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use aether_telemetry::metrics::ActorMetrics;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// How much may be in memory, over all kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct MemoryLimit {
    /// How many actors; `None`: any number.
    pub actors: Option<usize>,
    /// How many bytes of states, as [`Actor::memory`](crate::Actor::memory) counts them; `None`: any number.
    pub bytes: Option<usize>,
}

impl MemoryLimit {
    /// So many actors.
    #[must_use]
    pub fn actors(actors: usize) -> Self {
        Self { actors: Some(actors), bytes: None }
    }

    /// So many bytes of states.
    #[must_use]
    pub fn bytes(bytes: usize) -> Self {
        Self { actors: None, bytes: Some(bytes) }
    }

    fn is_exceeded(&self, actors: usize, bytes: usize) -> bool {
        self.actors.is_some_and(|limit| actors > limit) || self.bytes.is_some_and(|limit| bytes > limit)
    }
}

/// An actor in memory, as the limit sees it.
pub(crate) trait Resident: Send + Sync {
    /// The tick at which it was last used.
    fn used(&self) -> u64;

    /// Whether it is still in memory.
    fn is_resident(&self) -> bool;

    /// Asks it to leave, for this reason; whether it does. One that is at work does not.
    fn leave(&self, reason: &'static str) -> bool;

    /// After how long without use it leaves; `None`: never.
    fn idle(&self) -> Option<Duration>;
}

/// The actors in memory.
///
/// A tick is the number of actors that have moved in; each use of an actor notes the tick of the moment. So the order of
/// ticks is the order of use, as far as moving out has to know it, and nothing is counted on the way of a command.
pub(crate) struct Residents {
    limit: MemoryLimit,
    /// Places for those that are being loaded.
    entrance: Semaphore,
    tick: AtomicU64,
    actors: AtomicUsize,
    bytes: AtomicUsize,
    /// Those who are still there, and about to leave: how many, and their bytes.
    leaving: AtomicUsize,
    leaving_bytes: AtomicUsize,
    /// By the tick at which each was used when it was last looked at, which may be too low.
    by_use: Mutex<BinaryHeap<Reverse<Entry>>>,
    /// Which tick it was when, for the last while.
    times: Mutex<Vec<(Instant, u64)>>,
}

/// An actor that waits to be loaded, for the metrics.
struct Waiting<'a>(&'a ActorMetrics);

impl<'a> Waiting<'a> {
    fn new(metrics: &'a ActorMetrics) -> Self {
        metrics.waits(true);
        Self(metrics)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waits(false);
    }
}

struct Entry {
    used: u64,
    resident: Weak<dyn Resident>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.used == other.used
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.used.cmp(&other.used)
    }
}

impl std::fmt::Debug for Residents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Residents")
            .field("limit", &self.limit)
            .field("actors", &self.actors)
            .finish_non_exhaustive()
    }
}

impl Residents {
    /// Up to a limit, of which so many may be loaded at the same time.
    pub(crate) fn new(limit: MemoryLimit, at_once: usize) -> Self {
        Self {
            limit,
            entrance: Semaphore::new(at_once.min(Semaphore::MAX_PERMITS)),
            tick: AtomicU64::new(1),
            actors: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            leaving: AtomicUsize::new(0),
            leaving_bytes: AtomicUsize::new(0),
            by_use: Mutex::new(BinaryHeap::new()),
            times: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn tick(&self) -> u64 {
        self.tick.load(Ordering::Relaxed)
    }

    /// Waits until it is an actor's turn to be loaded, which it holds until it is.
    pub(crate) async fn admit(&self, metrics: &ActorMetrics) -> Option<SemaphorePermit<'_>> {
        if let Ok(place) = self.entrance.try_acquire() {
            return Some(place);
        }
        let _waiting = Waiting::new(metrics);
        // It is never closed.
        self.entrance.acquire().await.ok()
    }

    /// How many actors are in memory.
    pub(crate) fn count(&self) -> usize {
        self.actors.load(Ordering::Relaxed)
    }

    /// An actor has moved in; others may have to leave.
    pub(crate) fn moved_in(&self, resident: Weak<dyn Resident>, used: u64, bytes: usize) {
        self.actors.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.tick.fetch_add(1, Ordering::Relaxed);
        self.by_use.lock().push(Reverse(Entry { used, resident }));
        self.make_room();
    }

    /// An actor has left.
    pub(crate) fn moved_out(&self, bytes: usize) {
        self.actors.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// An actor is about to leave, once it has been saved: nobody else has to make room for it.
    pub(crate) fn begins_to_leave(&self, bytes: usize) {
        self.leaving.fetch_add(1, Ordering::Relaxed);
        self.leaving_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// An actor that was about to leave has done so, or [stays](Self::stays).
    pub(crate) fn ends_leaving(&self, bytes: usize) {
        self.leaving.fetch_sub(1, Ordering::Relaxed);
        self.leaving_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// An actor that was about to leave has been asked something meanwhile, and stays.
    pub(crate) fn stays(&self, resident: Weak<dyn Resident>, used: u64) {
        self.by_use.lock().push(Reverse(Entry { used, resident }));
    }

    fn is_exceeded(&self) -> bool {
        let staying = |all: &AtomicUsize, leaving: &AtomicUsize| {
            all.load(Ordering::Relaxed).saturating_sub(leaving.load(Ordering::Relaxed))
        };
        let actors = staying(&self.actors, &self.leaving);
        self.limit.is_exceeded(actors, staying(&self.bytes, &self.leaving_bytes))
    }

    /// The state of an actor takes more or less than it did.
    pub(crate) fn resized(&self, before: usize, after: usize) {
        if before != after {
            self.bytes.fetch_add(after, Ordering::Relaxed);
            self.bytes.fetch_sub(before, Ordering::Relaxed);
        }
    }

    /// Asks the least recently used to leave, until the limit is kept or all are at work.
    pub(crate) fn make_room(&self) {
        let mut busy = Vec::new();
        while self.is_exceeded() {
            let Some(least) = self.least_recently_used(u64::MAX) else { break };
            let Some(resident) = least.resident.upgrade() else { continue };
            if !resident.leave("memory") {
                busy.push(Entry { used: self.tick(), resident: least.resident });
            }
        }
        self.by_use.lock().extend(busy.into_iter().map(Reverse));
    }

    /// Asks whoever has not been used for as long as it says to leave; nobody says less than `least`. To be called every
    /// now and then.
    pub(crate) fn sweep(&self, now: Instant, least: Duration) {
        let tick = self.tick.fetch_add(1, Ordering::Relaxed);
        self.times.lock().push((now, tick));
        let mut staying = Vec::new();
        // Whoever was used before the last tick may be idle for long enough.
        while let Some(entry) = self.least_recently_used(tick) {
            let Some(resident) = entry.resident.upgrade() else { continue };
            let unused = self.time_of(entry.used).map_or(Duration::ZERO, |since| now - since);
            let is_idle = resident.idle().is_some_and(|idle| unused >= idle);
            if !is_idle || !resident.leave("idle") {
                staying.push(entry);
            }
            if unused < least {
                // All the others were used later.
                break;
            }
        }
        self.by_use.lock().extend(staying.into_iter().map(Reverse));
        self.forget_times();
    }

    /// Takes out the one that was used least recently, if that was before `tick`. What is kept by is corrected on the way:
    /// nobody was used earlier than it says, so the first whose own word agrees is the one.
    fn least_recently_used(&self, tick: u64) -> Option<Entry> {
        let mut by_use = self.by_use.lock();
        loop {
            let Reverse(mut entry) = by_use.pop()?;
            let Some(resident) = entry.resident.upgrade() else { continue };
            if !resident.is_resident() {
                continue;
            }
            let used = resident.used();
            if used > entry.used {
                entry.used = used;
                by_use.push(Reverse(entry));
            } else if entry.used >= tick {
                by_use.push(Reverse(entry));
                return None;
            } else {
                return Some(entry);
            }
        }
    }

    /// The first moment at which it is known to have been later than this tick; `None` if that is not known.
    fn time_of(&self, tick: u64) -> Option<Instant> {
        let times = self.times.lock();
        let after = times.partition_point(|(_, then)| *then < tick);
        times.get(after).map(|(time, _)| *time)
    }

    /// The oldest moments are of no use once they are more than enough.
    fn forget_times(&self) {
        const KEPT: usize = 4096;
        let mut times = self.times.lock();
        if times.len() > KEPT {
            // Every other one of the older half: what is long ago need not be known so well.
            let mut index = 0;
            times.retain(|_| {
                index += 1;
                index > KEPT / 2 || index % 2 == 0
            });
        }
    }
}
