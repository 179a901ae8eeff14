//! [`Sender`]: somebody who asks, one thing after the other.

use std::sync::Arc;
use std::time::Duration;

use aether_actor::{CommandId, Outcome as Settled};
use tokio::time::Instant;
use uuid::Uuid;

use super::input::{Answer, News, Outcome, Request, Seen, What};
use super::judge::Asked;
use super::net::{Clock, Place};
use super::scenario::Mutant;
use super::world::{ACTORS, World};
use crate::plan::Plan;
use crate::record::{Name, from_json};
use crate::routing::call::{self, Call, Called, Timing};
use crate::routing::wire::Versions;
use crate::{Incarnation, ShardId};

/// Somebody who asks: on a node, or a client of the cluster.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) place: Place,
    /// A client's own.
    clock: Clock,
    /// What a client knows of the plan.
    pub(super) plan: Arc<Plan>,
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
    /// Which attempt was sent last, when, and whether it is still awaited.
    attempt: u32,
    sent: Duration,
    awaited: bool,
}

/// What has become of what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Answered {
        outcome: Outcome,
        sequence: u64,
    },
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
        self.tell_sender(at, number, News::Wake(at));
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
            return self.tell_sender(at, number, news);
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
            News::Reply { call, attempt, from, answer } => {
                self.replied(number, call, attempt, from, answer, local);
            }
            News::Here { call, answer } => return self.answered_here(number, call, answer),
            News::NoResponders { call, attempt } => {
                let at = self.instant(local);
                if let Some(doing) = self.doing(number, call) {
                    doing.call.no_responders(at, attempt);
                    doing.awaited &= doing.attempt != attempt;
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
        self.judge.asked(id, Asked { at: now, fresh });
        self.log(|| format!("s{number} call {call}: asks {what:?} of actor {actor}, id {id}"));
        let shard = self.actors[actor];
        let called = if what.is_query() {
            Called::Query { seen }
        } else {
            let id = CommandId::from(Uuid::from_u128(u128::from(id)));
            Called::Command { id, recorded: !fresh }
        };
        let call_seed = self.random.u64(..);
        let doing = Doing {
            id,
            actor,
            what,
            seen,
            local: None,
            call: Call::new(
                called,
                self.instant(local),
                self.instant(deadline),
                Timing::default(),
                Versions::OURS,
                1,
                call_seed,
            ),
            attempt: 0,
            sent: now,
            awaited: false,
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
    fn ask_here(
        &mut self,
        node: usize,
        number: usize,
        shard: ShardId,
        fresh: bool,
        deadline: Duration,
        local: Duration,
    ) {
        let Some(process) = self.process(node) else { return };
        let acts = process.gates[shard.index()].stance() == crate::routing::gate::Stance::Acting;
        if !acts {
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
            deadline,
            local: true,
            sent: now,
        };
        self.begin(node, shard, request);
    }

    /// What somebody may ask.
    fn draw(&mut self, number: u64) -> (usize, What) {
        // Some are asked for much more often than the others.
        let actors = if self.random.bool() { 3 } else { ACTORS };
        let actor = self.random.usize(..actors);
        let what = match self.random.u8(..10) {
            0..3 => What::Append(number),
            3..7 => What::AppendAfter { last: self.draw_last(actor), number },
            7..9 => What::Read,
            _ => What::ReadLatest,
        };
        (actor, what)
    }

    /// A number that an actor may have as its last: now, before, or as soon as somebody else's command is done.
    fn draw_last(&mut self, actor: usize) -> u64 {
        let pending = self.senders.iter().filter_map(|sender| sender.doing.as_ref());
        let pending: Vec<u64> = pending
            .filter(|doing| doing.actor == actor)
            .filter_map(|doing| match doing.what {
                What::Append(number) | What::AppendAfter { number, .. } => Some(number),
                What::Read | What::ReadLatest => None,
            })
            .collect();
        let drawn = self.random.choice(pending).filter(|_| self.random.bool());
        let back = self.random.usize(..3);
        let head = self.store.log(actor).len();
        drawn.unwrap_or_else(|| self.store.state(actor, head.saturating_sub(back)).last)
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
        let (base, at) = (self.base, self.base + local);
        let action = doing.call.next(at, plan.slot(shard).owner);
        let timed_out =
            doing.awaited && !matches!(action, call::Action::Await(_) | call::Action::Done(Ok(_)));
        let (sent, took) = (doing.sent, now - doing.sent);
        doing.awaited &= !timed_out;
        if timed_out {
            self.count("attempts that timed out");
            self.log(|| format!("s{number}: no answer within {took:?}"));
            self.judge_timeout(number, sent);
        }
        match action {
            call::Action::Await(until) | call::Action::Pause(until) => {
                self.rest_until(number, clock.when(until - base).max(now + Duration::from_micros(10)));
            }
            call::Action::Done(result) => self.end(number, ended(result)),
            call::Action::Send(attempt) => {
                let sender = &mut self.senders[number];
                let Some(doing) = &mut sender.doing else { return };
                (doing.attempt, doing.sent, doing.awaited) = (attempt.number, now, true);
                let request = Request {
                    sender: number,
                    call: sender.call,
                    attempt: attempt.number,
                    id: doing.id,
                    actor: doing.actor,
                    what: doing.what,
                    to: attempt.to,
                    recorded: attempt.recorded,
                    seen: doing.seen,
                    left: attempt.left,
                    deadline: Duration::ZERO,
                    local: false,
                    sent: now,
                };
                self.publish(number, shard, request);
                // There is always something to wait for then.
                self.go_on_asking(number);
            }
        }
    }

    fn answered_here(&mut self, number: usize, call: u64, answer: Answer) {
        let Some(doing) = self.doing(number, call) else { return };
        if doing.local.is_none() {
            return;
        }
        let ended = match answer {
            Answer::Outcome { outcome, sequence, .. } => Ended::Answered { outcome, sequence },
            _ => Ended::Failed,
        };
        self.end(number, ended);
    }

    fn replied(
        &mut self,
        number: usize,
        call: u64,
        attempt: u32,
        from: Incarnation,
        answer: Answer,
        local: Duration,
    ) {
        let believes = self.is(Mutant::EarlierReplyBelieved);
        let at = self.instant(local);
        let Some(doing) = self.doing(number, call).filter(|doing| doing.local.is_none()) else { return };
        let mut reply = answer.reply(from);
        reply.recorded |= believes && matches!(answer, Answer::Outcome { .. });
        let is_late = doing.attempt != attempt;
        doing.awaited &= is_late;
        doing.call.reply(at, attempt, reply, Some(from));
        if is_late {
            self.count("replies to earlier attempts");
        }
    }

    /// A time of some clock, as calls want it.
    fn instant(&self, local: Duration) -> Instant {
        self.base + local
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
        let longest = if self.judge.nobody_fails { 30 } else { 250 };
        let pause = self.now + Duration::from_millis(self.random.u64(1..longest));
        self.rest_until(number, pause);
    }
}

/// What has become of a call, as it says.
fn ended(result: Result<call::Answer, aether_actor::ActorError>) -> Ended {
    let (outcome, sequence) = match result {
        Ok(call::Answer::Replied(replied)) => match replied.outcome {
            Settled::Done(bytes) => (Outcome::Done(Seen::read(&bytes)), replied.sequence),
            Settled::Refused(bytes) => (Outcome::Refused(Seen::read(&bytes)), replied.sequence),
            _ => return Ended::Unknown,
        },
        Ok(call::Answer::Told(told)) => (Outcome::Told(Seen::read(&told.answer)), told.sequence),
        Err(error) if error.is_unknown() => return Ended::Unknown,
        Err(_) => return Ended::Failed,
    };
    Ended::Answered { outcome, sequence }
}
