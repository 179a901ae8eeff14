//! [`Host`]: where a node runs, and [`Process`]: one start of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::actor::Activation;
use super::input::{Input, Item, Request};
use super::net::{Clock, Place};
use super::scenario::Mutant;
use super::world::World;
use crate::engine::{Action, Engine, Happened, Options, Order, Word};
use crate::placement::Rendezvous;
use crate::plan::Plan;
use crate::record::Settings;
use crate::routing::gate::{Gate, Room, Stance};
use crate::signal::Message;
use crate::{Epoch, Incarnation, Member, MemberState, Node, NodeId, ShardId};

/// A machine: nodes are started on it one after the other.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) id: NodeId,
    pub(super) process: Option<Process>,
    /// What the servers still believe a dead process to listen to, and for how long.
    pub(super) ghost: (BTreeSet<ShardId>, Duration),
}

/// One start of a node.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) incarnation: Incarnation,
    pub(super) engine: Engine,
    pub(super) clock: Clock,
    pub(super) frozen_since: Duration,
    pub(super) frozen_until: Duration,
    pub(super) leaving: bool,
    pub(super) stopped: bool,
    /// Until when it hears itself, by its clock.
    pub(super) hears_until: Duration,
    pub(super) gates: Vec<Gate<Request>>,
    /// How many requests are under way, by shard.
    pub(super) inside: Vec<u32>,
    /// Since when it listens to each shard.
    pub(super) listens: Vec<Option<Duration>>,
    pub(super) activations: BTreeMap<usize, Activation>,
    /// Who has released which shard to it.
    released: BTreeSet<(ShardId, Incarnation)>,
    pub(super) leads: Option<Epoch>,
    pub(super) members: BTreeMap<Incarnation, MemberState>,
    pub(super) plan: Arc<Plan>,
    wake_at: Duration,
}

impl Process {
    pub(super) fn hears_itself(&self, now: Duration) -> bool {
        self.clock.at(now) < self.hears_until
    }
}

impl World {
    /// A process is started on a host; another one that runs there is killed.
    pub(super) fn start(&mut self, node: usize) {
        self.crash(node, false);
        let Some(host) = self.hosts.get(node) else { return };
        let incarnation = Incarnation::from(Uuid::from_u128(self.random.u128(..)));
        let me = Node { id: host.id.clone(), incarnation };
        let member = Member::new(me, OffsetDateTime::UNIX_EPOCH, (1, 1));
        let rate = if self.calm { 1.0 } else { 0.9 + 0.2 * self.random.f64() };
        let shows = Duration::from_millis(self.random.u64(1_000..1_000_000));
        let clock = Clock::new(self.now, shows, rate);
        let options = Options {
            pulse_every: self.suspect_after / 6,
            suspect_after: self.suspect_after,
            moves: 0.1,
            placement: Arc::new(Rendezvous::new()),
        };
        let settings = Settings { shards: self.shards };
        let engine = Engine::new(member, options, settings, shows, self.random.u64(..));
        let shards = usize::from(self.shards);
        self.hosts[node].process = Some(Process {
            incarnation,
            engine,
            clock,
            frozen_since: Duration::ZERO,
            frozen_until: Duration::ZERO,
            leaving: false,
            stopped: false,
            hears_until: Duration::ZERO,
            gates: (0..shards).map(|_| Gate::new(incarnation, Room::default())).collect(),
            inside: vec![0; shards],
            listens: vec![None; shards],
            activations: BTreeMap::new(),
            released: BTreeSet::new(),
            leads: None,
            members: BTreeMap::new(),
            plan: Arc::new(Plan::empty(self.shards)),
            wake_at: Duration::MAX,
        });
        self.log(|| format!("n{node} is started as {}", short(incarnation)));
        self.count("starts");
        self.turn(node);
    }

    /// A process is killed. Its machine may be lost with it, which the servers notice late.
    pub(super) fn crash(&mut self, node: usize, lost: bool) {
        let Some(host) = self.hosts.get_mut(node) else { return };
        let Some(process) = host.process.take() else { return };
        let linger = self.now + Duration::from_secs(if lost { 2 } else { 0 });
        let listened = process.listens.iter().zip(ShardId::all(self.shards));
        host.ghost = (listened.filter_map(|(since, shard)| since.map(|_| shard)).collect(), linger);
        self.log(|| format!("n{node} {} is gone", short(process.incarnation)));
        self.abandon(node);
    }

    pub(super) fn process(&self, node: usize) -> Option<&Process> {
        self.hosts.get(node)?.process.as_ref()
    }

    pub(super) fn process_mut(&mut self, node: usize) -> Option<&mut Process> {
        self.hosts.get_mut(node)?.process.as_mut()
    }

    /// The processes that run, with their numbers.
    pub(super) fn processes(&self) -> impl Iterator<Item = (usize, &Process)> {
        let hosts = self.hosts.iter().enumerate();
        hosts
            .filter_map(|(node, host)| Some((node, host.process.as_ref()?)))
            .filter(|(_, process)| !process.stopped)
    }

    pub(super) fn node_of(&self, incarnation: Incarnation) -> Option<usize> {
        let mut all = self.hosts.iter();
        all.position(|host| host.process.as_ref().is_some_and(|process| process.incarnation == incarnation))
    }

    /// Something happens to a process, if it is still there; if it is frozen, it finds it when it wakes up.
    pub(super) fn input(&mut self, node: usize, incarnation: Incarnation, input: Input) {
        let now = self.now;
        let Some(process) = self.process_mut(node).filter(|process| process.incarnation == incarnation)
        else {
            return;
        };
        if process.frozen_until > now {
            let at = process.frozen_until;
            return self.tell_node(at, node, incarnation, input);
        }
        let local = process.clock.at(now);
        match input {
            Input::Asked { shard, request, arrived } => return self.asked(node, shard, request, arrived),
            Input::Forwarded { shard, request } => return self.forwarded(node, shard, request),
            Input::Stored { actor, step, told } => return self.stored(node, actor, step, told),
            Input::AskAgain { actor, step } => return self.ask_again(node, actor, step),
            _ if process.stopped => return,
            // Another one is set for an earlier time.
            Input::Wake(at) if at != process.wake_at => return,
            Input::Wake(_) => process.wake_at = Duration::MAX,
            Input::Heard(message) => process.engine.heard(message, local),
            Input::Said { .. } if !process.hears_itself(now) => return,
            Input::Said { from, shard, word, since } => {
                if word == Word::Release {
                    process.released.insert((shard, from));
                }
                process.engine.told(from, shard, word, since, local);
            }
            Input::Wrote { number, name, result } => process.engine.wrote(number, name, result, local),
            Input::Looked { name, found } => process.engine.looked(name, found, local),
            Input::LookedAtAll(found) => process.engine.looked_at_all(found, local),
            Input::Saw { name, value, revision } => process.engine.saw(name, &value, revision, local),
            Input::SawDeleted(name) => process.engine.saw_deleted(&name),
            Input::Drained(shard) => process.engine.drained(shard, local),
            Input::Listened { shard, number } => process.engine.listened(shard, number, local),
        }
        self.turn(node);
    }

    /// Lets a node do what is due.
    pub(super) fn turn(&mut self, node: usize) {
        let now = self.now;
        let Some(process) = self.process_mut(node) else { return };
        process.engine.turn(process.clock.at(now));
        while let Some(action) = self.process_mut(node).and_then(|process| process.engine.action()) {
            self.act(node, action);
        }
        let Some(process) = self.process_mut(node) else { return };
        process.hears_until = process.engine.hears_itself_until().unwrap_or_default();
        let wake = process.engine.wake().max(process.clock.at(now) + Duration::from_micros(100));
        if wake < process.wake_at && !process.stopped {
            process.wake_at = wake;
            let (at, incarnation) = (process.clock.when(wake), process.incarnation);
            self.tell_node(at, node, incarnation, Input::Wake(wake));
        }
    }

    fn act(&mut self, node: usize, action: Action) {
        let Some(process) = self.process_mut(node) else { return };
        let incarnation = process.incarnation;
        match action {
            Action::Send(message) => self.send(node, message),
            Action::Put(number, name, value, condition) => {
                self.put(node, incarnation, Some(number), name, Some(value), condition);
            }
            Action::Delete(name, revision) => {
                self.put(node, incarnation, None, name, None, Some(revision).into());
            }
            Action::Look(name) => self.look(node, incarnation, Some(name)),
            Action::LookAtAll => self.look(node, incarnation, None),
            Action::Shard(shard, order) => self.order(node, incarnation, shard, order),
            Action::Hears(hears) => {
                self.log(|| format!("n{node} {}", if hears { "hears itself" } else { "is deaf" }));
                if !hears {
                    self.count("times a node was deaf");
                }
            }
            Action::Tell(happened) => self.happened(node, happened),
            Action::Stopped => {
                process.stopped = true;
                self.log(|| format!("n{node} has left"));
                self.count("orderly leaves");
                self.abandon(node);
            }
            Action::Fail(error) => {
                if error.is_replaced() {
                    // A late write of a process before this one has won: whoever runs the node starts it again.
                    self.count("processes that were replaced");
                    self.log(|| format!("n{node} is replaced"));
                    self.crash(node, false);
                    self.push(self.now + Duration::from_millis(500), Item::Start(node));
                } else {
                    self.wrong(|| format!("n{node} fails: {error}"));
                }
            }
        }
    }

    fn send(&mut self, node: usize, message: Message) {
        self.judge_message(node, &message);
        let shown = |message: &Message| match message {
            Message::Pulse(_) => None,
            Message::Goodbye(_) => Some(format!("n{node} says goodbye")),
            Message::Resigned(_, epoch) => Some(format!("n{node} resigns from epoch {epoch}")),
            Message::Plan(plan, revision) => {
                Some(format!("n{node} sends plan {}/{} at {revision}", plan.epoch, plan.version))
            }
        };
        if let Some(shown) = shown(&message) {
            self.log(|| shown);
        }
        for to in 0..self.hosts.len() {
            let Some(incarnation) = self.process(to).map(|process| process.incarnation) else { continue };
            for at in self.net.send(Place::node(node), Place::node(to), self.now, &mut self.random) {
                let message = self.heard_as(to, message.clone());
                self.tell_node(at, to, incarnation, Input::Heard(message));
            }
        }
    }

    /// What a node makes of a message: a mutant takes old reports for new ones.
    fn heard_as(&mut self, to: usize, message: Message) -> Message {
        match message {
            Message::Pulse(mut beat) if self.is(Mutant::OldReportsCount) => {
                let reported = self.reported.entry(beat.node.incarnation).or_default();
                reported.extend(beat.moved.iter().map(|(shard, _)| *shard));
                let plan = self.hosts.get(to).and_then(|host| Some(&host.process.as_ref()?.plan));
                if let Some(plan) = plan {
                    beat.moved = reported.iter().map(|shard| (*shard, plan.slot(*shard).since)).collect();
                }
                Message::Pulse(beat)
            }
            Message::Plan(plan, revision) if self.is(Mutant::NoEpochCheck) => {
                let leads = self.process(to).and_then(|process| process.leads);
                let plan = leads.map_or(plan.clone(), |epoch| self.plan_as(epoch, plan));
                Message::Plan(plan, revision)
            }
            message => message,
        }
    }

    fn order(&mut self, node: usize, incarnation: Incarnation, shard: ShardId, order: Order) {
        let now = self.now;
        if !matches!(order, Order::Say(..)) {
            self.log(|| format!("n{node} shard {shard}: {}", shown(order)));
        }
        match order {
            Order::Listen(number) => {
                let at = now + self.latency() + self.latency();
                self.push(at, Item::Listen { node, incarnation, shard, number });
            }
            Order::Close => {
                let at = now + self.latency();
                self.push(at, Item::Unlisten { node, incarnation, shard });
                // What still comes after a handover is sent on until nothing comes any more.
                let stance =
                    self.process(node).and_then(|process| process.gates.get(shard.index()).map(Gate::stance));
                if !matches!(stance, Some(Stance::Forwarding(_))) {
                    self.close_gate(node, shard);
                }
            }
            Order::Keep => self.set_gate(node, shard, Stance::Preparing),
            Order::Act if self.waits_for_the_dead(node, shard) => {}
            Order::Act => self.set_gate(node, shard, Stance::Acting),
            Order::Hold(to) => {
                self.count("handoffs begun");
                self.set_gate(node, shard, Stance::Holding(to));
                self.drain(node, shard);
            }
            Order::HandOver(to, _) => self.set_gate(node, shard, Stance::Forwarding(to)),
            Order::Say(to, word, since) => self.say(node, incarnation, shard, to, word, since),
        }
    }

    /// A mutant does not act before the owner has released the shard, whatever the plan says.
    fn waits_for_the_dead(&self, node: usize, shard: ShardId) -> bool {
        let Some(process) = self.process(node).filter(|_| self.is(Mutant::WaitsForTheDead)) else {
            return false;
        };
        let owner = process.plan.slot(shard).owner.filter(|owner| *owner != process.incarnation);
        owner.is_some_and(|owner| !process.released.contains(&(shard, owner)))
    }

    fn say(
        &mut self,
        node: usize,
        from: Incarnation,
        shard: ShardId,
        to: Incarnation,
        word: Word,
        since: u64,
    ) {
        self.log(|| format!("n{node} shard {shard}: says {word:?} {since} to {}", short(to)));
        if word == Word::Taken {
            self.count("handoffs done");
        }
        let Some(other) = self.node_of(to) else { return };
        for at in self.net.send(Place::node(node), Place::node(other), self.now, &mut self.random) {
            self.tell_node(at, other, to, Input::Said { from, shard, word, since });
        }
    }

    pub(super) fn listen(&mut self, node: usize, incarnation: Incarnation, shard: ShardId, number: u32) {
        let (now, place) = (self.now, Place::node(node));
        if !self.net.reaches(place, place, now) {
            let at = now + Duration::from_millis(100);
            return self.push(at, Item::Listen { node, incarnation, shard, number });
        }
        let Some(process) = self.process_mut(node).filter(|process| process.incarnation == incarnation)
        else {
            return;
        };
        if let Some(since) = process.listens.get_mut(shard.index()) {
            *since = Some(now);
        }
        self.input(node, incarnation, Input::Listened { shard, number });
    }

    pub(super) fn unlisten(&mut self, node: usize, incarnation: Incarnation, shard: ShardId) {
        let Some(process) = self.process_mut(node).filter(|process| process.incarnation == incarnation)
        else {
            return;
        };
        // It may have been opened again since; then the one that counts is the new one.
        let stance = process.gates.get(shard.index()).map(Gate::stance);
        if !matches!(stance, Some(Stance::Closed | Stance::Forwarding(_))) {
            return;
        }
        if let Some(since) = process.listens.get_mut(shard.index()) {
            *since = None;
        }
        self.close_gate(node, shard);
    }

    fn happened(&mut self, node: usize, happened: Happened) {
        self.judge_happened(node, &happened);
        let Some(process) = self.process_mut(node) else { return };
        match happened {
            Happened::Member(member, state) => {
                if state == MemberState::Gone {
                    process.members.remove(&member.node.incarnation);
                } else {
                    process.members.insert(member.node.incarnation, state);
                }
                let suspected = state == MemberState::Suspect;
                if suspected {
                    self.count("suspicions");
                }
                self.log(|| {
                    format!("n{node}: {} {} is {state}", member.id(), short(member.node.incarnation))
                });
            }
            Happened::Plan(plan) => {
                process.plan = plan;
            }
            Happened::Acts(..) | Happened::Leader(_) => {}
        }
    }
}

/// The last digits of an incarnation, for people.
pub(super) fn short(incarnation: Incarnation) -> String {
    format!("{:04x}", incarnation.uuid().as_u128() & 0xffff)
}

fn shown(order: Order) -> String {
    match order {
        Order::HandOver(to, _) => format!("HandOver({})", short(to)),
        order => format!("{order:?}"),
    }
}
