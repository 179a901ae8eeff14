//! How nodes read and write the keys, how requests reach listeners, and what goes wrong with that.

use std::sync::Arc;
use std::time::Duration;

use aether_coordination::{Condition, CoordinationError};
use bytes::Bytes;

use super::host::short;
use super::input::{Input, Item, News, Request};
use super::net::Place;
use super::scenario::Mutant;
use super::store::Write;
use super::world::World;
use crate::plan::Plan;
use crate::record::{Keys, Name, from_json};
use crate::{Incarnation, ShardId};

/// How long a write is tried until its outcome is unknown.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long until a write that did not get through is sent again, and until a read is given up.
const AGAIN: Duration = Duration::from_millis(500);

impl World {
    pub(super) fn put(
        &mut self,
        node: usize,
        incarnation: Incarnation,
        number: Option<u64>,
        name: Name,
        value: Option<Bytes>,
        condition: Condition,
    ) {
        self.log(|| format!("n{node} writes {name:?} {condition:?}"));
        let (at, until) = (self.now + self.latency(), self.now + PATIENCE);
        let write = Write { name, value, condition };
        if self.is(Mutant::NotStamped)
            && let (Some(revision), Some(number)) = (self.stamps(&write), number)
        {
            let input = Input::Wrote { number, name: write.name, result: Ok(revision) };
            return self.tell_node(at, node, incarnation, input);
        }
        self.push(at, Item::Write { node, incarnation, number, write, until });
    }

    /// Returns whether a write does nothing but stamp the plan that is there, and the revision of that.
    fn stamps(&self, write: &Write) -> Option<aether_coordination::Revision> {
        let (before, revision) = self.keys.get(&write.name).filter(|_| write.name == Name::Plan)?;
        let (before, after) =
            (from_json::<Plan>(&before).ok()?, from_json::<Plan>(write.value.as_ref()?).ok()?);
        (before.epoch < after.epoch && before.slots == after.slots).then_some(revision)
    }

    pub(super) fn write_arrives(
        &mut self,
        node: usize,
        incarnation: Incarnation,
        number: Option<u64>,
        write: Write,
        until: Duration,
    ) {
        let now = self.now;
        let cut_off = !self.net.reaches(Place::node(node), Place::KEYS, now);
        let held = self.keys.is_down(now) && self.random.bool();
        if held && !cut_off {
            // It is written when the election is over, which whoever sent it may not live to see.
            let at = self.keys.down_until + self.latency();
            self.count("key writes held up by an election");
            let still_waits = at < until;
            if !still_waits {
                self.unknown(until, node, incarnation, number, &write.name);
            }
            let number = number.filter(|_| still_waits);
            return self.push(at, Item::Write { node, incarnation, number, write, until });
        }
        if cut_off || self.keys.is_down(now) {
            if now + AGAIN < until {
                return self.push(now + AGAIN, Item::Write { node, incarnation, number, write, until });
            }
            return self.unknown(until, node, incarnation, number, &write.name);
        }
        let name = write.name.clone();
        let before = self.keys.get(&name).map(|(value, _)| value);
        let value = write.value.clone();
        let result = self.keys.write(write, now);
        self.log(|| format!("n{node}'s write of {name:?}: {result:?}"));
        if let Ok(revision) = result {
            self.judge_write(&name, before.as_ref(), value.as_ref(), revision);
            self.tell_of(&name, value.as_ref(), revision);
        } else {
            self.count("conflicts of keys");
        }
        let lost = !self.calm && self.random.u8(..30) == 0;
        if lost || !self.net.reaches(Place::KEYS, Place::node(node), now) {
            self.count("lost acknowledgements of keys");
            return self.unknown(until.max(now), node, incarnation, number, &name);
        }
        let key = Keys::new("simulated").of(&name);
        let result = result.map_err(|current| CoordinationError::Conflict { key, current });
        if let Some(number) = number {
            let at = now + self.latency();
            self.tell_node(at, node, incarnation, Input::Wrote { number, name, result });
        }
    }

    fn unknown(
        &mut self,
        at: Duration,
        node: usize,
        incarnation: Incarnation,
        number: Option<u64>,
        name: &Name,
    ) {
        let Some(number) = number else { return };
        self.count("key writes of unknown outcome");
        let key = Keys::new("simulated").of(name);
        let result = Err(CoordinationError::UnknownOutcome { key, source: "simulated".into() });
        self.tell_node(at, node, incarnation, Input::Wrote { number, name: name.clone(), result });
    }

    /// Those who watch are told, though not always.
    fn tell_of(&mut self, name: &Name, value: Option<&Bytes>, revision: aether_coordination::Revision) {
        for node in 0..self.hosts.len() {
            let Some(incarnation) = self.process(node).map(|process| process.incarnation) else { continue };
            let is_told = self.calm || self.random.u8(..8) != 0;
            if !is_told || !self.net.reaches(Place::KEYS, Place::node(node), self.now) {
                continue;
            }
            let at = self.now + self.latency();
            let name = name.clone();
            let input = match value {
                Some(value) => {
                    let value = self.read_as(node, &name, value.clone());
                    Input::Saw { name, value, revision }
                }
                None => Input::SawDeleted(name),
            };
            self.tell_node(at, node, incarnation, input);
        }
    }

    pub(super) fn look(&mut self, node: usize, incarnation: Incarnation, name: Option<Name>) {
        let at = self.now + self.latency();
        self.push(at, Item::Look { node, incarnation, name });
    }

    pub(super) fn look_arrives(&mut self, node: usize, incarnation: Incarnation, name: Option<Name>) {
        let (now, place) = (self.now, Place::node(node));
        let down = self.keys.is_down(now);
        let fails = !self.net.reaches(place, Place::KEYS, now) || (down && self.random.bool());
        let behind = match self.random.u8(..8) {
            _ if self.calm => 0,
            0 | 1 => self.random.usize(1..8),
            2 if down => self.random.usize(8..40),
            _ => 0,
        };
        if behind > 0 {
            self.count("stale reads of keys");
        }
        let unavailable = || CoordinationError::Unavailable("simulated".into());
        let at = now + if fails { AGAIN * 2 } else { self.latency() };
        let found = self.keys.read(behind).into_iter().map(|(name, value, revision)| {
            let value = self.read_as(node, &name, value);
            (name, value, revision)
        });
        let input = match name {
            None => Input::LookedAtAll(if fails { Err(unavailable()) } else { Ok(found.collect()) }),
            Some(name) => {
                let mut found = found;
                let found = found.find(|(other, ..)| *other == name);
                let found = found.map(|(_, value, revision)| (value, revision));
                Input::Looked { name, found: if fails { Err(unavailable()) } else { Ok(found) } }
            }
        };
        self.tell_node(at, node, incarnation, input);
    }

    /// What a node makes of what it reads: a mutant takes everybody's plans for its own.
    fn read_as(&self, node: usize, name: &Name, value: Bytes) -> Bytes {
        if *name != Name::Plan || !self.is(Mutant::NoEpochCheck) {
            return value;
        }
        let leads = self.process(node).and_then(|process| process.leads);
        match (leads, from_json::<Plan>(&value)) {
            (Some(epoch), Ok(plan)) => crate::record::to_json(&self.plan_as(epoch, plan)),
            _ => value,
        }
    }

    pub(super) fn plan_as(&self, epoch: crate::Epoch, plan: Plan) -> Plan {
        Plan { epoch: plan.epoch.min(epoch), ..plan }
    }
}

impl World {
    /// Sends a request to whoever listens to the shard.
    pub(super) fn publish(&mut self, number: usize, shard: ShardId, request: Request) {
        let (now, place) = (self.now, self.senders[number].place);
        self.count("requests");
        let (call, attempt) = (request.call, request.attempt);
        if attempt > 0 {
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
            return self.tell_sender(at, number, News::NoResponders { call, attempt });
        }
        if self.is(Mutant::QueueGroups) && !listeners.is_empty() {
            let one = self.random.usize(..listeners.len());
            listeners = vec![listeners[one]];
        }
        for (node, incarnation) in listeners {
            // The servers do not double what they pass on, and clients send nothing again by themselves.
            for at in self.net.send(place, Place::node(node), now, &mut self.random).into_iter().take(1) {
                let request = request.clone();
                self.tell_node(at, node, incarnation, Input::Asked { shard, request, arrived: at });
            }
        }
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
