//! [`Engine`]: everything that a node decides. Pure: what happens and the time go in, [`Action`]s come out.

mod election;
mod members;
#[cfg(test)]
mod model;
pub(crate) mod planner;
mod seat;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use aether_coordination::{Condition, CoordinationError, Liveness, Revision, Sound};
use bytes::Bytes;

pub(crate) use self::election::Step;
use self::election::{Around, Election, Written};
use self::members::Members;
use self::seat::Seat;
pub(crate) use self::seat::{Order, Word};
use crate::placement::Placement;
use crate::plan::{Epoch, Plan};
use crate::record::{Leader, Name, Settings, from_json, to_json};
use crate::signal::{Beat, Message};
use crate::{ClusterError, Incarnation, Member, MemberState, Node, ShardId};

/// How often all keys are read, whatever was heard of them.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long to wait before a write is tried again that could not be sent.
const TRY_AGAIN: Duration = Duration::from_millis(250);
/// How long shards that arrive are gathered before the leader is told of them.
const GATHER: Duration = Duration::from_millis(2);
/// How much faster pulses follow each other while a node does not hear itself.
const HURRY: u32 = 10;

/// How a node behaves.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) pulse_every: Duration,
    pub(crate) suspect_after: Duration,
    /// How many shards the leader moves at a time, as a part of all.
    pub(crate) moves: f64,
    pub(crate) placement: Arc<dyn Placement>,
}

/// What the driver is to do. Those that name an input are answered by it.
#[derive(Debug)]
pub(crate) enum Action {
    /// Tell everybody.
    Send(Message),
    /// Write a key: [`Engine::wrote`] with the same number.
    Put(u64, Name, Bytes, Condition),
    /// Delete a key.
    Delete(Name, Revision),
    /// Read a key: [`Engine::looked`].
    Look(Name),
    /// Read all keys: [`Engine::looked_at_all`].
    LookAtAll,
    /// Do this about a shard.
    Shard(ShardId, Order),
    /// Whether the node hears itself: nothing is begun while it does not.
    Hears(bool),
    /// Tell whoever follows what happens in the cluster.
    Tell(Happened),
    /// The node has left.
    Stopped,
    /// The node cannot go on.
    Fail(ClusterError),
}

/// What has happened, for whoever follows it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Happened {
    /// A member is like this now.
    Member(Member, MemberState),
    /// Somebody else leads, or nobody that is known.
    Leader(Option<(Epoch, Node)>),
    /// There is a new plan.
    Plan(Arc<Plan>),
    /// This node acts for the shard from now on, or does not any more.
    Acts(ShardId, bool),
}

/// What was read of a key; `None` if it is not there.
pub(crate) type Found = Option<(Bytes, Revision)>;

#[derive(Debug)]
pub(crate) struct Engine {
    options: Options,
    settings: Settings,
    me: Node,
    liveness: Liveness,
    election: Election,
    members: Members,
    /// The last write of each key that was begun, by number.
    writes: BTreeMap<Name, u64>,
    /// The newest plan that is known, and where it is in the history of its key.
    plan: Arc<Plan>,
    revision: Option<Revision>,
    seats: Vec<Seat>,
    /// Completed moves that the plan still has as such, as their nodes say.
    moved: BTreeSet<(Incarnation, ShardId, u64)>,
    leading: Leading,
    actions: VecDeque<Action>,
    hears: bool,
    was_heard: bool,
    look_at: Duration,
    looking: bool,
    leaving: bool,
    stopped: bool,
    sequence: u64,
    /// Whether shards have arrived that the leader was not told of.
    arrived: bool,
    last_beat: Duration,
    told_leader: Option<Epoch>,
    attention: bool,
    due: Duration,
    random: fastrand::Rng,
}

/// What a leader is doing.
#[derive(Debug, Default)]
struct Leading {
    /// The epoch has still to be stamped on the plan, for which it is read.
    stamping: bool,
    /// The plan that is being written.
    writing: Option<(Plan, Condition)>,
    again_at: Duration,
}

impl Engine {
    pub(crate) fn new(me: Member, options: Options, settings: Settings, now: Duration, seed: u64) -> Self {
        let node = me.node.clone();
        let mut random = fastrand::Rng::with_seed(seed);
        Self {
            liveness: Liveness::new(node.incarnation.uuid(), options.pulse_every, options.suspect_after),
            election: Election::new(node.clone(), options.suspect_after, now, random.u64(..)),
            members: Members::new(me),
            writes: BTreeMap::new(),
            plan: Arc::new(Plan::empty(settings.shards)),
            revision: None,
            seats: vec![Seat::default(); usize::from(settings.shards)],
            moved: BTreeSet::new(),
            leading: Leading::default(),
            actions: VecDeque::new(),
            hears: false,
            was_heard: false,
            look_at: now,
            looking: false,
            leaving: false,
            stopped: false,
            sequence: 0,
            arrived: false,
            last_beat: Duration::ZERO,
            told_leader: None,
            attention: true,
            due: now,
            me: node,
            options,
            settings,
            random,
        }
    }

    /// What is to be done next.
    pub(crate) fn action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Looks after everything that is due. To be called after other inputs, and at [`wake`](Self::wake).
    pub(crate) fn turn(&mut self, now: Duration) {
        if self.stopped || !(self.attention || now >= self.due) {
            return;
        }
        self.attention = false;
        self.listen_to_itself(now);
        self.look_around(now);
        self.keep_members(now);
        let around = self.around(now);
        self.elect(now, |election, steps| election.turn(around, now, steps));
        self.lead(now);
        self.turn_seats(now);
        self.beat(now);
        self.tell_leader();
        self.leave_if_done(now);
        self.due = self.next_due(now);
    }

    /// When [`turn`](Self::turn) is to be called, if nothing else happens.
    pub(crate) fn wake(&self) -> Duration {
        self.due
    }

    /// Somebody was heard.
    pub(crate) fn heard(&mut self, message: Message, now: Duration) {
        match message {
            Message::Pulse(beat) => self.heard_beat(beat, now),
            Message::Goodbye(node) => {
                self.liveness.goodbye(node.uuid(), now);
                self.members.left(node);
                self.election.gone(node, now);
                self.attention = true;
            }
            Message::Resigned(node, epoch) if node != self.me.incarnation => {
                self.election.resigned(node, epoch, now);
                self.attention = true;
            }
            Message::Resigned(..) => {}
            Message::Plan(plan, revision) => self.take_plan(plan, Revision::new(revision), now),
        }
    }

    fn heard_beat(&mut self, beat: Beat, now: Duration) {
        let node = beat.node.incarnation;
        self.sequence = self.sequence.max(beat.sequence);
        let sound = self.liveness.hear(node.uuid(), beat.pulse(), now);
        self.attention |= sound != Sound::Known || beat.hello;
        if let Some(epoch) = beat.leads {
            self.elect(now, |election, steps| election.heard(node, epoch, now, steps));
        }
        for (shard, since) in beat.moved {
            if self.plan.slot(shard).since == since {
                self.attention |= self.moved.insert((node, shard, since));
            }
        }
        if self.revision.is_some_and(|known| beat.plan > known.get()) {
            // There is a plan that this node has missed.
            self.look_at = self.look_at.min(now);
            self.attention = true;
        }
    }

    /// Another node has said something about a shard.
    pub(crate) fn told(&mut self, from: Incarnation, shard: ShardId, word: Word, since: u64, now: Duration) {
        self.with_seat(shard, |seat, orders| seat.told(from, word, since, now, orders));
    }

    /// The node listens to a shard, as it was asked to by that number.
    pub(crate) fn listened(&mut self, shard: ShardId, number: u32, now: Duration) {
        self.with_seat(shard, |seat, orders| seat.listened(number, now, orders));
    }

    /// Nothing is under way any more for the shard.
    pub(crate) fn drained(&mut self, shard: ShardId, now: Duration) {
        self.with_seat(shard, |seat, orders| seat.drained(now, orders));
    }

    /// The highest sequence of the store that this process has seen.
    pub(crate) fn saw_sequence(&mut self, sequence: u64) {
        self.sequence = self.sequence.max(sequence);
    }

    /// Until when the node hears itself, if nothing more is heard of it: nothing is begun afterwards.
    pub(crate) fn hears_itself_until(&self) -> Option<Duration> {
        self.liveness.connected_until()
    }

    /// The highest sequence of the store that anybody has told of.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Begins to leave: hands everything over.
    pub(crate) fn leave(&mut self) {
        self.leaving = true;
        self.members.leave();
        self.attention = true;
    }

    /// A key was read.
    pub(crate) fn looked(&mut self, name: Name, found: Result<Found, CoordinationError>, now: Duration) {
        self.attention = true;
        match (name, found) {
            (Name::Leader, Ok(found)) => {
                let leader = found.and_then(|(value, revision)| {
                    // What nobody can read is taken over.
                    from_json::<Leader>(&value).ok().map(|leader| (leader, revision))
                });
                let around = self.around(now);
                self.elect(now, |election, steps| election.looked(leader, around, now, steps));
            }
            (Name::Leader, Err(error)) => {
                self.election.blind(now);
                self.check(error);
            }
            (Name::Plan, Ok(found)) => self.stamp(found, now),
            (Name::Plan, Err(error)) => {
                self.leading.again_at = now + TRY_AGAIN;
                self.check(error);
            }
            (_, Err(error)) => self.check(error),
            (Name::Settings | Name::Member(_), Ok(_)) => {}
        }
    }

    /// All keys were read.
    pub(crate) fn looked_at_all(
        &mut self,
        found: Result<Vec<(Name, Bytes, Revision)>, CoordinationError>,
        now: Duration,
    ) {
        self.looking = false;
        self.attention = true;
        match found {
            Ok(entries) => {
                let as_of = entries.iter().map(|(_, _, revision)| *revision).max();
                let mut members = Vec::new();
                for (name, value, revision) in entries {
                    match name {
                        Name::Member(_) => members.extend(self.read_member(&value, revision)),
                        _ => self.saw(name, &value, revision, now),
                    }
                }
                self.members.are(members, as_of);
            }
            Err(error) => {
                self.look_at = now + TRY_AGAIN;
                self.check(error);
            }
        }
    }

    /// A key has changed. That is a hint, but what is written is written.
    pub(crate) fn saw(&mut self, name: Name, value: &Bytes, revision: Revision, now: Duration) {
        match name {
            Name::Plan => match from_json::<Plan>(value) {
                Ok(plan) => self.take_plan(plan, revision, now),
                Err(error) => {
                    tracing::warn!(%error, "the plan cannot be read: another version of the program has written it")
                }
            },
            Name::Member(_) => {
                if let Some((member, revision)) = self.read_member(value, revision) {
                    self.attention |= self.members.saw(member, revision);
                }
            }
            Name::Leader => match from_json::<Leader>(value) {
                Ok(leader) => self.saw_sequence(leader.sequence),
                Err(error) => tracing::warn!(%error, "the leader's key cannot be read"),
            },
            Name::Settings => {}
        }
    }

    /// A key is not there any more.
    pub(crate) fn saw_deleted(&mut self, name: &Name) {
        if let Name::Member(_) = name {
            // By whom, and what was there since, is found out by reading.
            self.look_at = Duration::ZERO;
            self.attention = true;
        }
    }

    /// A write has ended: the one of that number.
    pub(crate) fn wrote(
        &mut self,
        number: u64,
        name: Name,
        result: Result<Revision, CoordinationError>,
        now: Duration,
    ) {
        if self.writes.get(&name) != Some(&number) {
            // Another one has been begun since: what counts is what comes of that.
            return;
        }
        self.attention = true;
        let written = match &result {
            Ok(revision) => Written::At(*revision),
            Err(CoordinationError::Conflict { .. }) => Written::Conflict,
            // One that was certainly not sent may as well be tried again.
            Err(error) if error.is_retryable() => Written::Unknown,
            Err(_) => Written::Conflict,
        };
        if let Err(error) = result {
            self.check(error);
        }
        match name {
            Name::Leader => {
                let around = self.around(now);
                self.elect(now, |election, steps| election.wrote(written, around, now, steps));
            }
            Name::Plan => self.wrote_plan(written, now),
            Name::Member(_) => {
                self.members.wrote(written);
                if written == Written::Conflict {
                    self.look_at = now;
                }
            }
            Name::Settings => {}
        }
    }

    /// What cannot get better by itself ends the node.
    fn check(&mut self, error: CoordinationError) {
        if !error.is_retryable() && !error.is_conflict() {
            self.actions.push_back(Action::Fail(ClusterError::Coordination(error)));
        }
    }

    /// Notices whether this node hears itself.
    fn listen_to_itself(&mut self, now: Duration) {
        let hears = self.liveness.is_connected(now);
        if hears == self.hears {
            return;
        }
        self.hears = hears;
        self.actions.push_back(Action::Hears(hears));
        if hears {
            if self.was_heard {
                self.liveness.reconnect(now);
                self.election.reconnected(now);
            }
            self.was_heard = true;
            self.look_at = now;
        } else {
            tracing::warn!(node = %self.me, "cut off: nothing is begun until the node hears itself");
        }
    }

    fn look_around(&mut self, now: Duration) {
        if now >= self.look_at && !self.looking {
            self.looking = true;
            // Not all nodes at the same moments.
            self.look_at = now + LOOK_EVERY.mul_f64(0.8 + 0.4 * self.random.f64());
            self.actions.push_back(Action::LookAtAll);
        }
    }

    fn beat(&mut self, now: Duration) {
        if self.arrived {
            self.liveness.hurry(self.last_beat + GATHER);
        }
        let Some(pulse) = self.liveness.pulse(now) else { return };
        (self.arrived, self.last_beat) = (false, now);
        let moved = self.moves_made();
        self.actions.push_back(Action::Send(Message::Pulse(Beat {
            node: self.me.clone(),
            count: pulse.count,
            hello: pulse.hello,
            leads: self.election.leads(),
            plan: self.revision.map_or(0, Revision::get),
            moved,
            sequence: self.sequence,
        })));
        if !self.hears {
            self.liveness.hurry(now + self.options.pulse_every / HURRY);
        }
    }

    /// The moves to this node that are complete, and that the plan still has as such.
    fn moves_made(&self) -> Vec<(ShardId, u64)> {
        let seats = ShardId::all(self.settings.shards).zip(&self.seats);
        seats.filter_map(|(shard, seat)| Some((shard, seat.moved(self.me.incarnation)?))).collect()
    }

    fn around(&self, now: Duration) -> Around {
        let live = self.liveness.live(now);
        let members = self.members.incarnations();
        let heard = members.iter().filter(|member| live.contains(&member.uuid())).count();
        Around {
            connected: self.hears,
            members: members.len().max(1),
            heard: heard.max(1),
            eligible: self.members.is_written() && !self.leaving,
            sequence: self.sequence,
        }
    }

    /// Lets the election take something in, and does what comes of it.
    fn elect(&mut self, now: Duration, input: impl FnOnce(&mut Election, &mut Vec<Step>)) {
        let mut steps = Vec::new();
        input(&mut self.election, &mut steps);
        for step in steps {
            self.attention = true;
            match step {
                Step::Look => self.actions.push_back(Action::Look(Name::Leader)),
                Step::Write(leader, condition) => {
                    self.put(Name::Leader, to_json(&leader), condition);
                }
                Step::Won(epoch) => {
                    tracing::info!(node = %self.me, %epoch, "leads");
                    self.leading = Leading { stamping: true, writing: None, again_at: now + TRY_AGAIN };
                    // Everybody else may stop waiting.
                    self.liveness.hurry(now);
                    self.actions.push_back(Action::Look(Name::Plan));
                }
                Step::Lost(epoch) => {
                    tracing::info!(node = %self.me, %epoch, "does not lead any more");
                    self.leading = Leading::default();
                    self.actions.push_back(Action::Send(Message::Resigned(self.me.incarnation, epoch)));
                }
            }
        }
    }

    /// A leader's first act: the epoch on the plan keeps its predecessor from writing it.
    fn stamp(&mut self, found: Found, now: Duration) {
        let Some(epoch) = self.election.leads().filter(|_| self.leading.stamping) else { return };
        if self.leading.writing.is_some() {
            return;
        }
        let (mut plan, revision) = match found {
            None => (Plan::empty(self.settings.shards), None),
            Some((value, revision)) => match from_json::<Plan>(&value) {
                Ok(plan) => (plan, Some(revision)),
                Err(error) => {
                    tracing::warn!(%error, "the plan cannot be read, and is made anew");
                    (Plan::empty(self.settings.shards), Some(revision))
                }
            },
        };
        match revision {
            Some(revision) => self.take_plan(plan.clone(), revision, now),
            None if self.revision.is_some() => return,
            None => {}
        }
        if self.election.leads() != Some(epoch) || self.revision > revision {
            // Somebody else leads; or an old plan was read, and there is a newer one.
            return;
        }
        plan.epoch = epoch;
        plan.version += 1;
        plan.slots.resize(usize::from(self.settings.shards), crate::plan::Slot::default());
        self.write_plan(plan, Condition::from(revision));
    }

    fn write_plan(&mut self, plan: Plan, condition: Condition) {
        let value = to_json(&plan);
        self.leading.writing = Some((plan, condition));
        self.put(Name::Plan, value, condition);
    }

    fn wrote_plan(&mut self, written: Written, now: Duration) {
        let Some((plan, condition)) = self.leading.writing.take() else { return };
        match written {
            Written::At(revision) => {
                self.leading.stamping = false;
                self.actions.push_back(Action::Send(Message::Plan(plan.clone(), revision.get())));
                self.take_plan(plan, revision, now);
            }
            // The same bytes again, until it is known.
            Written::Unknown => self.write_plan(plan, condition),
            Written::Conflict => {
                // Somebody has stamped it since, or it is this node's own write of before it led again.
                self.leading.stamping = true;
                self.leading.again_at = now;
            }
        }
    }

    fn put(&mut self, name: Name, value: Bytes, condition: Condition) {
        let number = self.writes.entry(name.clone()).or_default();
        *number += 1;
        self.actions.push_back(Action::Put(*number, name, value, condition));
    }

    /// Makes the plan what it should be.
    fn lead(&mut self, now: Duration) {
        let Some(epoch) = self.election.leads() else { return };
        if self.leading.writing.is_some() {
            return;
        }
        if self.leading.stamping {
            if now >= self.leading.again_at {
                self.leading.again_at = now + TRY_AGAIN;
                self.actions.push_back(Action::Look(Name::Plan));
            }
            return;
        }
        if self.plan.epoch != epoch || !self.hears || !self.members.is_known() {
            return;
        }
        let live = self.liveness.live(now);
        let known = planner::Known {
            live: self
                .members
                .iter()
                .filter(|member| live.contains(&member.node.incarnation.uuid()))
                .collect(),
            moved: &self.moved,
            cap: (f64::from(self.settings.shards) * self.options.moves).max(1.0) as usize,
        };
        if let Some(next) = planner::next(&self.plan, &known, &*self.options.placement) {
            let condition = Condition::from(self.revision);
            self.write_plan(next, condition);
        }
    }

    /// A plan that somebody has written.
    fn take_plan(&mut self, plan: Plan, revision: Revision, now: Duration) {
        self.elect(now, |election, steps| election.planned(plan.epoch, now, steps));
        if self.revision.is_some_and(|known| revision <= known) {
            return;
        }
        self.revision = Some(revision);
        let plan = Arc::new(plan);
        self.plan = Arc::clone(&plan);
        self.moved.retain(|(_, shard, since)| plan.slot(*shard).since == *since);
        for (shard, slot) in plan.shards() {
            let me = self.me.incarnation;
            self.with_seat(shard, |seat, orders| seat.planned(me, slot, now, orders));
        }
        self.attention = true;
        self.actions.push_back(Action::Tell(Happened::Plan(plan)));
    }

    fn with_seat(&mut self, shard: ShardId, input: impl FnOnce(&mut Seat, &mut Vec<Order>)) {
        let Some(seat) = self.seats.get_mut(shard.index()) else { return };
        let mut orders = Vec::new();
        let acted = seat.is_acting();
        input(seat, &mut orders);
        let acts = seat.is_acting();
        if let Some(due) = seat.due() {
            self.due = self.due.min(due);
        }
        self.actions.extend(orders.into_iter().map(|order| Action::Shard(shard, order)));
        if acts != acted {
            self.actions.push_back(Action::Tell(Happened::Acts(shard, acts)));
            if seat.moved(self.me.incarnation).is_some() {
                // The leader should know soon.
                self.arrived = true;
                self.attention = true;
            }
        }
    }

    fn turn_seats(&mut self, now: Duration) {
        for shard in ShardId::all(self.settings.shards) {
            if self.seats.get(shard.index()).and_then(Seat::due).is_some_and(|due| due <= now) {
                self.with_seat(shard, |seat, orders| seat.turn(now, orders));
            }
        }
    }

    fn tell_leader(&mut self) {
        let leader = self.election.leader();
        if self.told_leader != leader.map(|(epoch, _)| epoch) {
            self.told_leader = leader.map(|(epoch, _)| epoch);
            let node = leader.and_then(|(epoch, leader)| Some((epoch, self.members.node(leader)?)));
            if node.is_none() {
                // It is not known by name yet.
                self.told_leader = None;
                return;
            }
            self.actions.push_back(Action::Tell(Happened::Leader(node)));
        }
    }

    fn leave_if_done(&mut self, now: Duration) {
        if !self.leaving || self.stopped || self.members.is_writing() {
            return;
        }
        let me = self.me.incarnation;
        let live = self.liveness.live(now);
        let heirs = self.members.iter().any(|member| {
            let incarnation = member.node.incarnation;
            incarnation != me && !member.leaving && member.weight > 0 && live.contains(&incarnation.uuid())
        });
        // Whoever was given up has nothing left to hand over.
        if self.plan.has(me) && heirs && self.members.is_member() {
            return;
        }
        self.stopped = true;
        if let Some(revision) = self.members.own_revision() {
            self.actions.push_back(Action::Delete(Name::Member(self.me.id.clone()), revision));
        }
        self.actions.push_back(Action::Send(Message::Goodbye(me)));
        self.actions.push_back(Action::Stopped);
    }

    fn next_due(&self, now: Duration) -> Duration {
        let soon = now + Duration::from_millis(1);
        let mut due = self.liveness.next_pulse().min(self.look_at).min(self.election.due(self.around(now)));
        if self.leading.stamping {
            due = due.min(self.leading.again_at);
        }
        let seats = self.seats.iter().filter_map(Seat::due).min();
        due.min(seats.unwrap_or(Duration::MAX)).max(soon)
    }

    fn read_member(&self, value: &Bytes, revision: Revision) -> Option<(Member, Revision)> {
        match from_json::<Member>(value) {
            Ok(member) => Some((member, revision)),
            Err(error) => {
                tracing::warn!(%error, "the record of a member cannot be read: another version of the program has written it");
                None
            }
        }
    }
}
