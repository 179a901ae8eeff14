//! How partitions change hands.

use std::collections::BTreeSet;
use std::time::Duration;

use aether_coordination::{Change, CoordinationError, Revision};
use aether_core::{ActorId, Position};
use uuid::Uuid;

use super::seat::{Hold, Leave, Seat};
use super::{Action, Engine, Known};
use crate::assignment::{Holder, plan};
use crate::record::{Keys, Record, Request, decode};
use crate::{Claim, Partition};

/// What was found of all partitions, and what is asked for.
#[derive(Debug, Default)]
pub(crate) struct Everything {
    pub(crate) records: Vec<(Partition, Known)>,
    pub(crate) requests: Vec<(ActorId, Request, Revision)>,
}

impl Engine {
    /// When a member that has just joined knows who else is there.
    pub(super) fn settles_at(&self) -> Option<Duration> {
        self.connected_since.map(|at| at + self.options.pulse_every / 5)
    }

    /// Claims what it lacks and releases what it has too much of.
    pub(super) fn claim_and_release(&mut self, now: Duration) {
        if self.stopping {
            for seat in &mut self.seats {
                match seat.hold {
                    Hold::Opening | Hold::Held => seat.leave(Leave::Release),
                    Hold::Empty | Hold::Claiming | Hold::Closing | Hold::Releasing => {}
                }
            }
            return;
        }
        if !self.may_begin(now) || self.settles_at().is_none_or(|at| now < at) {
            return;
        }
        let owners: BTreeSet<Uuid> = self.seats.iter().filter_map(owner).collect();
        for owner in &owners {
            self.liveness.note(*owner, now);
        }
        self.liveness.forget(now, &owners);
        let live = self.liveness.live(now);
        let me = self.me.incarnation;
        let holders: Vec<Holder> = self.seats.iter().map(|seat| holder(seat, me, &live)).collect();
        let plan = plan(me, &live, &holders);
        for partition in plan.release {
            if let Some(seat) = self.seat(partition).filter(|seat| seat.is_working()) {
                seat.leave(Leave::Release);
            }
        }
        let members = live.len();
        // What is written to be this member's and is not: the others leave it to it.
        let orphans = self.seats.iter().filter(|seat| seat.is_empty() && owner(seat) == Some(me));
        let orphans: Vec<Partition> = orphans.map(|seat| seat.partition).collect();
        for partition in orphans.into_iter().chain(plan.claim) {
            if self.puts >= super::checkpoints::MAX_PUTS {
                self.attention = true;
                break;
            }
            self.claim(partition);
        }
        self.counts.members = members;
    }

    fn claim(&mut self, partition: Partition) {
        let (me, after) = (self.me.clone(), self.settings.after);
        let Some(seat) = self.seat(partition).filter(|seat| seat.is_empty() && seat.put.is_none()) else {
            return;
        };
        let record = match &seat.known {
            Some(known) => {
                Record { epoch: known.record.epoch.next(), owner: Some(me), ..known.record.clone() }
            }
            None => Record {
                epoch: seat.epoch.next(),
                owner: Some(me),
                position: after,
                parked: Default::default(),
                resuming: Default::default(),
            },
        };
        seat.hold = Hold::Claiming;
        seat.epoch = record.epoch;
        self.put_record(partition, record, 0);
    }

    /// A claim stands.
    pub(super) fn claimed(&mut self, partition: Partition) {
        let stopping = self.stopping;
        let Some(seat) = self.seat(partition) else { return };
        let Some(known) = seat.known.as_ref().filter(|known| known.record.epoch == seat.epoch) else {
            // Somebody has claimed it since.
            return seat.clear();
        };
        seat.hold = Hold::Opening;
        seat.leaving = stopping.then_some(Leave::Release);
        seat.parked = known.record.parked.clone();
        seat.resuming = known.record.resuming.clone();
        seat.left_at = known.record.position;
        let claim = self.claim_of(partition);
        self.actions.extend(claim.map(|claim| Action::Gained(claim, 0)));
    }

    fn claim_of(&self, partition: Partition) -> Option<Claim> {
        let seat = self.seats.get(usize::from(partition.get()))?;
        let mut claim = Claim::new(self.group.clone(), partition, seat.epoch);
        claim.position = seat.left_at;
        claim.parked = seat.parked.clone();
        Some(claim)
    }

    /// The handler knows that a partition was gained, and has this checkpoint, if it has one of its own; or it has failed
    /// so many times to take note of it.
    pub(crate) fn opened(&mut self, partition: Partition, own: Result<Option<Position>, u32>) {
        self.attention = true;
        let Some(seat) = self.seat(partition).filter(|seat| seat.hold == Hold::Opening) else { return };
        let own = match own {
            Ok(own) => own,
            Err(_) if seat.leaving.is_some() => None,
            Err(failed) => {
                let claim = self.claim_of(partition);
                self.actions.extend(claim.map(|claim| Action::Gained(claim, failed)));
                return;
            }
        };
        seat.hold = Hold::Held;
        let position = own.or(seat.left_at);
        let (epoch, parked) = (seat.epoch, seat.parked.keys().cloned().collect::<Vec<_>>());
        self.window.own(partition, epoch, position, parked.into_iter());
        self.counts.gained += 1;
        // Somebody may have asked for one of its actors while nobody had it.
        self.look_at = Duration::ZERO;
        tracing::debug!(group = %self.group, member = %self.me, %partition, %epoch, "partition gained");
    }

    /// Leaves partitions of which nothing is being handled any more.
    pub(super) fn leave_seats(&mut self, _now: Duration) {
        for index in 0..self.seats.len() {
            let Some(seat) = self.seats.get_mut(index) else { continue };
            let partition = seat.partition;
            if seat.hold != Hold::Held || seat.leaving.is_none() {
                continue;
            }
            self.window.freeze(partition);
            // A change that is on its way is awaited, since whoever comes next has to know of it.
            let unwritten = seat.leaving == Some(Leave::Release) && !seat.pending.is_empty();
            if self.window.is_running(partition) || unwritten {
                continue;
            }
            seat.left_at = self.window.checkpoint(partition);
            seat.hold = Hold::Closing;
            self.window.disown(partition);
            self.counts.lost += 1;
            tracing::debug!(group = %self.group, member = %self.me, %partition, why = ?seat.leaving, "partition left");
            let claim = self.claim_of(partition);
            self.actions.extend(claim.map(Action::Lost));
        }
    }

    /// The handler knows that a partition is over.
    pub(crate) fn closed(&mut self, partition: Partition) {
        self.attention = true;
        let Some(seat) = self.seat(partition).filter(|seat| seat.hold == Hold::Closing) else { return };
        if seat.leaving == Some(Leave::Lost) {
            seat.clear();
        } else {
            seat.hold = Hold::Releasing;
        }
    }

    /// A record was found that may be newer than what is known.
    pub(crate) fn saw(&mut self, partition: Partition, found: Known) {
        let me = self.me.clone();
        let Some(seat) = self.seat(partition) else { return };
        if seat.known.as_ref().is_some_and(|known| known.revision >= found.revision) {
            return;
        }
        let is_own = found.record.owner.as_ref() == Some(&me) || found.record.owner.is_none();
        if is_own && found.record.epoch == seat.epoch && !seat.is_empty() {
            // The echo of a write whose acknowledgement is on its way.
            return;
        }
        if matches!(seat.hold, Hold::Opening | Hold::Held | Hold::Closing | Hold::Releasing) {
            seat.leave(Leave::Lost);
            if seat.hold == Hold::Releasing {
                seat.clear();
            }
        }
        seat.known = Some(found);
        self.attention = true;
    }

    /// A key of the group has changed.
    pub(crate) fn changed(&mut self, keys: &Keys, change: Change) {
        let Change::Put(entry) = change else { return };
        if let Some(partition) = keys.partition_of(&entry.key) {
            if let Ok(record) = decode(&entry.value) {
                self.saw(partition, Known { record, revision: entry.revision });
            }
        } else if let Some(actor) = keys.actor_of_request(&entry.key)
            && let Ok(request) = decode(&entry.value)
        {
            self.requested(actor, request, entry.revision);
        }
    }

    /// All records and requests, or why they could not be read.
    pub(crate) fn looked_at_all(&mut self, found: Result<Everything, CoordinationError>, now: Duration) {
        (self.looking, self.attention) = (false, true);
        match found {
            Ok(everything) => {
                for (partition, known) in everything.records {
                    self.saw(partition, known);
                }
                self.rereading = false;
                for (actor, request, revision) in everything.requests {
                    self.requested(actor, request, revision);
                }
            }
            Err(error) if error.is_retryable() => self.look_at = now + self.soon(),
            Err(error) => self.actions.push_back(Action::Fail(error.into())),
        }
    }

    /// A moment, for what is to be tried again.
    pub(super) fn soon(&mut self) -> Duration {
        Duration::from_millis(self.random.u64(100..300))
    }
}

/// Who owns a partition as far as is written.
fn owner(seat: &Seat) -> Option<Uuid> {
    seat.known.as_ref()?.record.owner.as_ref().map(|owner| owner.incarnation)
}

fn holder(seat: &Seat, me: Uuid, live: &BTreeSet<Uuid>) -> Holder {
    match seat.hold {
        Hold::Claiming => Holder::Member(me),
        Hold::Opening | Hold::Held if seat.leaving.is_none() => Holder::Member(me),
        Hold::Opening | Hold::Held | Hold::Closing | Hold::Releasing => Holder::Moving,
        Hold::Empty => match owner(seat) {
            Some(owner) if owner != me && live.contains(&owner) => Holder::Member(owner),
            _ => Holder::Free,
        },
    }
}
