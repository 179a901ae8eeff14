//! [`Node`]: a candidate with a clock of its own, which can be stopped in several ways; and [`Store`]: the servers, with a
//! key that expires by their wall clocks.

use std::time::Duration;

use uuid::Uuid;

use crate::singleton::election::{Election, Found, Mutant, Outcome};
use crate::singleton::term::Claim;
use crate::singleton::timing::Timing;
use crate::{Condition, Revision};

/// Holding, as the node believes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) epoch: u64,
    /// By its own clock.
    pub(super) until: Duration,
    /// When, in truth, the write was sent that it rests on.
    pub(super) sent: Duration,
}

#[derive(Debug)]
pub(super) struct Node {
    /// `None` while its process is dead.
    pub(super) election: Option<Election>,
    offset: Duration,
    rate: f64,
    /// How long its clock had stood still, over all, before it did so last.
    frozen: Duration,
    /// When its clock stood still last: from, and for how long.
    suspended: Option<(Duration, Duration)>,
    /// Until when nothing of it is heard, and it hears nothing.
    pub(super) cut_off_until: Duration,
    /// Until when it does nothing.
    pub(super) stopped_until: Duration,
    pub(super) held: Option<Held>,
    /// Which step is under way, and when it was sent; the answers to others are not wanted.
    pub(super) step: u64,
    pub(super) sent: Duration,
    /// Which of its wake-ups counts.
    pub(super) alarm: u64,
    pub(super) leaves: bool,
}

impl Node {
    pub(super) fn new(random: &mut fastrand::Rng) -> Self {
        Self {
            election: None,
            offset: Duration::from_secs(random.u64(..1_000_000)),
            rate: [0.9, 1.1, 0.9 + 0.2 * random.f64()][random.usize(..3)],
            frozen: Duration::ZERO,
            suspended: None,
            cut_off_until: Duration::ZERO,
            stopped_until: Duration::ZERO,
            held: None,
            step: 0,
            sent: Duration::ZERO,
            alarm: 0,
            leaves: false,
        }
    }

    pub(super) fn start(&mut self, join: u128, timing: Timing, seed: u64, mutant: Option<Mutant>) {
        let claim = Claim { candidate: String::new(), join: Uuid::from_u128(join), epoch: None };
        let mut election = Election::new(claim, timing, fastrand::Rng::with_seed(seed));
        election.mutant = mutant;
        self.election = Some(election);
        self.leaves = false;
    }

    pub(super) fn kill(&mut self) {
        self.election = None;
        self.held = None;
        self.step += 1;
    }

    /// The time by its own clock.
    pub(super) fn clock(&self, now: Duration) -> Duration {
        let last = self.suspended.map_or(Duration::ZERO, |(at, span)| span.min(now - at));
        self.offset + (now - self.frozen - last).mul_f64(self.rate)
    }

    /// When, in truth, its own clock shows this time, if it runs on. A little later, so that it does then.
    pub(super) fn when(&self, clock: Duration) -> Duration {
        let last = self.suspended.map_or(Duration::ZERO, |(_, span)| span);
        clock.saturating_sub(self.offset).div_f64(self.rate) + self.frozen + last + Duration::from_nanos(10)
    }

    /// Stops the node, and its clock with it.
    pub(super) fn suspend(&mut self, now: Duration, span: Duration) {
        self.frozen += self.suspended.map_or(Duration::ZERO, |(_, span)| span);
        self.suspended = Some((now, span));
        self.stopped_until = now + span;
    }

    /// Whether it believes that it holds the singleton, and nothing excuses it.
    pub(super) fn holds(&self, now: Duration) -> bool {
        self.held.is_some_and(|held| !self.is_excused(held) && self.clock(now) < held.until)
    }

    /// What rests on a write that was sent before its clock stood still, the epoch alone fences.
    pub(super) fn is_excused(&self, held: Held) -> bool {
        self.suspended.is_some_and(|(at, _)| at >= held.sent)
    }
}

#[derive(Debug, Clone)]
struct Kept {
    found: Found,
    /// By the wall clock of the server that stored it.
    stored_at: Duration,
    ttl: Duration,
}

/// One key on several servers, of which one leads.
#[derive(Debug, Default)]
pub(super) struct Store {
    kept: Option<Kept>,
    last: u64,
    /// What was there before, for a leader that has been deposed and does not know it.
    before: Option<Found>,
    /// How far the wall clock of the leader is ahead.
    pub(super) ahead: Duration,
    pub(super) down_until: Duration,
    pub(super) stale_until: Duration,
}

impl Store {
    pub(super) fn is_down(&self, now: Duration) -> bool {
        now < self.down_until
    }

    pub(super) fn read(&mut self, now: Duration) -> Option<Found> {
        self.expire(now);
        if now < self.stale_until { self.before.clone() } else { self.found() }
    }

    pub(super) fn write(
        &mut self,
        now: Duration,
        claim: Claim,
        condition: Condition,
        ttl: Duration,
    ) -> Outcome {
        self.expire(now);
        if Condition::from(self.kept.as_ref().map(|kept| kept.found.revision)) != condition {
            return Outcome::Conflict;
        }
        self.before = self.found();
        self.last += 1;
        let revision = Revision::new(self.last);
        let found = Found { revision, claim: Some(claim) };
        self.kept = Some(Kept { found, stored_at: now + self.ahead, ttl });
        Outcome::Stands(revision)
    }

    pub(super) fn delete(&mut self, now: Duration, revision: Revision) -> Outcome {
        self.expire(now);
        if self.kept.as_ref().is_none_or(|kept| kept.found.revision != revision) {
            return Outcome::Conflict;
        }
        self.last += 1;
        self.before = self.kept.take().map(|kept| kept.found);
        Outcome::Stands(Revision::new(self.last))
    }

    fn found(&self) -> Option<Found> {
        self.kept.as_ref().map(|kept| kept.found.clone())
    }

    fn expire(&mut self, now: Duration) {
        let wall = now + self.ahead;
        if let Some(kept) = self.kept.take_if(|kept| wall.saturating_sub(kept.stored_at) >= kept.ttl) {
            self.before = Some(kept.found);
        }
    }
}
