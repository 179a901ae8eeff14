//! [`Engine`]: everything that a node decides. Pure: what happens and the time go in, [`Action`]s come out.

mod election;
mod keys;
mod leading;
mod members;
#[cfg(test)]
mod model;
pub(crate) mod planner;
mod seat;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use aether_coordination::{Condition, Liveness, Revision, Sound};
use bytes::Bytes;

use self::election::{Around, Election};
use self::leading::Leading;
use self::members::Members;
use self::seat::Seat;
use crate::placement::Placement;
use crate::plan::{Epoch, Plan};
use crate::record::{Name, Settings, to_json};
use crate::signal::{Beat, Message};
use crate::{ClusterError, Incarnation, Member, MemberState, Node, ShardId};

pub(crate) use self::election::Step;
pub(crate) use self::seat::{Order, Word};

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
    /// `true` if the node hears itself: nothing is begun while it does not.
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
    /// `true` if shards have arrived that the leader was not told of.
    arrived: bool,
    last_beat: Duration,
    told_leader: Option<Epoch>,
    attention: bool,
    due: Duration,
    random: fastrand::Rng,
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
            eligible: self.members.is_written() && !self.leaving && self.members.suits(&live),
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
}
