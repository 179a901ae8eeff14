//! [`Election`]: decides who holds a singleton, without a clock, a network or a random number of its own.

use std::time::Duration;

use super::term::Claim;
use super::timing::Timing;
use crate::{Condition, Revision};

/// How long to wait before an attempt is made again, in renewals.
const AGAIN_AFTER: f64 = 0.25;

/// What has happened.
#[derive(Debug)]
pub(super) enum Input {
    /// Time has passed.
    Tick,
    /// It is told, which may be wrong, late or missing, that the key was written, or deleted.
    Changed(Option<Claim>),
    /// What a reading has found.
    Found(Option<Found>),
    /// A reading has failed.
    NotFound,
    /// What has become of a write or a deletion.
    Wrote(Outcome),
    /// The candidate wants to be none any more.
    Leave,
}

/// The key, as it was read.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) revision: Revision,
    /// `None` if what is in it is no claim.
    pub(super) claim: Option<Claim>,
}

/// What has become of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It stands, and this is its revision.
    Stands(Revision),
    /// Its condition did not hold.
    Conflict,
    /// It may stand, now or later.
    Unknown,
}

/// What is to be done. Of readings, writes and deletions one at a time is under way: a new one takes the place of the old
/// one, whose outcome is not wanted any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// Read the key.
    Read,
    /// Write the key, for a time.
    Write { claim: Claim, condition: Condition, ttl: Duration },
    /// Delete the key.
    Delete(Revision),
    /// It is held, in this epoch, until this time.
    Gained { epoch: Revision, until: Duration },
    /// It is held until this time.
    Extended { until: Duration },
    /// It is not held any more.
    Lost,
    /// There is no candidate any more.
    Left,
}

/// One candidate for a singleton.
///
/// Times are those of the candidate's own clock, which may stand anywhere and must only run on.
#[derive(Debug)]
pub(super) struct Election {
    claim: Claim,
    timing: Timing,
    random: fastrand::Rng,
    role: Role,
    under_way: Option<Step>,
    /// When the next step is due.
    due: Duration,
    /// Whether something has changed since the last step began.
    hinted: bool,
    #[cfg(test)]
    pub(super) mutant: Option<Mutant>,
}

#[derive(Debug)]
enum Role {
    Candidate,
    Holder {
        epoch: Revision,
        /// The last write of the key, as far as is known; `None` if it must be read.
        last: Option<Revision>,
        until: Duration,
        /// Whether a renewal over `last` may stand.
        doubt: bool,
    },
    Leaving {
        last: Option<Revision>,
        /// When the key is let go as it is: it expires by itself.
        until: Duration,
    },
    Left,
}

/// What is under way.
#[derive(Debug, Clone, Copy)]
enum Step {
    Reading,
    Writing { sent: Duration },
    Deleting,
}

impl Election {
    /// A candidate that looks at once.
    pub(super) fn new(claim: Claim, timing: Timing, random: fastrand::Rng) -> Self {
        Self {
            claim,
            timing,
            random,
            role: Role::Candidate,
            under_way: None,
            due: Duration::ZERO,
            hinted: false,
            #[cfg(test)]
            mutant: None,
        }
    }

    /// When to come back with a [`Input::Tick`], if nothing else happens before.
    pub(super) fn wakes_at(&self) -> Option<Duration> {
        let due = self.under_way.is_none().then_some(self.due);
        match self.role {
            Role::Candidate => due,
            Role::Holder { until, .. } | Role::Leaving { until, .. } => {
                Some(due.map_or(until, |due| due.min(until)))
            }
            Role::Left => None,
        }
    }

    /// Takes in what has happened by `now`, and says what is to be done.
    pub(super) fn handle(&mut self, now: Duration, input: Input) -> Vec<Action> {
        let mut actions = Vec::new();
        // First of all: an acknowledgement that comes too late gives nothing back.
        self.expire(now, &mut actions);
        match input {
            Input::Tick => {}
            Input::Changed(claim) => self.changed(claim.as_ref()),
            Input::Found(found) => self.found(now, found.as_ref(), &mut actions),
            Input::NotFound => {
                self.under_way = None;
                self.due = now + self.pause();
            }
            Input::Wrote(outcome) => self.wrote(now, outcome, &mut actions),
            Input::Leave => self.leave(now, &mut actions),
        }
        self.proceed(now, &mut actions);
        actions
    }

    fn expire(&mut self, now: Duration, actions: &mut Vec<Action>) {
        match self.role {
            Role::Holder { until, .. } if now >= until && !self.is(Mutant::Revived) => {
                self.lose(now, actions)
            }
            Role::Leaving { until, .. } if now >= until => self.end(actions),
            _ => {}
        }
    }

    /// A deleted key is for the candidates; a key that is another's concerns the holder.
    fn changed(&mut self, claim: Option<&Claim>) {
        let is_hint = match self.role {
            Role::Candidate => claim.is_none(),
            Role::Holder { .. } => !self.is_mine(claim),
            Role::Leaving { .. } | Role::Left => false,
        };
        self.hinted |= is_hint;
    }

    fn found(&mut self, now: Duration, found: Option<&Found>, actions: &mut Vec<Action>) {
        if !matches!(self.under_way.take(), Some(Step::Reading)) {
            return;
        }
        let mine = found.filter(|found| self.is_mine(found.claim.as_ref())).map(|found| found.revision);
        match &mut self.role {
            Role::Candidate => match (found, mine) {
                (Some(_), Some(revision)) if self.is(Mutant::GainedByRead) => {
                    self.gain(now, now, revision, actions)
                }
                // It was taken by a write whose outcome was not heard of, or held before: it is taken once more.
                (Some(_), Some(revision)) => self.write(now, Condition::At(revision), actions),
                (Some(_), None) => self.due = now + self.jitter(self.timing.poll_every),
                (None, _) => self.write(now, Condition::Absent, actions),
            },
            Role::Holder { last, .. } if mine.is_some() => {
                *last = mine;
                self.due = now;
            }
            Role::Holder { .. } => self.lose(now, actions),
            Role::Leaving { last, .. } if mine.is_some() => {
                *last = mine;
                self.due = now;
            }
            Role::Leaving { .. } => self.end(actions),
            Role::Left => {}
        }
    }

    fn wrote(&mut self, now: Duration, outcome: Outcome, actions: &mut Vec<Action>) {
        let (pause, poll) = (self.pause(), self.jitter(self.timing.poll_every));
        let sent = match self.under_way.take() {
            Some(Step::Writing { sent }) => sent,
            Some(Step::Deleting) => return self.deleted(now, outcome, actions),
            Some(Step::Reading) | None => return,
        };
        let outcome = match (outcome, &self.role) {
            (Outcome::Unknown, Role::Holder { last: Some(last), .. })
                if self.is(Mutant::TimeoutIsSuccess) =>
            {
                Outcome::Stands(*last)
            }
            (Outcome::Unknown, _) if self.is(Mutant::TimeoutIsFailure) => Outcome::Conflict,
            (outcome, _) => outcome,
        };
        match (&mut self.role, outcome) {
            (Role::Candidate, Outcome::Stands(revision)) => self.gain(now, sent, revision, actions),
            (Role::Candidate, Outcome::Conflict) => self.due = now + poll,
            (Role::Candidate, Outcome::Unknown) => self.due = now + pause,
            (Role::Holder { .. }, Outcome::Stands(revision)) => self.extend(now, sent, revision, actions),
            // It may be a renewal of its own that stands in the way.
            (Role::Holder { last, doubt: true, .. }, Outcome::Conflict) => {
                *last = None;
                self.due = now;
            }
            (Role::Holder { .. }, Outcome::Conflict) => self.lose(now, actions),
            // The same once more, until it is known.
            (Role::Holder { doubt, .. }, Outcome::Unknown) => {
                *doubt = true;
                self.due = now + pause;
            }
            (Role::Leaving { last, .. }, Outcome::Stands(revision)) => {
                *last = Some(revision);
                self.due = now;
            }
            (Role::Leaving { last, .. }, Outcome::Conflict | Outcome::Unknown) => {
                *last = None;
                self.due = now;
            }
            (Role::Left, _) => {}
        }
    }

    fn deleted(&mut self, now: Duration, outcome: Outcome, actions: &mut Vec<Action>) {
        let pause = self.pause();
        let Role::Leaving { last, .. } = &mut self.role else { return };
        match outcome {
            Outcome::Stands(_) => self.end(actions),
            Outcome::Conflict => {
                *last = None;
                self.due = now;
            }
            Outcome::Unknown => self.due = now + pause,
        }
    }

    fn gain(&mut self, now: Duration, sent: Duration, revision: Revision, actions: &mut Vec<Action>) {
        let until = self.until(now, sent);
        if now >= until {
            // Acknowledged too late to be of use; it is found to be its own when it looks, and taken once more.
            self.due = now;
            return;
        }
        let epoch = Revision::new(*self.claim.epoch.get_or_insert(revision.get()));
        self.role = Role::Holder { epoch, last: Some(revision), until, doubt: false };
        self.due = sent + self.timing.renew_every;
        actions.push(Action::Gained { epoch, until });
    }

    fn extend(&mut self, now: Duration, sent: Duration, revision: Revision, actions: &mut Vec<Action>) {
        let until = self.until(now, sent);
        if let Role::Holder { epoch, .. } = self.role {
            self.role = Role::Holder { epoch, last: Some(revision), until, doubt: false };
            self.due = sent + self.timing.renew_every;
            actions.push(Action::Extended { until });
        }
    }

    /// The server has stored what was sent at `sent` not before that, so it keeps it for its time to live from then at
    /// least; when it was acknowledged says nothing.
    fn until(&self, now: Duration, sent: Duration) -> Duration {
        let from = if self.is(Mutant::CountedFromAck) { now } else { sent };
        from + self.timing.stop_after
    }

    fn lose(&mut self, now: Duration, actions: &mut Vec<Action>) {
        self.role = Role::Candidate;
        if !self.is(Mutant::EpochKept) {
            self.claim.epoch = None;
        }
        self.under_way = None;
        self.due = now;
        actions.push(Action::Lost);
    }

    fn leave(&mut self, now: Duration, actions: &mut Vec<Action>) {
        let writing = match self.under_way {
            Some(Step::Writing { sent }) => Some(sent),
            _ => None,
        };
        if self.is(Mutant::KeyLeftBehind) {
            return self.end(actions);
        }
        match (&self.role, writing) {
            (Role::Holder { last, until, .. }, _) => {
                self.role = Role::Leaving { last: *last, until: *until };
                actions.push(Action::Lost);
            }
            // It may be about to have it.
            (Role::Candidate, Some(sent)) => {
                self.role = Role::Leaving { last: None, until: sent + self.timing.stop_after };
            }
            (Role::Candidate, None) => return self.end(actions),
            (Role::Leaving { .. } | Role::Left, _) => return,
        }
        if writing.is_none() {
            self.under_way = None;
        }
        self.due = now;
    }

    fn end(&mut self, actions: &mut Vec<Action>) {
        self.role = Role::Left;
        self.under_way = None;
        actions.push(Action::Left);
    }

    /// Begins the next step, if it is due and none is under way.
    fn proceed(&mut self, now: Duration, actions: &mut Vec<Action>) {
        if self.under_way.is_some() || (now < self.due && !self.hinted) {
            return;
        }
        self.hinted = false;
        match self.role {
            Role::Holder { last: Some(last), .. } => self.write(now, Condition::At(last), actions),
            Role::Leaving { last: Some(last), .. } => {
                self.under_way = Some(Step::Deleting);
                actions.push(Action::Delete(last));
            }
            Role::Candidate | Role::Holder { last: None, .. } | Role::Leaving { last: None, .. } => {
                self.under_way = Some(Step::Reading);
                actions.push(Action::Read);
            }
            Role::Left => {}
        }
    }

    fn write(&mut self, now: Duration, condition: Condition, actions: &mut Vec<Action>) {
        let renews = matches!(self.role, Role::Holder { .. });
        let ttl = if renews && self.is(Mutant::RenewedForever) { Duration::MAX } else { self.timing.ttl };
        self.under_way = Some(Step::Writing { sent: now });
        actions.push(Action::Write { claim: self.claim.clone(), condition, ttl });
    }

    fn is_mine(&self, claim: Option<&Claim>) -> bool {
        claim.is_some_and(|claim| claim.join == self.claim.join)
    }

    /// How long to wait before the same is tried again.
    fn pause(&mut self) -> Duration {
        let pause = self.timing.renew_every.mul_f64(AGAIN_AFTER);
        self.jitter(pause)
    }

    /// Between a half and all of it, so that candidates do not move in step.
    fn jitter(&mut self, most: Duration) -> Duration {
        most.mul_f64(0.5 + self.random.f64() / 2.0)
    }

    #[cfg(test)]
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    #[cfg(not(test))]
    const fn is(&self, _: Mutant) -> bool {
        false
    }
}

/// A rule of the election that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutant {
    /// The time to stop is counted from the acknowledgement, and not from the sending.
    CountedFromAck,
    /// A renewal has no time to live.
    RenewedForever,
    /// A renewal whose outcome is unknown counts as failed.
    TimeoutIsFailure,
    /// A renewal whose outcome is unknown counts as done.
    TimeoutIsSuccess,
    /// Who takes its own key over again goes on in its old epoch.
    EpochKept,
    /// Who reads that the key is its own holds it.
    GainedByRead,
    /// A holder whose time is over goes on when a renewal is acknowledged after all.
    Revived,
    /// Who leaves lets the key stand.
    KeyLeftBehind,
}
