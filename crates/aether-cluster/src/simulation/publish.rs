//! How requests get to those who listen, and the plan to those who ask.

use std::sync::Arc;
use std::time::Duration;

use super::host::short;
use super::input::{Input, News};
use super::mutant::Mutant;
use super::net::Place;
use super::wire::Request;
use super::world::World;
use crate::ShardId;
use crate::plan::Plan;

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
