//! [`World`]: candidates, servers and what is between them, in simulated time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::{Condition, Revision};

use super::node::{Held, Node, Store};
use crate::singleton::election::{Action, Input, Mutant, Outcome};
use crate::singleton::term::Claim;
use crate::singleton::timing::Timing;

/// What is wrong.
pub(super) type Violation = String;

/// How badly messages fare.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Weather {
    /// How likely each question, answer and hint is lost.
    pub(super) loss: f64,
    /// How likely each takes long.
    pub(super) late: f64,
    /// The longest that it takes.
    pub(super) longest: Duration,
}

#[derive(Debug)]
enum Event {
    Alarm { node: usize, alarm: u64 },
    Question { node: usize, step: u64, question: Question },
    Answer { node: usize, step: u64, input: Input },
    Hint { node: usize, claim: Option<Claim> },
}

#[derive(Debug, Clone)]
enum Question {
    Read,
    Write { claim: Claim, condition: Condition, ttl: Duration },
    Delete(Revision),
}

#[derive(Debug)]
struct At(Duration, u64, Event);

impl PartialEq for At {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

impl Eq for At {}

impl PartialOrd for At {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for At {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) now: Duration,
    pub(super) random: fastrand::Rng,
    pub(super) nodes: Vec<Node>,
    pub(super) store: Store,
    pub(super) weather: Weather,
    pub(super) timing: Timing,
    pub(super) gained: u64,
    mutant: Option<Mutant>,
    events: BinaryHeap<Reverse<At>>,
    scheduled: u64,
    joins: u128,
    last_epoch: u64,
    violation: Option<Violation>,
}

impl World {
    pub(super) fn new(seed: u64, nodes: usize, mutant: Option<Mutant>) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let nodes = (0..nodes).map(|_| Node::new(&mut random)).collect();
        let mut world = Self {
            now: Duration::ZERO,
            random,
            nodes,
            store: Store::default(),
            weather: Weather::default(),
            timing: Timing::default(),
            gained: 0,
            mutant,
            events: BinaryHeap::new(),
            scheduled: 0,
            joins: 0,
            last_epoch: 0,
            violation: None,
        };
        for node in 0..world.nodes.len() {
            world.start(node);
        }
        world
    }

    pub(super) fn start(&mut self, node: usize) {
        self.joins += 1;
        self.nodes[node].start(self.joins, self.timing, self.random.u64(..), self.mutant);
        self.step(node, Input::Tick);
    }

    pub(super) fn leave(&mut self, node: usize) {
        self.nodes[node].leaves = true;
        self.step(node, Input::Leave);
    }

    /// Any node, for something to happen to.
    pub(super) fn any(&mut self) -> usize {
        self.random.usize(..self.nodes.len())
    }

    pub(super) fn span(&mut self, least: f64, most: f64) -> Duration {
        Duration::from_secs_f64(least + (most - least) * self.random.f64())
    }

    /// The servers take nothing for so long, and another one leads then, with another clock.
    pub(super) fn outage(&mut self, span: Duration) {
        self.store.down_until = self.now + span;
        self.change_leader();
    }

    pub(super) fn change_leader(&mut self) {
        let share = [0.0, 1.0, self.random.f64()][self.random.usize(..3)];
        self.store.ahead = self.timing.clock_tolerance().mul_f64(share);
    }

    pub(super) fn holder(&self) -> Option<usize> {
        self.nodes.iter().position(|node| node.holds(self.now))
    }

    /// Lets so much time pass.
    pub(super) fn run(&mut self, span: Duration) -> Result<(), Violation> {
        let end = self.now + span;
        while let Some(Reverse(At(at, ..))) = self.events.peek()
            && *at <= end
            && let Some(Reverse(At(at, _, event))) = self.events.pop()
        {
            self.now = at;
            self.happen(event);
            if let Some(violation) = self.violation.take() {
                return Err(violation);
            }
        }
        self.now = end;
        Ok(())
    }

    fn happen(&mut self, event: Event) {
        let to = match &event {
            Event::Alarm { node, .. } | Event::Answer { node, .. } | Event::Hint { node, .. } => Some(*node),
            Event::Question { .. } => None,
        };
        if let Some(node) = to
            && self.now < self.nodes[node].stopped_until
        {
            return self.schedule(self.nodes[node].stopped_until, event);
        }
        match event {
            Event::Alarm { node, alarm } if alarm == self.nodes[node].alarm => self.step(node, Input::Tick),
            Event::Answer { node, step, input } if step == self.nodes[node].step => {
                // Whatever else comes for this step is not wanted any more.
                self.step(node, input);
            }
            Event::Hint { node, claim } => self.step(node, Input::Changed(claim)),
            Event::Question { node, step, question } => self.ask(node, step, question),
            Event::Alarm { .. } | Event::Answer { .. } => {}
        }
    }

    /// Lets a node take something in, and does what it asks for.
    fn step(&mut self, node: usize, input: Input) {
        let clock = self.nodes[node].clock(self.now);
        let Some(election) = &mut self.nodes[node].election else { return };
        let ends = matches!(input, Input::Found(_) | Input::NotFound | Input::Wrote(_));
        let actions = election.handle(clock, input);
        let sent = self.nodes[node].sent;
        if ends {
            self.nodes[node].step += 1;
        }
        for action in actions {
            match action {
                Action::Read => self.send(node, Question::Read),
                Action::Write { claim, condition, ttl } => {
                    self.send(node, Question::Write { claim, condition, ttl });
                }
                Action::Delete(revision) => self.send(node, Question::Delete(revision)),
                Action::Gained { epoch, until } => self.gain(node, Held { epoch: epoch.get(), until, sent }),
                Action::Extended { until } => {
                    if let Some(held) = &mut self.nodes[node].held {
                        if clock >= held.until {
                            self.violation = Some(format!("what node {node} had lost is given back to it"));
                        }
                        (held.until, held.sent) = (until, sent);
                    }
                }
                Action::Lost => self.nodes[node].held = None,
                Action::Left => self.nodes[node].kill(),
            }
        }
        let Some(wake) = self.nodes[node].election.as_ref().and_then(|election| election.wakes_at()) else {
            return;
        };
        self.nodes[node].alarm += 1;
        // A mutant may want to be woken in the past.
        let soon = self.now + Duration::from_millis(1);
        let (at, alarm) = (self.nodes[node].when(wake).max(soon), self.nodes[node].alarm);
        self.schedule(at, Event::Alarm { node, alarm });
    }

    fn gain(&mut self, node: usize, held: Held) {
        self.gained += 1;
        self.nodes[node].held = Some(held);
        if self.nodes[node].is_excused(held) {
            return;
        }
        if held.epoch <= self.last_epoch {
            self.violation =
                Some(format!("node {node} gains epoch {} after {}", held.epoch, self.last_epoch));
        }
        self.last_epoch = held.epoch;
        let others = (0..self.nodes.len()).filter(|other| *other != node);
        if let Some(other) = others.into_iter().find(|other| self.nodes[*other].holds(self.now)) {
            self.violation = Some(format!("nodes {other} and {node} both hold it at {:?}", self.now));
        }
    }

    fn send(&mut self, node: usize, question: Question) {
        let patience = self.span(0.5, 8.0);
        let given_up = match question {
            Question::Read => Input::NotFound,
            Question::Write { .. } | Question::Delete(_) => Input::Wrote(Outcome::Unknown),
        };
        let sender = &mut self.nodes[node];
        sender.step += 1;
        sender.sent = self.now;
        let step = sender.step;
        self.schedule(self.now + patience, Event::Answer { node, step, input: given_up });
        if let Some(delay) = self.travel(node) {
            self.schedule(self.now + delay, Event::Question { node, step, question });
        }
    }

    /// A question has come to the servers.
    fn ask(&mut self, node: usize, step: u64, question: Question) {
        if self.store.is_down(self.now) {
            // Without a leader nobody listens, or it waits somewhere.
            if self.random.bool() {
                let later = self.store.down_until + self.span(0.0, 0.5);
                self.schedule(later, Event::Question { node, step, question });
            } else {
                let input = match question {
                    Question::Read => Input::NotFound,
                    Question::Write { .. } | Question::Delete(_) => Input::Wrote(Outcome::Unknown),
                };
                self.answer(node, step, input);
            }
            return;
        }
        let input = match question {
            Question::Read => Input::Found(self.store.read(self.now)),
            Question::Write { claim, condition, ttl } => {
                let outcome = self.store.write(self.now, claim.clone(), condition, ttl);
                self.tell(outcome, Some(claim));
                Input::Wrote(outcome)
            }
            Question::Delete(revision) => {
                let outcome = self.store.delete(self.now, revision);
                self.tell(outcome, None);
                Input::Wrote(outcome)
            }
        };
        self.answer(node, step, input);
    }

    fn answer(&mut self, node: usize, step: u64, input: Input) {
        if let Some(delay) = self.travel(node) {
            self.schedule(self.now + delay, Event::Answer { node, step, input });
        }
    }

    fn tell(&mut self, outcome: Outcome, claim: Option<Claim>) {
        if !matches!(outcome, Outcome::Stands(_)) {
            return;
        }
        for node in 0..self.nodes.len() {
            if let Some(delay) = self.travel(node) {
                self.schedule(self.now + delay, Event::Hint { node, claim: claim.clone() });
            }
        }
    }

    /// How long a message from or to a node is under way; `None` if it is lost.
    fn travel(&mut self, node: usize) -> Option<Duration> {
        if self.now < self.nodes[node].cut_off_until || self.random.f64() < self.weather.loss {
            return None;
        }
        let late = self.random.f64() < self.weather.late;
        Some(if late { self.weather.longest.mul_f64(self.random.f64()) } else { self.span(0.000_2, 0.01) })
    }

    fn schedule(&mut self, at: Duration, event: Event) {
        self.scheduled += 1;
        self.events.push(Reverse(At(at, self.scheduled, event)));
    }
}
