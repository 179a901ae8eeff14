//! Members, keys, signals and events in simulated time, and what must hold of them at any moment.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::time::Duration;

use aether_coordination::{Condition, CoordinationError, Revision};
use aether_core::{ActorId, Event, Position, RecordedEvent, SubscribeFrom, Version};
use bytes::Bytes;
use time::OffsetDateTime;
use uuid::Uuid;

use super::super::{Action, Engine, Everything, Known};
use crate::builder::Options;
use crate::record::{Keys, Message, Record, Settings, decode};
use crate::window::{Failure, RunId, after};
use crate::{Batch, Claim, Epoch, FailureKind, MemberId, Partition, Retry};

pub(super) const PARTITIONS: u16 = 16;
const ACTORS: u64 = 50;

/// What happens to a member.
#[derive(Debug)]
pub(super) enum Input {
    Wake(Duration),
    Heard(Message),
    Put(Partition, Result<Revision, CoordinationError>),
    Looked(Partition, Option<Known>),
    LookedAtAll(Vec<(Partition, Known)>),
    Saw(Partition, Known),
    Opened(Partition),
    Closed(Partition),
    Ran(RunId, Batch, bool),
    Read { generation: u64 },
    ReadingEnded,
}

#[derive(Debug)]
enum Item {
    To(usize, Input),
    /// A write, on its way to the keys.
    Write {
        from: usize,
        partition: Partition,
        value: Bytes,
        condition: Condition,
    },
    Look {
        from: usize,
        partition: Option<Partition>,
    },
}

pub(super) struct Node {
    pub(super) engine: Engine,
    pub(super) id: MemberId,
    pub(super) alive: bool,
    pub(super) stopped: bool,
    pub(super) frozen_until: Duration,
    pub(super) cut_off_since: Duration,
    pub(super) cut_off_until: Duration,
    /// What it reads next, and which of its subscriptions that is.
    reading: Option<usize>,
    generation: u64,
    reader_idle: bool,
    wake_at: Duration,
}

pub(super) struct World {
    pub(super) now: Duration,
    pub(super) random: fastrand::Rng,
    items: BinaryHeap<Reverse<(Duration, u64)>>,
    contents: HashMap<u64, Item>,
    count: u64,
    pub(super) nodes: Vec<Node>,
    pub(super) records: BTreeMap<Partition, Known>,
    /// All that the records ever were.
    history: BTreeMap<Partition, Vec<Known>>,
    revision: u64,
    pub(super) down_until: Duration,
    pub(super) log: Vec<RecordedEvent>,
    pub(super) versions: BTreeMap<ActorId, u64>,
    pub(super) done: BTreeMap<ActorId, u64>,
    pub(super) handled: u64,
    handled_in: BTreeMap<(Partition, Epoch, ActorId), u64>,
    pub(super) claims: BTreeSet<(Partition, Epoch)>,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            now: Duration::ZERO,
            random: fastrand::Rng::with_seed(seed),
            items: BinaryHeap::new(),
            contents: HashMap::new(),
            count: 0,
            nodes: Vec::new(),
            records: BTreeMap::new(),
            history: BTreeMap::new(),
            revision: 0,
            down_until: Duration::ZERO,
            log: Vec::new(),
            versions: BTreeMap::new(),
            done: BTreeMap::new(),
            handled: 0,
            handled_in: BTreeMap::new(),
            claims: BTreeSet::new(),
        }
    }

    pub(super) fn join(&mut self) {
        let id = MemberId::new(format!("m{}", self.nodes.len()), Uuid::from_u128(self.random.u128(..)));
        let options = Options {
            window: 64,
            concurrency: 4,
            retry: Retry::default()
                .attempts(u32::MAX)
                .delays(Duration::from_millis(20), Duration::from_millis(200)),
            ..Options::new("g".into())
        };
        let settings = Settings { partitions: PARTITIONS, after: None };
        let mut engine = Engine::new(id.clone(), options, settings, self.random.u64(..));
        // Every process has a clock of its own, which begins when it does.
        engine.due = self.now;
        let node = self.nodes.len();
        self.nodes.push(Node {
            engine,
            id,
            alive: true,
            stopped: false,
            frozen_until: Duration::ZERO,
            cut_off_since: Duration::ZERO,
            cut_off_until: Duration::ZERO,
            reading: None,
            generation: 0,
            reader_idle: false,
            wake_at: self.now,
        });
        self.wake(node);
    }

    pub(super) fn save(&mut self, events: usize) {
        for _ in 0..events {
            let actor = ActorId::new(format!("order-{}", self.random.u64(..ACTORS))).unwrap();
            let version = self.versions.entry(actor.clone()).or_default();
            *version += 1;
            let event = Event::new(&actor, Version::new(*version), "Happened", &()).unwrap();
            let position = Position::new(self.log.len() as u64 + 1, 0);
            self.log.push(RecordedEvent::new(event, position, OffsetDateTime::UNIX_EPOCH, None));
        }
        for node in 0..self.nodes.len() {
            if std::mem::take(&mut self.nodes[node].reader_idle) {
                self.read_on(node);
            }
        }
    }

    fn push(&mut self, at: Duration, item: Item) {
        self.count += 1;
        self.items.push(Reverse((at, self.count)));
        self.contents.insert(self.count, item);
    }

    fn latency(&mut self) -> Duration {
        Duration::from_micros(self.random.u64(200..5_000))
    }

    fn send(&mut self, node: usize, input: Input) {
        let at = self.now + self.latency();
        self.push(at, Item::To(node, input));
    }

    /// Lets so much time pass.
    pub(super) fn run(&mut self, span: Duration) {
        let until = self.now + span;
        while let Some(Reverse((at, id))) = self.items.peek().copied().filter(|Reverse((at, _))| *at <= until)
        {
            self.items.pop();
            self.now = self.now.max(at);
            let Some(item) = self.contents.remove(&id) else { continue };
            match item {
                Item::To(node, input) => self.input(node, input),
                Item::Write { from, partition, value, condition } => {
                    self.write(from, partition, value, condition);
                }
                Item::Look { from, partition } => self.look(from, partition),
            }
        }
        self.now = until;
    }

    pub(super) fn wake(&mut self, node: usize) {
        self.nodes[node].wake_at = self.now;
        self.push(self.now, Item::To(node, Input::Wake(self.now)));
    }

    pub(super) fn input(&mut self, index: usize, input: Input) {
        let now = self.now;
        let node = &mut self.nodes[index];
        if !node.alive || node.stopped {
            return;
        }
        if node.frozen_until > now {
            // It finds it when it wakes up.
            let at = node.frozen_until;
            return self.push(at, Item::To(index, input));
        }
        match input {
            // Another one is set for an earlier time.
            Input::Wake(at) if at != node.wake_at => return,
            Input::Wake(_) => node.wake_at = Duration::MAX,
            Input::Heard(message) => node.engine.heard(message, now),
            Input::Put(partition, result) => node.engine.put(partition, result, now),
            Input::Looked(partition, found) => node.engine.looked(partition, Ok(found), now),
            Input::LookedAtAll(records) => {
                node.engine.looked_at_all(Ok(Everything { records, requests: Vec::new() }), now);
            }
            Input::Saw(partition, known) => node.engine.saw(partition, known),
            Input::Opened(partition) => node.engine.opened(partition, Ok(None)),
            Input::Closed(partition) => node.engine.closed(partition),
            Input::Ran(id, batch, failed) => {
                if failed {
                    let failure = Failure { at: 0, kind: FailureKind::Retry, error: "no".to_owned() };
                    node.engine.ran(id, batch.partition, Err(failure), now);
                } else {
                    node.engine.ran(id, batch.partition, Ok(()), now);
                    self.finish(&batch);
                }
            }
            Input::Read { generation } => {
                if node.generation == generation {
                    self.read(index);
                }
            }
            Input::ReadingEnded => {
                if node.reading.take().is_some() {
                    node.reader_idle = false;
                    node.generation += 1;
                    node.engine.reading_ended(None, now);
                }
            }
        }
        self.turn(index);
    }

    fn turn(&mut self, index: usize) {
        let now = self.now;
        self.nodes[index].engine.turn(now);
        while let Some(action) = self.nodes[index].engine.action() {
            self.act(index, action);
        }
        let node = &mut self.nodes[index];
        let wake = node.engine.wake().max(now + Duration::from_micros(100));
        if wake < node.wake_at {
            node.wake_at = wake;
            self.push(wake, Item::To(index, Input::Wake(wake)));
        }
        // The window may have room again.
        let node = &mut self.nodes[index];
        let more = node.reading.is_some_and(|next| next < self.log.len());
        if node.reader_idle && more && node.engine.has_room() {
            node.reader_idle = false;
            self.read_on(index);
        }
    }

    pub(super) fn is_cut_off(&self, node: usize) -> bool {
        self.nodes[node].cut_off_until > self.now
    }

    fn act(&mut self, index: usize, action: Action) {
        match action {
            Action::Send(message) => {
                for to in 0..self.nodes.len() {
                    let lost = self.is_cut_off(index) || self.is_cut_off(to) || self.random.u8(..20) == 0;
                    if !lost {
                        self.send(to, Input::Heard(message.clone()));
                    }
                }
            }
            Action::Read(from) => {
                let after = match from {
                    SubscribeFrom::After(position) => usize::try_from(position.sequence()).unwrap(),
                    _ => 0,
                };
                let node = &mut self.nodes[index];
                (node.reading, node.reader_idle) = (Some(after), false);
                node.generation += 1;
                self.read_on(index);
            }
            Action::StopReading => {
                let node = &mut self.nodes[index];
                (node.reading, node.reader_idle) = (None, false);
                node.generation += 1;
            }
            Action::Put { partition, value, condition } => {
                let at = self.now + self.latency();
                self.push(at, Item::Write { from: index, partition, value, condition });
            }
            Action::Look(partition) => {
                let at = self.now + self.latency();
                self.push(at, Item::Look { from: index, partition: Some(partition) });
            }
            Action::LookAtAll => {
                let at = self.now + self.latency();
                self.push(at, Item::Look { from: index, partition: None });
            }
            Action::Gained(claim, _) => self.claimed(index, &claim),
            Action::Lost(claim) => self.send(index, Input::Closed(claim.partition)),
            Action::Handle(id, batch) => {
                self.begin(index, &batch);
                let at = self.now + Duration::from_millis(self.random.u64(1..20));
                let failed = self.random.u8(..20) == 0;
                self.push(at, Item::To(index, Input::Ran(id, (*batch).clone(), failed)));
            }
            Action::Stopped => self.nodes[index].stopped = true,
            Action::Fail(error) => panic!("{error}"),
            Action::Fetch { .. } | Action::KeepLetter { .. } | Action::Conclude { .. } => {
                panic!("nobody is parked here")
            }
        }
    }

    fn read_on(&mut self, index: usize) {
        let generation = self.nodes[index].generation;
        let at = self.now + Duration::from_micros(100);
        self.push(at, Item::To(index, Input::Read { generation }));
    }

    fn read(&mut self, index: usize) {
        let now = self.now;
        let goes_back = self.random.u8(..100) == 0;
        let node = &mut self.nodes[index];
        let Some(next) = &mut node.reading else { return };
        if *next >= self.log.len() || !node.engine.has_room() {
            node.reader_idle = true;
            return;
        }
        if goes_back {
            // No store should do so; but what was done is not to be done again even then.
            *next -= (*next).min(10);
        }
        let event = self.log[*next].clone();
        *next += 1;
        node.engine.read(event, now);
        self.read_on(index);
    }

    fn claimed(&mut self, index: usize, claim: &Claim) {
        assert!(self.claims.insert((claim.partition, claim.epoch)), "an epoch was given twice");
        self.send(index, Input::Opened(claim.partition));
    }

    /// Nothing is begun by whoever does not have the partition, nothing is left out, and nothing is begun twice by one.
    fn begin(&mut self, index: usize, batch: &Batch) {
        let node = &self.nodes[index];
        let deaf_for = self.now.saturating_sub(node.cut_off_since);
        assert!(
            !self.is_cut_off(index) || deaf_for < Duration::from_secs(4),
            "{} began something while cut off",
            node.id
        );
        // Others who have missed the first pulse after a silence, or the last before it, may take a member for dead that
        // is not, and a claim that was made meanwhile may be written when the keys are back. One that was never silent has
        // its partitions for itself.
        let silent = self.was_silent(index);
        let current = self.records[&batch.partition].record.epoch;
        assert!(
            batch.epoch == current || silent,
            "{} began partition {} of {:?} at {:?}",
            node.id,
            batch.partition,
            self.records[&batch.partition].record,
            self.now
        );
        for event in &batch.events {
            let version = event.version().get();
            let done = self.done.get(event.actor()).copied().unwrap_or(0);
            assert!(version <= done + 1, "{}: {version} was begun after {done}", event.actor());
            let key = (batch.partition, batch.epoch, event.actor().clone());
            let before = self.handled_in.get(&key).copied().unwrap_or(0);
            assert!(version > before, "{}: {version} was begun again after {before}", event.actor());
        }
    }

    /// Returns whether a member could not be heard, or its partitions could not be written, within a suspicion.
    fn was_silent(&self, node: usize) -> bool {
        let node = &self.nodes[node];
        let until = node.cut_off_until.max(node.frozen_until).max(self.down_until);
        until + Duration::from_secs(3) > self.now
    }

    fn finish(&mut self, batch: &Batch) {
        for event in &batch.events {
            let version = event.version().get();
            self.handled += 1;
            let done = self.done.entry(event.actor().clone()).or_default();
            *done = version.max(*done);
            self.handled_in.insert((batch.partition, batch.epoch, event.actor().clone()), version);
        }
    }

    fn write(&mut self, from: usize, partition: Partition, value: Bytes, condition: Condition) {
        if self.down_until > self.now {
            if from == usize::MAX {
                return;
            }
            let answered = self.random.bool();
            if answered {
                // It is sent again until it can be written.
                let at = self.down_until + self.latency();
                return self.push(at, Item::Write { from, partition, value, condition });
            }
            let key = Keys::new("g").partition(partition);
            let error = CoordinationError::UnknownOutcome { key, source: "down".into() };
            // And it may yet be written, after whoever sent it was told that nobody knows.
            if self.random.bool() {
                let at = self.down_until + self.latency();
                self.push(at, Item::Write { from: usize::MAX, partition, value, condition });
            }
            let at = self.now + Duration::from_secs(2);
            return self.push(at, Item::To(from, Input::Put(partition, Err(error))));
        }
        let current = self.records.get(&partition).map(|known| known.revision);
        if condition != Condition::from(current) {
            let key = Keys::new("g").partition(partition);
            if from != usize::MAX {
                self.send(from, Input::Put(partition, Err(CoordinationError::Conflict { key, current })));
            }
            return;
        }
        let record: Record = decode(&value).unwrap();
        if let Some(Known { record: before, .. }) = self.records.get(&partition) {
            assert!(record.epoch >= before.epoch, "an epoch went back");
            assert!(
                record.epoch > before.epoch
                    || before.owner.is_some() && (record.owner.is_none() || record.owner == before.owner),
                "two owners in an epoch"
            );
            assert!(!after(before.position, record.position), "a checkpoint went back");
            let is_well = |(index, node): (usize, &Node)| {
                before.owner.as_ref() == Some(&node.id)
                    && node.alive
                    && !node.stopped
                    && !self.was_silent(index)
            };
            let taken = record.epoch > before.epoch && self.nodes.iter().enumerate().any(is_well);
            assert!(!taken, "{:?} was taken from {:?}, who was well", record, before.owner);
        }
        self.revision += 1;
        let known = Known { record, revision: Revision::new(self.revision) };
        self.records.insert(partition, known.clone());
        self.history.entry(partition).or_default().push(known.clone());
        for node in 0..self.nodes.len() {
            if self.random.u8(..10) != 0 && !self.is_cut_off(node) {
                self.send(node, Input::Saw(partition, known.clone()));
            }
        }
        if from != usize::MAX {
            self.send(from, Input::Put(partition, Ok(known.revision)));
        }
    }

    fn look(&mut self, from: usize, partition: Option<Partition>) {
        let input = match partition {
            Some(partition) => {
                // The server that is asked may be behind.
                let behind = self.random.usize(..8).saturating_sub(4);
                let history = self.history.get(&partition);
                Input::Looked(partition, history.and_then(|known| known.iter().rev().nth(behind)).cloned())
            }
            None => Input::LookedAtAll(self.records.clone().into_iter().collect()),
        };
        self.send(from, input);
    }
}
