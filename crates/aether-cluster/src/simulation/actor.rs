//! What a node does with what it is asked: its gates, and the turns of its actors.

use std::collections::VecDeque;
use std::time::Duration;

use super::input::{Answer, Input, News, Outcome, Request, Seen, What};
use super::net::Place;
use super::scenario::Mutant;
use super::store::{Ask, Told};
use super::world::World;
use crate::routing::gate::{Stance, Verdict};
use crate::{Incarnation, ShardId};

/// How often a command may meet with conflicts before it fails.
const CONFLICTS: u32 = 16;

/// An actor in the memory of a node.
#[derive(Debug, Default)]
pub(super) struct Activation {
    /// How many commits it has taken in, if it is loaded.
    head: Option<usize>,
    waiting: VecDeque<Work>,
    turn: Option<Turn>,
    /// `true` if it is to be dropped as soon as nobody is at work.
    leaves: bool,
}

#[derive(Debug)]
struct Work {
    shard: ShardId,
    request: Request,
}

/// What is being done for one command.
#[derive(Debug)]
struct Turn {
    work: Work,
    /// What the store was asked last, and the number of that.
    step: u64,
    ask: Ask,
    /// What is answered if it stands.
    outcome: Option<(Outcome, bool)>,
    conflicts: u32,
}

impl World {
    /// Changes how a node stands to a shard, and gives what was kept to whom it is for now.
    pub(super) fn set_gate(&mut self, node: usize, shard: ShardId, stance: Stance) {
        let Some(gate) = self.process_mut(node).and_then(|process| process.gates.get_mut(shard.index()))
        else {
            return;
        };
        let kept = gate.set(stance);
        match stance {
            Stance::Acting => {
                self.judge_opened(node, shard);
                kept.into_iter().for_each(|request| self.offer(node, shard, request, None));
            }
            Stance::Forwarding(_) if self.is(Mutant::NoBuffer) => {}
            Stance::Forwarding(to) => {
                kept.into_iter().for_each(|request| self.forward(node, shard, to, request));
            }
            _ => kept.into_iter().for_each(|request| self.offer(node, shard, request, None)),
        }
    }

    /// Something has come on a shard's subject.
    pub(super) fn asked(&mut self, node: usize, shard: ShardId, request: Request, arrived: Duration) {
        let Some(process) = self.process(node) else { return };
        if process.listens.get(shard.index()).copied().flatten().is_none() {
            return;
        }
        self.receive(node, shard, request, Some(arrived));
    }

    pub(super) fn forwarded(&mut self, node: usize, shard: ShardId, request: Request) {
        self.receive(node, shard, request, None);
    }

    /// Takes something in, if the node hears itself: what waits for one that was frozen was sent to others as well.
    fn receive(&mut self, node: usize, shard: ShardId, mut request: Request, arrived: Option<Duration>) {
        let (now, deaf_acts) = (self.now, self.is(Mutant::DeafActs));
        let Some(process) = self.process(node) else { return };
        if !process.hears_itself(now) && !deaf_acts {
            return self.count("messages dropped by the deaf");
        }
        request.deadline = process.clock.at(now) + request.left;
        self.offer(node, shard, request, arrived);
    }

    fn offer(&mut self, node: usize, shard: ShardId, mut request: Request, arrived: Option<Duration>) {
        let ignores = self.is(Mutant::AddresseeIgnored);
        if ignores {
            request.to = None;
        }
        let Some(gate) = self.process_mut(node).and_then(|process| process.gates.get_mut(shard.index()))
        else {
            return;
        };
        let verdict = gate.arrive(request.to, 100);
        if verdict == Verdict::Keep {
            gate.keep(request.clone(), 100);
        }
        let Request { sender, call, attempt, what, actor, .. } = request;
        self.log(|| {
            format!("n{node} shard {shard}: s{sender} {call}.{attempt} {what:?} of {actor}: {verdict:?}")
        });
        match verdict {
            Verdict::Act => {
                self.judge_begin(node, shard, &request, arrived);
                self.begin(node, shard, request);
            }
            Verdict::Keep => self.count("messages kept in a handoff"),
            Verdict::Forward(to) => self.forward(node, shard, to, request),
            Verdict::Again(owner) => self.reply(node, &request, Answer::Again(owner)),
            Verdict::Overloaded => self.reply(node, &request, Answer::Overloaded),
            Verdict::Ignore => {}
        }
    }

    pub(super) fn close_gate(&mut self, node: usize, shard: ShardId) {
        self.set_gate(node, shard, Stance::Closed);
        let actors = self.actors.clone();
        let Some(process) = self.process_mut(node) else { return };
        process.activations.retain(|actor, activation| {
            let is_there = actors.get(*actor) == Some(&shard);
            activation.leaves |= is_there;
            !is_there || activation.turn.is_some()
        });
    }

    /// Says when nothing is under way any more.
    pub(super) fn drain(&mut self, node: usize, shard: ShardId) {
        let now = self.now;
        let Some(process) = self.process_mut(node) else { return };
        let holds =
            process.gates.get(shard.index()).is_some_and(|gate| matches!(gate.stance(), Stance::Holding(_)));
        if holds && process.inside.get(shard.index()) == Some(&0) {
            let incarnation = process.incarnation;
            self.tell_node(now, node, incarnation, Input::Drained(shard));
        }
    }

    fn forward(&mut self, node: usize, shard: ShardId, to: Incarnation, mut request: Request) {
        let Some(process) = self.process(node) else { return };
        request.to = Some(to);
        request.left = request.deadline.saturating_sub(process.clock.at(self.now));
        let Some(other) = self.node_of(to) else { return };
        self.count("messages forwarded");
        for at in self
            .net
            .send(Place::node(node), Place::node(other), self.now, &mut self.random)
            .into_iter()
            .take(1)
        {
            self.tell_node(at, other, to, Input::Forwarded { shard, request: request.clone() });
        }
    }

    /// Begins something; the shard is this node's as far as it knows.
    pub(super) fn begin(&mut self, node: usize, shard: ShardId, request: Request) {
        let now = self.now;
        let Some(process) = self.process_mut(node) else { return };
        if request.deadline <= process.clock.at(now) {
            return self.reply(node, &request, Answer::Expired);
        }
        let actor = request.actor;
        if let Some(inside) = process.inside.get_mut(shard.index()) {
            *inside += 1;
        }
        let activation = process.activations.entry(actor).or_default();
        let work = Work { shard, request };
        let head = activation.head.filter(|_| work.request.what == What::Read && !activation.leaves);
        if let Some(head) = head {
            let sequence = self.store.sequence(actor, head);
            if sequence >= work.request.seen {
                let outcome = Outcome::Told(self.store.state(actor, head));
                return self.finish(node, work, Answer::Outcome { outcome, sequence, recorded: false });
            }
        }
        if let Some(activation) =
            self.process_mut(node).and_then(|process| process.activations.get_mut(&actor))
        {
            activation.waiting.push_back(work);
        }
        self.next_turn(node, actor);
    }

    fn next_turn(&mut self, node: usize, actor: usize) {
        let Some(process) = self.process_mut(node) else { return };
        let Some(activation) = process.activations.get_mut(&actor) else { return };
        if activation.turn.is_some() {
            return;
        }
        if std::mem::take(&mut activation.leaves) {
            activation.head = None;
        }
        let Some(work) = activation.waiting.pop_front() else { return };
        activation.turn = Some(Turn { work, step: 0, ask: Ask::Load, outcome: None, conflicts: 0 });
        self.go_on(node, actor);
    }

    /// Goes on with the command whose turn it is.
    fn go_on(&mut self, node: usize, actor: usize) {
        let (now, mutant) = (self.now, self.mutant);
        let Some(process) = self.hosts.get_mut(node).and_then(|host| host.process.as_mut()) else { return };
        let local = process.clock.at(now);
        let Some(activation) = process.activations.get_mut(&actor) else { return };
        let Some(turn) = &mut activation.turn else { return };
        let request = &turn.work.request;
        if turn.work.request.deadline <= local {
            return self.end_turn(node, actor, Answer::Failed);
        }
        if turn.conflicts >= CONFLICTS {
            return self.end_turn(node, actor, Answer::Failed);
        }
        let Some(head) = activation.head.filter(|head| self.store.sequence(actor, *head) >= request.seen)
        else {
            return self.step(node, actor, Ask::Load, None);
        };
        let is_reloaded = turn.conflicts > 0;
        // What the own process asks for the first time cannot be known before others were at work.
        let is_fresh = request.local && !request.recorded;
        let looks_up = if mutant == Some(Mutant::NoLookUp) {
            !is_fresh && !is_reloaded
        } else {
            !is_fresh || is_reloaded
        };
        if looks_up
            && !request.what.is_query()
            && let Some((outcome, sequence)) = self.store.look_up(actor, head, request.id)
        {
            self.count("commands found in the log");
            return self.end_turn(node, actor, Answer::Outcome { outcome, sequence, recorded: true });
        }
        let state = self.store.state(actor, head);
        let outcome = decide(request.what, state);
        let (recorded, id) = (request.recorded, request.id);
        match outcome {
            Outcome::Told(_) if request.what == What::Read => {
                let sequence = self.store.sequence(actor, head);
                self.end_turn(node, actor, Answer::Outcome { outcome, sequence, recorded: false });
            }
            Outcome::Done(state) => {
                let save = self.number();
                self.step(node, actor, Ask::Save { head, id, outcome, state, save }, Some((outcome, true)));
            }
            Outcome::Refused(_) if recorded => {
                let save = self.number();
                self.count("refusals recorded");
                self.step(node, actor, Ask::Save { head, id, outcome, state, save }, Some((outcome, true)));
            }
            Outcome::Refused(_) | Outcome::Told(_) => {
                if mutant == Some(Mutant::NoBarrier) {
                    let sequence = self.store.sequence(actor, head);
                    return self.end_turn(
                        node,
                        actor,
                        Answer::Outcome { outcome, sequence, recorded: false },
                    );
                }
                self.count("barriers");
                self.step(node, actor, Ask::Barrier { head }, Some((outcome, false)));
            }
        }
    }

    fn step(&mut self, node: usize, actor: usize, ask: Ask, outcome: Option<(Outcome, bool)>) {
        let step = self.number();
        let Some(process) = self.process_mut(node) else { return };
        let incarnation = process.incarnation;
        let Some(turn) = process.activations.get_mut(&actor).and_then(|activation| activation.turn.as_mut())
        else {
            return;
        };
        (turn.step, turn.ask, turn.outcome) = (step, ask, outcome);
        self.ask_store(node, incarnation, actor, step, self.asked_as(ask));
    }

    /// What the store is asked: a mutant reads where it should have written.
    fn asked_as(&self, ask: Ask) -> Ask {
        match ask {
            Ask::Barrier { .. } if self.is(Mutant::ConfirmedByRead) => Ask::Load,
            ask => ask,
        }
    }

    /// The store has not answered yet: what could be asked is asked again, if somebody still waits.
    pub(super) fn ask_again(&mut self, node: usize, actor: usize, step: u64) {
        let now = self.now;
        let Some(process) = self.process(node) else { return };
        let (incarnation, local) = (process.incarnation, process.clock.at(now));
        let turn = process.activations.get(&actor).and_then(|activation| activation.turn.as_ref());
        let Some(turn) = turn.filter(|turn| turn.step == step) else { return };
        let is_save = matches!(turn.ask, Ask::Save { .. });
        let ask = turn.ask;
        if turn.work.request.deadline <= local && !is_save {
            return self.end_turn(node, actor, Answer::Failed);
        }
        self.ask_store(node, incarnation, actor, step, self.asked_as(ask));
    }

    /// The store has answered.
    pub(super) fn stored(&mut self, node: usize, actor: usize, step: u64, told: Told) {
        let (now, next) = (self.now, self.number());
        let Some(process) = self.hosts.get_mut(node).and_then(|host| host.process.as_mut()) else { return };
        let incarnation = process.incarnation;
        let Some(activation) = process.activations.get_mut(&actor) else { return };
        let Some(turn) = activation.turn.as_mut().filter(|turn| turn.step == step) else { return };
        match told {
            Told::Loaded(length) => {
                if let Ask::Barrier { head } = turn.ask {
                    // The mutant that believes reads.
                    let told = if length <= head { Told::Stands(head) } else { Told::Conflict };
                    return self.stored(node, actor, step, told);
                }
                activation.head = Some(activation.head.unwrap_or(0).max(length));
                if self.store.sequence(actor, length) < turn.work.request.seen {
                    // A server that is behind was asked. This was its answer: it is not waited for any more.
                    turn.step = next;
                    let again = Input::AskAgain { actor, step: next };
                    return self.tell_node(now + Duration::from_millis(20), node, incarnation, again);
                }
                self.go_on(node, actor);
            }
            Told::Stands(head) => {
                let Some((outcome, recorded)) = turn.outcome else { return };
                activation.head = Some(head);
                let sequence = self.store.sequence(actor, head);
                self.end_turn(node, actor, Answer::Outcome { outcome, sequence, recorded });
            }
            Told::Conflict => {
                turn.conflicts += 1;
                self.step(node, actor, Ask::Load, None);
            }
        }
    }

    fn end_turn(&mut self, node: usize, actor: usize, answer: Answer) {
        let Some(process) = self.process_mut(node) else { return };
        let Some(activation) = process.activations.get_mut(&actor) else { return };
        let Some(turn) = activation.turn.take() else { return };
        self.finish(node, turn.work, answer);
        self.next_turn(node, actor);
    }

    fn finish(&mut self, node: usize, work: Work, answer: Answer) {
        self.reply(node, &work.request, answer);
        if let Some(inside) =
            self.process_mut(node).and_then(|process| process.inside.get_mut(work.shard.index()))
        {
            *inside -= 1;
        }
        self.drain(node, work.shard);
    }

    fn reply(&mut self, node: usize, request: &Request, answer: Answer) {
        let Some(from) = self.process(node).map(|process| process.incarnation) else { return };
        let (sender, call, attempt) = (request.sender, request.call, request.attempt);
        self.log(|| format!("n{node} answers s{sender} {call}.{attempt}: {answer:?}"));
        if request.local {
            return self.tell_sender(self.now, sender, News::Here { call, answer });
        }
        let Some(place) = self.senders.get(sender).map(|sender| sender.place) else { return };
        for at in self.net.send(Place::node(node), place, self.now, &mut self.random) {
            self.tell_sender(at, sender, News::Reply { call, attempt, from, answer });
        }
    }
}

/// What an actor makes of what it is asked.
fn decide(what: What, state: Seen) -> Outcome {
    let append = |number| Outcome::Done(Seen { count: state.count + 1, last: number });
    match what {
        What::Append(number) => append(number),
        What::AppendAfter { last, number } if last == state.last => append(number),
        What::AppendAfter { .. } => Outcome::Refused(state),
        What::Read | What::ReadLatest => Outcome::Told(state),
    }
}
