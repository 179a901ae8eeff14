//! What must hold of a cluster in which nothing goes wrong any more.

use std::time::Duration;

use super::input::What;
use super::world::{ACTORS, World};
use crate::plan::Plan;
use crate::record::{Name, from_json};
use crate::{MemberState, ShardId};

/// Within what time it comes to rest.
const BOUND: Duration = Duration::from_secs(30);
/// For how long nothing changes any more.
const QUIET: Duration = Duration::from_secs(6);
const STEP: Duration = Duration::from_millis(250);

impl World {
    /// Heals everything, and lets the cluster come to rest.
    pub(super) fn come_to_rest(&mut self) {
        self.heal();
        let thawed = self.processes().map(|(_, process)| process.frozen_until).max().unwrap_or_default();
        self.run(thawed.saturating_sub(self.now));
        let (mut began, mut since) = (self.now, None);
        loop {
            self.run(STEP);
            if self.is_wrong() {
                return;
            }
            if self.hosts.iter().any(|host| host.process.as_ref().is_none_or(|process| process.stopped)) {
                self.come_back();
                began = began.max(self.now.saturating_sub(BOUND / 3));
            }
            let plan = self.keys.get(&Name::Plan).map(|(_, revision)| revision);
            match self.unrest() {
                None if since.is_none_or(|(_, before)| before != plan) => since = Some((self.now, plan)),
                // It does not begin anything new either.
                None if since.is_some_and(|(since, _)| self.now > since + QUIET) => break,
                None => {}
                Some(unrest) if self.now > began + BOUND => {
                    return self.wrong(|| format!("no rest: {unrest}"));
                }
                Some(_) => since = None,
            }
        }
        let took = self.now - began;
        self.counts.count("milliseconds until at rest", took.as_millis() as u64);
        self.stay_at_rest();
    }

    /// Nothing changes any more, and every shard answers.
    fn stay_at_rest(&mut self) {
        let plan = self.keys.get(&Name::Plan).map(|(_, revision)| revision);
        self.senders.iter_mut().for_each(|sender| sender.idle = true);
        self.run(self.suspect_after);
        self.judge.strict_since = Some(self.now);
        let shards = usize::from(self.shards);
        let mut left: Vec<usize> = (0..shards).collect();
        let until = self.now + BOUND;
        loop {
            for number in 0..self.senders.len() {
                let sender = &mut self.senders[number];
                if sender.doing.is_none() && sender.next.is_none() {
                    sender.next = left.pop().map(|shard| (ACTORS + shard, What::Append(0)));
                }
                sender.idle = sender.next.is_none();
            }
            self.run(STEP);
            let busy = self.senders.iter().any(|sender| sender.next.is_some() || sender.doing.is_some());
            if self.is_wrong() || (left.is_empty() && !busy) {
                break;
            }
            if self.now > until {
                return self.wrong(|| "not every shard answers".into());
            }
        }
        let unrest = self.unrest();
        if self.keys.get(&Name::Plan).map(|(_, revision)| revision) != plan || unrest.is_some() {
            self.wrong(|| format!("the cluster does not stay at rest: {unrest:?}"));
        }
    }

    /// What is not yet as it should be.
    fn unrest(&self) -> Option<String> {
        let running: Vec<_> = self.processes().collect();
        if running.len() < self.hosts.len() || running.iter().any(|(_, process)| process.leaving) {
            return Some("not everybody is back".into());
        }
        let leaders: Vec<_> =
            running.iter().filter_map(|(node, process)| Some((*node, process.leads?))).collect();
        let [(_, epoch)] = leaders[..] else { return Some(format!("the leaders are {leaders:?}")) };
        let plan = self.keys.get(&Name::Plan).and_then(|(value, _)| from_json::<Plan>(&value).ok());
        let Some(plan) = plan else { return Some("there is no plan".into()) };
        if plan.epoch != epoch {
            return Some(format!("the plan is of epoch {}, and the leader of {epoch}", plan.epoch));
        }
        if plan.nodes.len() != running.len() || plan.moving() > 0 {
            return Some(format!("the plan has {} nodes and {} moves", plan.nodes.len(), plan.moving()));
        }
        for (node, process) in &running {
            let up = process.members.values().filter(|state| **state == MemberState::Up).count();
            if up != running.len() || process.members.len() != up {
                return Some(format!("n{node} sees {:?}", process.members));
            }
        }
        let fair = f64::from(self.shards) / running.len() as f64;
        for (node, process) in &running {
            let owned = plan.slots.iter().filter(|slot| slot.owner == Some(process.incarnation)).count();
            if (owned as f64) < fair.floor() - 1.0 || owned as f64 > (fair * 1.25).ceil() {
                return Some(format!("n{node} has {owned} of {} shards", self.shards));
            }
        }
        ShardId::all(self.shards).find_map(|shard| {
            let owner = plan.slot(shard).owner.and_then(|owner| self.node_of(owner));
            let Some(owner) = owner else { return Some(format!("shard {shard} is nobody's")) };
            let acting = self.acting(shard);
            if acting != [owner] {
                return Some(format!("shard {shard} is n{owner}'s, and {acting:?} act"));
            }
            let process = self.process(owner)?;
            if process.listens[shard.index()].is_none() {
                return Some(format!("n{owner} does not listen to shard {shard}"));
            }
            (!process.hears_itself(self.now)).then(|| format!("n{owner} does not hear itself"))
        })
    }
}
