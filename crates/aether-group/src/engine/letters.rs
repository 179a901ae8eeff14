//! How actors are parked, and how they go on.

use std::time::Duration;

use aether_coordination::Revision;
use aether_core::{ActorId, Position, ReadError, Version};

use super::seat::Seat;
use super::{Action, Answer, Engine, Fetched};
use crate::record::{Record, Request, encode};
use crate::window::Park;
use crate::{Epoch, Letter, Outcome, Parked, Partition};

/// How much of an error is kept.
const MAX_ERROR: usize = 500;

/// A change of who is parked that is not written yet.
#[derive(Debug)]
pub(super) enum Pending {
    Park(ActorId),
    Unpark(ActorId),
}

/// A parked actor that is being resumed.
#[derive(Debug)]
pub(super) struct Job {
    actor: ActorId,
    request: Request,
    revision: Revision,
    /// As it was parked.
    parked: Parked,
    /// With which version it goes on.
    next: Version,
    /// `true` if what is read meanwhile is kept, so that what is fetched now is the last.
    holding: bool,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// That the event is left out is being written down.
    Letter,
    /// What waits is being read.
    Fetching,
    /// It is to be read again at this time.
    FetchAgain(Duration),
    /// What was read is being handled; whether there may be more.
    Handling { more: bool },
    /// That it is not parked any more is being written.
    Unparking,
}

impl Job {
    pub(super) fn again(&self) -> Option<Duration> {
        match self.stage {
            Stage::FetchAgain(at) => Some(at),
            _ => None,
        }
    }

    fn request(&self, answer: Answer) -> (ActorId, Version, Revision, Answer) {
        (self.actor.clone(), self.request.version, self.revision, answer)
    }
}

impl Engine {
    /// An event has failed for good: its actor is to be parked.
    pub(super) fn park(&mut self, partition: Partition, park: Park, now: Duration) {
        self.attention = true;
        let (since, limits) = (self.clock.now(), self.options.park_limits);
        let Some(seat) = self.seats.get_mut(usize::from(partition.get())) else { return };
        let actor = park.event.actor().clone();
        let parked = Parked {
            position: park.event.position,
            version: park.event.version(),
            event_id: park.event.id(),
            event_type: park.event.event_type().to_owned(),
            error: park.error.chars().take(MAX_ERROR).collect(),
            attempts: park.attempts,
            since,
            epoch: seat.epoch,
        };
        tracing::warn!(
            group = %self.group, %partition, %actor, version = %parked.version, event_type = parked.event_type,
            error = parked.error, attempts = parked.attempts, "an event cannot be handled"
        );
        let before = seat.parked.insert(actor.clone(), parked);
        // One that was parked already takes no more room than it did.
        if before.is_none() && !fits(seat, limits) {
            seat.parked.remove(&actor);
            let actors = seat.parked.len();
            self.window.halt(partition, &actor, now);
            tracing::error!(
                group = %self.group, %partition, %actor, actors,
                "no more actors can be parked: the partition halts and tries this one again and again"
            );
            return;
        }
        seat.resuming.remove(&actor);
        seat.pending.push_back(Pending::Park(actor));
    }

    /// The first so many changes are written.
    pub(super) fn confirm(&mut self, partition: Partition, pending: usize, now: Duration) {
        for _ in 0..pending {
            let Some(seat) = self.seats.get_mut(usize::from(partition.get())) else { return };
            let Some(change) = seat.pending.pop_front() else { return };
            match change {
                Pending::Park(actor) => {
                    self.window.parked(partition, &actor, now);
                    self.counts.parked += 1;
                    let Some(parked) = seat.parked.get(&actor).cloned() else { continue };
                    let version = parked.version;
                    let letter = Letter { actor: actor.clone(), parked, outcome: Outcome::Parked };
                    self.actions.push_back(Action::Conclude { letter: Some(letter), request: None });
                    if let Some(job) = seat.job.take_if(|job| job.actor == actor) {
                        self.conclude(job, version);
                    }
                }
                Pending::Unpark(actor) => {
                    self.window.unpark(partition, &actor, now);
                    if let Some(job) = seat.job.take_if(|job| job.actor == actor) {
                        self.conclude(job, Version::ZERO);
                    }
                }
            }
        }
    }

    /// A job is over; the actor is parked for `again`, if for anything.
    fn conclude(&mut self, job: Job, again: Version) {
        let outcome = Outcome::Resumed { at: self.clock.now() };
        // That it was left out has been written before, and if it has failed once more its letter says so.
        let letter = (job.request.skip.is_none() && job.parked.version != again).then(|| Letter {
            actor: job.actor.clone(),
            parked: job.parked.clone(),
            outcome,
        });
        self.actions.push_back(Action::Conclude { letter, request: Some(job.request(Answer::Done)) });
        self.attention = true;
    }

    /// Somebody wants an actor to go on.
    pub(super) fn requested(&mut self, actor: ActorId, request: Request, revision: Revision) {
        let partition = Partition::of(&actor, self.settings.partitions);
        if request.refused.is_some() {
            return;
        }
        let Some(seat) = self.seat(partition).filter(|seat| seat.is_working()) else { return };
        if seat.job.as_ref().is_none_or(|job| job.actor != actor) {
            seat.requests.insert(actor, (request, revision));
            self.attention = true;
        }
    }

    /// Begins jobs, and tries again what did not succeed.
    pub(super) fn go_on_with_letters(&mut self, now: Duration) {
        for index in 0..self.seats.len() {
            let Some(seat) = self.seats.get_mut(index).filter(|seat| seat.is_working()) else { continue };
            if let Some(job) = &mut seat.job {
                if job.again().is_some_and(|at| at <= now) {
                    job.stage = Stage::Fetching;
                    self.fetch(index);
                }
                continue;
            }
            if let Some((actor, (request, revision))) = seat.requests.pop_first() {
                self.begin(index, actor, request, revision);
            }
        }
    }

    fn begin(&mut self, index: usize, actor: ActorId, request: Request, revision: Revision) {
        let at = self.clock.now();
        let Some(seat) = self.seats.get_mut(index) else { return };
        let Some(parked) =
            seat.parked.get(&actor).filter(|parked| parked.version == request.version).cloned()
        else {
            // It has been done, by this member or by the one before it.
            let request = Some((actor, request.version, revision, Answer::Done));
            self.actions.push_back(Action::Conclude { letter: None, request });
            return;
        };
        let skipped = request.skip.clone().map(|skip| Letter {
            actor: actor.clone(),
            parked: parked.clone(),
            outcome: Outcome::Skipped { reason: skip.reason, by: skip.by, at },
        });
        let first = if skipped.is_some() { parked.version.next() } else { parked.version };
        let next = seat.resuming.get(&actor).copied().unwrap_or(first).max(first);
        let stage = if skipped.is_some() { Stage::Letter } else { Stage::Fetching };
        let claim = (seat.partition, seat.epoch);
        seat.job = Some(Job { actor, request, revision, parked, next, holding: false, stage });
        match skipped {
            // Nothing is left out before the reason is kept.
            Some(letter) => self.actions.push_back(Action::KeepLetter { claim, letter }),
            None => self.fetch(index),
        }
    }

    fn working(&mut self, (partition, epoch): (Partition, Epoch), actor: &ActorId) -> Option<&mut Seat> {
        let seat = self.seat(partition).filter(|seat| seat.is_working() && seat.epoch == epoch)?;
        seat.job.as_ref().is_some_and(|job| job.actor == *actor).then_some(seat)
    }

    /// A letter is kept.
    pub(crate) fn letter_kept(&mut self, claim: (Partition, Epoch), actor: &ActorId) {
        let Some(job) = self.working(claim, actor).and_then(|seat| seat.job.as_mut()) else { return };
        if job.stage == Stage::Letter {
            job.stage = Stage::Fetching;
            self.fetch(usize::from(claim.0.get()));
        }
    }

    fn fetch(&mut self, index: usize) {
        let Some(seat) = self.seats.get(index) else { return };
        let Some(job) = &seat.job else { return };
        self.actions.push_back(Action::Fetch {
            claim: (seat.partition, seat.epoch),
            actor: job.actor.clone(),
            from: job.next,
            cut: self.cut(seat.partition, job),
        });
    }

    /// Up to where the log is read: what comes later is read with everything else.
    fn cut(&self, partition: Partition, job: &Job) -> Option<Position> {
        if job.holding { self.window.held_from(partition, &job.actor) } else { self.window.place(partition) }
    }

    /// What waits of an actor was read.
    pub(crate) fn fetched(
        &mut self,
        claim: (Partition, Epoch),
        actor: &ActorId,
        fetched: Result<Fetched, ReadError>,
        now: Duration,
    ) {
        let soon = now + self.soon();
        let index = usize::from(claim.0.get());
        self.attention = true;
        let Some(seat) = self.working(claim, actor) else { return };
        let Some(job) = seat.job.as_mut().filter(|job| job.stage == Stage::Fetching) else { return };
        match fetched {
            Ok((events, more)) => match events.last().map(|event| event.version()) {
                Some(last) => {
                    job.stage = Stage::Handling { more };
                    job.next = last.next();
                    self.window.resume(claim.0, actor, events, now);
                }
                None => self.fetched_all(index, more),
            },
            Err(error) if error.is_retryable() => job.stage = Stage::FetchAgain(soon),
            Err(error) => {
                let Some(job) = seat.job.take() else { return };
                tracing::error!(group = %self.group, %actor, %error, "the queue of a parked actor cannot be read");
                let request = Some(job.request(Answer::Refused(error.to_string())));
                self.window.parked(claim.0, actor, now);
                self.actions.push_back(Action::Conclude { letter: None, request });
            }
        }
    }

    /// All resumed events that the window had are done.
    pub(super) fn resumed_all(&mut self, partition: Partition, actor: &ActorId, _now: Duration) {
        let index = usize::from(partition.get());
        let Some(seat) = self.seats.get_mut(index) else { return };
        let Some(job) = seat.job.as_mut().filter(|job| job.actor == *actor) else { return };
        if let Stage::Handling { more } = job.stage {
            // Whoever has to do it again goes on from here.
            seat.resuming.insert(actor.clone(), job.next);
            self.attention = true;
            self.fetched_all(index, more);
        }
    }

    /// Everything that was fetched is done: on to what comes next.
    fn fetched_all(&mut self, index: usize, more: bool) {
        let Some(seat) = self.seats.get_mut(index) else { return };
        let partition = seat.partition;
        let Some(job) = &mut seat.job else { return };
        if more {
            job.stage = Stage::Fetching;
            self.fetch(index);
        } else if job.holding {
            job.stage = Stage::Unparking;
            seat.parked.remove(&job.actor);
            seat.resuming.remove(&job.actor);
            seat.pending.push_back(Pending::Unpark(job.actor.clone()));
            self.attention = true;
        } else {
            // From now on nothing is left to the log, so what is read from it next is the rest.
            job.holding = true;
            job.stage = Stage::Fetching;
            self.window.hold(partition, &job.actor);
            self.fetch(index);
        }
    }
}

/// Returns whether everything about parked actors is within the limits.
fn fits(seat: &Seat, limits: crate::ParkLimits) -> bool {
    let record = Record {
        epoch: seat.epoch,
        owner: None,
        position: None,
        parked: seat.parked.clone(),
        resuming: seat.resuming.clone(),
    };
    seat.parked.len() <= limits.actors && encode(&record).len() <= limits.bytes
}
