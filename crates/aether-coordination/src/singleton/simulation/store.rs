//! [`Store`]: the servers, with a key that expires by their wall clocks.

use std::time::Duration;

use crate::{Condition, Revision};

use crate::singleton::claim::Claim;
use crate::singleton::election::{Found, Outcome};

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
