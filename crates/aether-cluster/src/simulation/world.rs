//! [`World`]: everything there is, and the order in which things happen.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::time::Duration;

use super::host::Host;
use super::input::{Due, Input, Item, News};
use super::judge::Judge;
use super::net::{Net, Place};
use super::scenario::{Counts, Mutant, Violation};
use super::sender::Sender;
use super::store::{Ask, Keys, Store, Told};
use crate::{Incarnation, ShardId};

/// Actors that are asked for; beside them there is one in each shard, to see whether it answers.
pub(super) const ACTORS: usize = 30;
/// How many events a trace goes back.
const TRACE: usize = 30_000;

#[derive(Debug)]
pub(super) struct World {
    pub(super) seed: u64,
    pub(super) mutant: Option<Mutant>,
    pub(super) now: Duration,
    /// Where all clocks begin, for what wants instants; it does not matter when that is.
    pub(super) base: tokio::time::Instant,
    pub(super) random: fastrand::Rng,
    items: BinaryHeap<Due>,
    pushed: u64,
    /// Numbers that nothing else has.
    numbers: u64,
    pub(super) net: Net,
    pub(super) keys: Keys,
    pub(super) store: Store,
    pub(super) hosts: Vec<Host>,
    pub(super) senders: Vec<Sender>,
    /// The shard of each actor.
    pub(super) actors: Vec<ShardId>,
    pub(super) shards: u16,
    pub(super) suspect_after: Duration,
    /// `true` if nothing goes wrong, neither with messages nor with keys and store.
    pub(super) calm: bool,
    pub(super) judge: Judge,
    /// The shards that each node has ever said to have arrived: for a mutant that takes old reports for new ones.
    pub(super) reported: BTreeMap<Incarnation, BTreeSet<ShardId>>,
    pub(super) counts: Counts,
    violation: Option<(Duration, String)>,
    trace: Option<VecDeque<String>>,
}

impl World {
    pub(super) fn new(seed: u64, mutant: Option<Mutant>, traced: bool) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let shards = random.u16(16..=64);
        let somewhere = (0..ACTORS).map(|_| ShardId::new(random.u16(..shards))).collect::<Vec<_>>();
        let actors: Vec<ShardId> = somewhere.into_iter().chain(ShardId::all(shards)).collect();
        let suspect_after = Duration::from_secs(if random.bool() { 3 } else { 1 });
        Self {
            seed,
            mutant,
            now: Duration::ZERO,
            base: tokio::time::Instant::now(),
            items: BinaryHeap::new(),
            pushed: 0,
            numbers: 0,
            net: Net::default(),
            keys: Keys::default(),
            store: Store::new(actors.len()),
            hosts: Vec::new(),
            senders: Vec::new(),
            judge: Judge::default(),
            reported: BTreeMap::new(),
            counts: Counts::default(),
            violation: None,
            trace: traced.then(VecDeque::new),
            random,
            actors,
            shards,
            suspect_after,
            calm: false,
        }
    }

    pub(super) fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// A number that nothing else has.
    pub(super) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(super) fn count(&mut self, name: &'static str) {
        self.counts.count(name, 1);
    }

    /// Something is not as it must be. What is found first counts.
    pub(super) fn wrong(&mut self, what: impl FnOnce() -> String) {
        if self.violation.is_none() {
            self.violation = Some((self.now, what()));
        }
    }

    pub(super) fn is_wrong(&self) -> bool {
        self.violation.is_some()
    }

    pub(super) fn log(&mut self, what: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(trace) = &mut self.trace {
            if trace.len() == TRACE {
                trace.pop_front();
            }
            trace.push_back(format!("{:10.4} {}", now.as_secs_f64(), what()));
        }
    }

    pub(super) fn verdict(self) -> Result<Counts, Violation> {
        let Self { seed, violation, trace, counts, .. } = self;
        let trace = trace.unwrap_or_default().into();
        match violation {
            Some((at, what)) => Err(Violation { seed, at, what, trace }),
            None => Ok(counts),
        }
    }

    pub(super) fn push(&mut self, at: Duration, item: Item) {
        self.pushed += 1;
        self.items.push(Due { at, number: self.pushed, item });
    }

    /// How long a service takes to answer, one way.
    pub(super) fn latency(&mut self) -> Duration {
        Duration::from_micros(self.random.u64(150..2_500))
    }

    pub(super) fn tell_node(&mut self, at: Duration, node: usize, incarnation: Incarnation, input: Input) {
        self.push(at, Item::Node { node, incarnation, input });
    }

    pub(super) fn tell_sender(&mut self, at: Duration, sender: usize, news: News) {
        self.push(at, Item::Sender { sender, news });
    }

    /// Lets so much time pass, or less if something is wrong.
    pub(super) fn run(&mut self, span: Duration) {
        let until = self.now + span;
        while !self.is_wrong() && self.items.peek().is_some_and(|due| due.at <= until) {
            let Some(due) = self.items.pop() else { break };
            self.now = self.now.max(due.at);
            self.happen(due.item);
        }
        self.now = until.max(self.now);
    }

    fn happen(&mut self, item: Item) {
        match item {
            Item::Node { node, incarnation, input } => self.input(node, incarnation, input),
            Item::Sender { sender, news } => self.news(sender, news),
            Item::Write { node, incarnation, number, write, until } => {
                self.write_arrives(node, incarnation, number, write, until);
            }
            Item::Look { node, incarnation, name } => self.look_arrives(node, incarnation, name),
            Item::Store { node, incarnation, actor, step, ask } => {
                self.ask_arrives(node, incarnation, actor, step, ask);
            }
            Item::Stored { node, incarnation, actor, step, told } => {
                if self.net.reaches(Place::STORE, Place::node(node), self.now) {
                    let input = Input::Stored { actor, step, told };
                    self.tell_node(self.now, node, incarnation, input);
                }
            }
            Item::Listen { node, incarnation, shard, number } => {
                self.listen(node, incarnation, shard, number);
            }
            Item::Unlisten { node, incarnation, shard } => self.unlisten(node, incarnation, shard),
            Item::Start(node) => {
                if self.process(node).is_none_or(|process| process.stopped) {
                    self.start(node);
                }
            }
        }
    }

    /// A node asks the store.
    pub(super) fn ask_store(
        &mut self,
        node: usize,
        incarnation: Incarnation,
        actor: usize,
        step: u64,
        ask: Ask,
    ) {
        let place = Place::node(node);
        let mut at = self.now + self.latency();
        let again = Input::AskAgain { actor, step };
        self.tell_node(self.now + Duration::from_secs(2), node, incarnation, again);
        if !self.net.reaches(place, Place::STORE, self.now) {
            return;
        }
        let waits = self.store.down_until > self.now && ask != Ask::Load;
        if waits && self.random.bool() {
            // It is stored when the election is over, though whoever has asked may have asked again or be gone.
            at = self.store.down_until + self.latency();
            self.count("store writes held up by an election");
        }
        self.push(at, Item::Store { node, incarnation, actor, step, ask });
    }

    fn ask_arrives(&mut self, node: usize, incarnation: Incarnation, actor: usize, step: u64, ask: Ask) {
        self.log(|| format!("n{node} asks the store about actor {actor}: {ask:?}"));
        let place = Place::node(node);
        let told = match self.store.deposed(place.bit(), self.now) {
            Some(since) => match ask {
                Ask::Load => {
                    let stale = self.store.head_at(actor, since);
                    if stale < self.store.log(actor).len() {
                        self.count("stale loads");
                    }
                    Told::Loaded(stale)
                }
                Ask::Barrier { .. } if self.random.u8(..3) == 0 => Told::Conflict,
                // It cannot store anything.
                Ask::Barrier { .. } | Ask::Save { .. } => return,
            },
            None => {
                let before = self.store.log(actor).len();
                let told = self.store.ask(actor, ask, self.now);
                if self.store.log(actor).len() > before {
                    self.judge_commit(actor);
                }
                told
            }
        };
        if told == Told::Conflict {
            self.count("conflicts");
        }
        let mut at = self.now + self.latency();
        if self.store.down_until > self.now && ask != Ask::Load {
            at += self.store.down_until - self.now;
        }
        if !self.calm && self.random.u8(..200) == 0 {
            self.count("lost acknowledgements of the store");
            return;
        }
        self.push(at, Item::Stored { node, incarnation, actor, step, told });
    }
}
