//! [`Sender`]: somebody who asks, one thing after the other.

use std::sync::Arc;
use std::time::Duration;

use super::call::{Call, End, Step};
use super::clock::Clock;
use super::host::short;
use super::input::{Input, News};
use super::judge::Asked;
use super::mutant::Mutant;
use super::net::Place;
use super::wire::{Answer, Outcome, Reply, Request, What};
use super::world::{ACTORS, World};
use crate::plan::Plan;
use crate::record::{Name, from_json};
use crate::{Incarnation, ShardId};

/// Somebody who asks: on a node, or a client of the cluster.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) place: Place,
    /// A client's own.
    clock: Clock,
    /// What a client knows of the plan.
    plan: Arc<Plan>,
    call: u64,
    pub(super) doing: Option<Doing>,
    /// The highest sequence of each actor that it was told.
    seen: Vec<u64>,
    /// What it will ask again, since it was not told what has come of it.
    again: Option<(u64, usize, What)>,
    /// What it is to ask next, whatever else it would.
    pub(super) next: Option<(usize, What)>,
    pub(super) idle: bool,
    wake_at: Duration,
}

/// What a sender waits for.
#[derive(Debug)]
pub(super) struct Doing {
    pub(super) id: u64,
    pub(super) actor: usize,
    pub(super) what: What,
    seen: u64,
    /// Asked by the process itself, until then.
    local: Option<(Incarnation, Duration)>,
    call: Call,
    /// When the last attempt was sent.
    sent: Duration,
}

/// What has become of what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Answered { outcome: Outcome, sequence: u64 },
    /// Nothing was saved, and nothing will be.
    Failed,
    Unknown,
}

impl World {
    pub(super) fn add_sender(&mut self, place: Place) {
        let number = self.senders.len();
        let rate = if self.calm { 1.0 } else { 0.9 + 0.2 * self.random.f64() };
        self.senders.push(Sender {
            place,
            clock: Clock::new(self.now, Duration::from_secs(1), rate),
            plan: Arc::new(Plan::empty(self.shards)),
            call: 0,
            doing: None,
            seen: vec![0; self.actors.len()],
            again: None,
            next: None,
            idle: false,
            wake_at: Duration::MAX,
        });
        self.rest_until(number, self.now + Duration::from_millis(500));
    }

    /// What time it is where somebody asks; `None` if there is nobody.
    fn clock_of(&self, sender: usize) -> Option<Clock> {
        let sender = self.senders.get(sender)?;
        match sender.place.as_node() {
            Some(node) => self.process(node).filter(|process| !process.stopped).map(|process| process.clock),
            None => Some(sender.clock),
        }
    }

    fn rest_until(&mut self, number: usize, at: Duration) {
        if let Some(sender) = self.senders.get_mut(number) {
            sender.wake_at = at;
        }
        self.to_sender(at, number, News::Wake(at));
    }

    /// A process has died, and whoever asked from there does not learn what has come of it.
    pub(super) fn abandon(&mut self, node: usize) {
        for number in 0..self.senders.len() {
            if self.senders[number].place != Place::node(node) {
                continue;
            }
            self.senders[number].seen.fill(0);
            if self.senders[number].doing.is_some() {
                self.count("calls that died with their process");
                self.end(number, Ended::Unknown);
            }
        }
    }

    /// Something happens to somebody who asks.
    pub(super) fn news(&mut self, number: usize, news: News) {
        let now = self.now;
        let Some(sender) = self.senders.get(number) else { return };
        if let Some(process) = sender.place.as_node().and_then(|node| self.process(node))
            && process.frozen_until > now
        {
            let at = process.frozen_until;
            return self.to_sender(at, number, news);
        }
        let Some(clock) = self.clock_of(number) else {
            // Until its process runs again.
            if matches!(news, News::Wake(_)) {
                self.rest_until(number, now + Duration::from_millis(300));
            }
            return;
        };
        let local = clock.at(now);
        match news {
            News::Wake(at) => {
                let sender = &self.senders[number];
                if at != sender.wake_at {
                    // Another one is set.
                    return;
                }
                if sender.doing.is_none() {
                    if sender.idle {
                        return self.rest_until(number, now + Duration::from_millis(50));
                    }
                    self.ask(number, local);
                }
            }
            News::Reply(reply) => return self.replied(number, reply, local),
            News::NoResponders { call, attempt } => {
                if let Some(doing) = self.doing(number, call) {
                    doing.call.no_responders(attempt, local);
                    self.count("no responders");
                }
            }
        }
        self.go_on_asking(number);
    }

    fn doing(&mut self, number: usize, call: u64) -> Option<&mut Doing> {
        let sender = self.senders.get_mut(number)?;
        (sender.call == call).then_some(sender.doing.as_mut()).flatten()
    }

    /// Begins to ask for something.
    fn ask(&mut self, number: usize, local: Duration) {
        let fresh_id = self.number();
        let drawn = self.draw(fresh_id);
        let calm = self.calm;
        let within = if calm { 15 } else { self.random.u64(5..=15) };
        let deadline = local + Duration::from_secs(within);
        let Some(sender) = self.senders.get_mut(number) else { return };
        let again = sender.again.take();
        let fresh = again.is_none();
        let (id, actor, what) = match (sender.next.take(), again) {
            (_, Some(again)) => again,
            (Some((actor, what)), None) => (fresh_id, actor, what),
            (None, None) => (fresh_id, drawn.0, drawn.1),
        };
        sender.call += 1;
        let (call, place, seen) = (sender.call, sender.place, sender.seen[actor]);
        if !fresh {
            self.count("re-sent by the caller");
        }
        let now = self.now;
        self.judge.asked(id, Asked { actor, what, at: now, fresh });
        self.log(|| format!("s{number} call {call}: asks {what:?} of actor {actor}, id {id}"));
        let shard = self.actors[actor];
        let doing = Doing {
            id,
            actor,
            what,
            seen,
            local: None,
            call: Call::new(what.is_query(), !fresh, deadline, local),
            sent: now,
        };
        self.senders[number].doing = Some(doing);
        if place.as_node().is_none() && self.random.u8(..4) == 0 {
            self.read_plan(number);
        }
        if let Some(node) = place.as_node() {
            self.ask_here(node, number, shard, fresh, deadline, local);
        }
    }

    /// Asks the own process, if it acts for the shard.
    fn ask_here(&mut self, node: usize, number: usize, shard: ShardId, fresh: bool, deadline: Duration, local: Duration) {
        let Some(process) = self.process(node) else { return };
        let acts = process.gates[shard.index()].stance() == crate::routing::gate::Stance::Acting;
        if !acts || !process.hears {
            return;
        }
        let incarnation = process.incarnation;
        self.count("local asks");
        let now = self.now;
        let sender = &mut self.senders[number];
        let call = sender.call;
        let Some(doing) = sender.doing.as_mut() else { return };
        doing.local = Some((incarnation, deadline));
        let request = Request {
            sender: number,
            call,
            attempt: 0,
            id: doing.id,
            actor: doing.actor,
            what: doing.what,
            to: Some(incarnation),
            recorded: !fresh,
            seen: doing.seen,
            left: deadline - local,
            local: true,
            sent: now,
        };
        self.begin(node, shard, request);
    }

    /// What somebody may ask.
    fn draw(&mut self, number: u64) -> (usize, What) {
        let actor = self.random.usize(..ACTORS);
        let head = self.store.log(actor).len();
        let what = match self.random.u8(..10) {
            0..3 => What::Append(number),
            3..7 => {
                // Often what stands; and often what stood before, or will.
                let back = self.random.usize(..3);
                let last = self.store.state(actor, head.saturating_sub(back)).last;
                What::AppendAfter { last, number }
            }
            7..9 => What::Read,
            _ => What::ReadLatest,
        };
        (actor, what)
    }

    /// A client reads the plan, though from a server that may be behind.
    fn read_plan(&mut self, number: usize) {
        let place = self.senders[number].place;
        if !self.net.reaches(place, Place::KEYS, self.now) {
            return;
        }
        let found = self.keys.get(&Name::Plan);
        if let Some(plan) = found.and_then(|(value, _)| from_json::<Plan>(&value).ok()) {
            self.senders[number].plan = Arc::new(plan);
        }
    }

    /// Goes on with what is asked, as long as there is something to do.
    fn go_on_asking(&mut self, number: usize) {
        let now = self.now;
        let Some(clock) = self.clock_of(number) else { return };
        let local = clock.at(now);
        let Some(sender) = self.senders.get(number) else { return };
        let plan = match sender.place.as_node().and_then(|node| self.process(node)) {
            Some(process) => Arc::clone(&process.plan),
            None => Arc::clone(&sender.plan),
        };
        let Some(doing) = &mut self.senders[number].doing else { return };
        if let Some((_, until)) = doing.local {
            if local >= until {
                return self.end(number, Ended::Unknown);
            }
            let at = clock.when(until);
            return self.rest_until(number, at);
        }
        let shard = self.actors[doing.actor];
        let timeouts = doing.call.timeouts;
        let step = doing.call.turn(plan.slot(shard).owner, local);
        let (timed_out, sent) = (doing.call.timeouts > timeouts, doing.sent);
        if timed_out {
            self.count("attempts that timed out");
            self.judge_timeout(number, sent);
        }
        match step {
            Step::Wait(until) => self.rest_until(number, clock.when(until)),
            Step::TimedOut => self.end(number, Ended::Unknown),
            Step::Send { attempt, to, recorded, left } => {
                let sender = &self.senders[number];
                let Some(doing) = &sender.doing else { return };
                let request = Request {
                    sender: number,
                    call: sender.call,
                    attempt,
                    id: doing.id,
                    actor: doing.actor,
                    what: doing.what,
                    to,
                    recorded,
                    seen: doing.seen,
                    left,
                    local: false,
                    sent: now,
                };
                if let Some(doing) = &mut self.senders[number].doing {
                    doing.sent = now;
                }
                self.publish(number, shard, request);
                // There is always something to wait for then.
                self.go_on_asking(number);
            }
        }
    }

    /// Sends a request to whoever listens to the shard.
    fn publish(&mut self, number: usize, shard: ShardId, request: Request) {
        let (now, place) = (self.now, self.senders[number].place);
        self.count("requests");
        let (call, attempt) = (request.call, request.attempt);
        if attempt > 1 {
            self.count("attempts after the first");
        }
        self.log(|| {
            let to = request.to.map(short);
            format!("s{number} {call}.{attempt}: sends to {to:?}, recorded {}", request.recorded)
        });
        if !self.net.reaches(place, place, now) {
            return;
        }
        let mut listeners = Vec::new();
        let mut ghosts = false;
        for node in 0..self.hosts.len() {
            let host = &self.hosts[node];
            if !self.net.reaches(place, Place::node(node), now) {
                continue;
            }
            ghosts |= host.ghost.1 > now && host.ghost.0.contains(&shard);
            let Some(process) = &host.process else { continue };
            // It takes a while until everybody's server knows who listens.
            let spread = Duration::from_micros((number as u64 * 7919 + node as u64 * 104_729) % 15_000);
            if process.listens[shard.index()].is_some_and(|since| since + spread <= now) {
                listeners.push((node, process.incarnation));
            }
        }
        if listeners.is_empty() && !ghosts {
            let at = now + self.latency();
            return self.to_sender(at, number, News::NoResponders { call, attempt });
        }
        if self.is(Mutant::QueueGroups) && !listeners.is_empty() {
            let one = self.random.usize(..listeners.len());
            listeners = vec![listeners[one]];
        }
        for (node, incarnation) in listeners {
            for at in self.net.send(place, Place::node(node), now, &mut self.random) {
                let request = request.clone();
                self.to_node(at, node, incarnation, Input::Asked { shard, request, arrived: at });
            }
        }
    }

    fn replied(&mut self, number: usize, mut reply: Reply, local: Duration) {
        let believes = self.is(Mutant::EarlierReplyBelieved);
        let Some(doing) = self.doing(number, reply.call) else { return };
        if doing.local.is_some() || reply.attempt == 0 {
            if doing.local.is_some() && reply.attempt == 0 {
                let ended = match reply.answer {
                    Answer::Outcome { outcome, sequence, .. } => Ended::Answered { outcome, sequence },
                    _ => Ended::Failed,
                };
                self.end(number, ended);
            }
            return;
        }
        if let Answer::Outcome { recorded, .. } = &mut reply.answer
            && believes
        {
            *recorded = true;
        }
        match doing.call.replied(reply.attempt, reply.from, reply.answer, local) {
            Some(End::Answered { outcome, sequence, .. }) => {
                self.end(number, Ended::Answered { outcome, sequence });
            }
            Some(End::Failed) => self.end(number, Ended::Failed),
            None => {
                if matches!(reply.answer, Answer::Outcome { .. }) {
                    self.count("unrecorded replies to earlier attempts");
                }
                self.go_on_asking(number);
            }
        }
    }

    /// It is known what has come of it, or it is given up.
    fn end(&mut self, number: usize, ended: Ended) {
        let Some(doing) = self.senders[number].doing.take() else { return };
        let call = self.senders[number].call;
        self.log(|| format!("s{number} call {call}: {ended:?}"));
        self.judge_ended(doing.id, doing.actor, doing.what, doing.seen, ended);
        if let Ended::Answered { sequence, .. } = ended {
            let seen = &mut self.senders[number].seen[doing.actor];
            *seen = sequence.max(*seen);
        }
        if ended == Ended::Unknown && !doing.what.is_query() && self.random.bool() {
            self.senders[number].again = Some((doing.id, doing.actor, doing.what));
        }
        let pause = self.now + Duration::from_millis(self.random.u64(1..300));
        self.rest_until(number, pause);
    }

    /// Lets everybody know the plan who is no member and hears it.
    pub(super) fn tell_clients(&mut self, from: Place, plan: &Plan) {
        let plan = Arc::new(plan.clone());
        for number in 0..self.senders.len() {
            let sender = &self.senders[number];
            let hears = sender.place.as_node().is_none() && self.net.reaches(from, sender.place, self.now);
            if hears && plan.version > sender.plan.version {
                self.senders[number].plan = Arc::clone(&plan);
            }
        }
    }
}
