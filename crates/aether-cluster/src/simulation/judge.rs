//! [`Judge`]: what must hold at every moment.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aether_coordination::Revision;
use bytes::Bytes;

use super::host::short;
use super::input::{Outcome, Request, Seen, What};
use super::net::Place;
use super::sender::Ended;
use super::world::World;
use crate::engine::Happened;
use crate::plan::Plan;
use crate::record::{Leader, Name, from_json};
use crate::routing::gate::Stance;
use crate::signal::Message;
use crate::{Epoch, Incarnation, ShardId};

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// For the first time.
    pub(super) at: Duration,
    /// `true` if it was asked for once.
    pub(super) fresh: bool,
}

#[derive(Debug, Default)]
pub(super) struct Judge {
    asked: BTreeMap<u64, Asked>,
    /// Commands of which nothing may ever be found.
    failed: BTreeSet<u64>,
    /// Commands that were refused, so that they may never be done.
    refused: BTreeSet<u64>,
    /// Who leads in each epoch.
    leaders: BTreeMap<Epoch, Incarnation>,
    /// `true` if all is done in order, so that no two may act for a shard.
    pub(super) nobody_fails: bool,
    /// `true` if no attempt may time out, and nothing may fail: of what was sent since.
    pub(super) strict_since: Option<Duration>,
}

impl Judge {
    pub(super) fn asked(&mut self, id: u64, asked: Asked) {
        self.asked.entry(id).and_modify(|before| before.fresh = false).or_insert(asked);
    }
}

impl World {
    /// A node says something to all.
    pub(super) fn judge_message(&mut self, node: usize, message: &Message) {
        match message {
            Message::Pulse(beat) => {
                let before = self.process_mut(node).and_then(|process| {
                    let before = process.leads;
                    process.leads = beat.leads;
                    before
                });
                if let Some(epoch) = beat.leads {
                    if before != beat.leads {
                        self.count("leaders");
                        self.log(|| format!("n{node} leads in epoch {epoch}"));
                    }
                    self.judge_leader(epoch, beat.node.incarnation);
                }
            }
            Message::Plan(plan, _) => {
                if let Some(incarnation) = self.process(node).map(|process| process.incarnation) {
                    self.judge_leader(plan.epoch, incarnation);
                }
                self.tell_clients(Place::node(node), plan);
            }
            Message::Resigned(..) | Message::Goodbye(_) => {}
        }
    }

    fn judge_leader(&mut self, epoch: Epoch, who: Incarnation) {
        let leader = *self.judge.leaders.entry(epoch).or_insert(who);
        if leader != who {
            self.wrong(|| format!("epoch {epoch} has two leaders: {leader} and {who}"));
        }
    }

    /// A key was written.
    pub(super) fn judge_write(
        &mut self,
        name: &Name,
        before: Option<&Bytes>,
        value: Option<&Bytes>,
        revision: Revision,
    ) {
        let Some(value) = value else { return };
        match name {
            Name::Plan => {
                let plan = |value: &Bytes| from_json::<Plan>(value).ok();
                let Some(after) = plan(value) else { return self.wrong(|| "a plan cannot be read".into()) };
                self.count("plans");
                self.log(|| format!("plan {}/{}: {}", after.epoch, after.version, shown(&after)));
                let Some(before) = before.and_then(plan) else { return };
                if after.epoch < before.epoch {
                    self.wrong(|| {
                        let (old, new) = (after.epoch, before.epoch);
                        format!("a plan of epoch {old} was accepted over one of epoch {new}")
                    });
                }
                if after.version <= before.version {
                    self.wrong(|| format!("version {} follows {}", after.version, before.version));
                }
                if after.epoch > before.epoch && after.slots != before.slots {
                    self.wrong(|| format!("epoch {} does not begin with a stamp", after.epoch));
                }
                self.judge_moves(&before, &after);
                let lost = before.shards().filter(|(shard, slot)| {
                    let is = after.slot(*shard).owner;
                    slot.owner.is_some() && is != slot.owner && is != slot.to
                });
                let lost = lost.count() as u64;
                self.counts.count("shards given to others without a move", lost);
            }
            Name::Leader => {
                if from_json::<Leader>(value).is_ok_and(|leader| leader.epoch.is_none()) {
                    self.count("take-overs");
                    self.log(|| format!("a take-over stands: epoch {revision}"));
                }
            }
            Name::Member(_) | Name::Settings => {}
        }
    }

    /// A plan that says that a shard has arrived is right, as long as nobody fails.
    fn judge_moves(&mut self, before: &Plan, after: &Plan) {
        for (shard, slot) in before.shards().filter(|_| self.judge.nobody_fails) {
            let owner = after.slot(shard).owner;
            let has_moved = slot.owner.is_some() && owner != slot.owner;
            if has_moved
                && owner
                    .and_then(|owner| self.node_of(owner))
                    .is_none_or(|node| !self.acting(shard).contains(&node))
            {
                self.wrong(|| format!("the plan says that shard {shard} has moved, and it has not"));
                return;
            }
        }
    }

    /// A node tells what has happened.
    pub(super) fn judge_happened(&mut self, node: usize, happened: &Happened) {
        let Happened::Plan(plan) = happened else { return };
        let Some(before) = self.process(node).map(|process| (process.plan.epoch, process.plan.version))
        else {
            return;
        };
        let after = (plan.epoch, plan.version);
        if before.1 > 0 && (after.0 < before.0 || after.1 <= before.1) {
            self.wrong(|| format!("n{node} goes from plan {before:?} to {after:?}"));
        }
    }

    /// A node begins to act for a shard.
    pub(super) fn judge_opened(&mut self, node: usize, shard: ShardId) {
        let others: Vec<usize> = self.acting(shard).into_iter().filter(|other| *other != node).collect();
        if self.judge.nobody_fails && !others.is_empty() {
            self.wrong(|| {
                format!("n{node} acts for shard {shard} beside {others:?}, though nothing went wrong")
            });
        }
    }

    /// The nodes that act for a shard.
    pub(super) fn acting(&self, shard: ShardId) -> Vec<usize> {
        let acts = self.processes().filter(|(_, process)| {
            process.gates.get(shard.index()).is_some_and(|gate| gate.stance() == Stance::Acting)
        });
        acts.map(|(node, _)| node).collect()
    }

    /// Something is begun; it arrived at this time, unless it was kept or forwarded.
    pub(super) fn judge_begin(
        &mut self,
        node: usize,
        shard: ShardId,
        request: &Request,
        arrived: Option<Duration>,
    ) {
        if self.acting(shard).iter().any(|other| *other != node) {
            self.count("begun beside another owner");
        }
        let Some(process) = self.process(node) else { return };
        let age = arrived.map(|arrived| {
            // What was on its way into the process when it froze is as good as begun.
            let arrived = arrived.max(process.frozen_since);
            let in_backlog = arrived > process.frozen_since + self.suspect_after / 3;
            if in_backlog {
                process.clock.at(self.now).saturating_sub(process.clock.at(arrived))
            } else {
                Duration::ZERO
            }
        });
        if age.is_some_and(|age| age > self.suspect_after + self.suspect_after / 3) {
            let (sender, call) = (request.sender, request.call);
            self.wrong(|| format!("n{node} begins s{sender}'s call {call} from a backlog of {age:?}"));
        }
    }

    /// Something was saved.
    pub(super) fn judge_commit(&mut self, actor: usize) {
        let log = self.store.log(actor);
        let Some((commit, before)) = log.split_last() else { return };
        let commit = commit.clone();
        let twice = before.iter().any(|other| other.id == commit.id);
        self.count("commits");
        self.log(|| {
            format!("actor {actor}: commit {}: id {} {:?}", commit.sequence, commit.id, commit.outcome)
        });
        if twice {
            self.wrong(|| format!("command {} of actor {actor} stands twice in the log", commit.id));
        }
        if self.judge.failed.contains(&commit.id) {
            self.wrong(|| {
                format!("command {} of actor {actor} is saved, though it was said to have failed", commit.id)
            });
        }
        if matches!(commit.outcome, Outcome::Done(_)) && self.judge.refused.contains(&commit.id) {
            self.wrong(|| format!("command {} of actor {actor} is done, though it was refused", commit.id));
        }
    }

    /// Returns whether the list was like this at a moment since.
    fn was_so(&self, actor: usize, since: Duration, state: Seen) -> bool {
        let first = self.store.head_at(actor, since);
        (first..=self.store.log(actor).len()).any(|head| self.store.state(actor, head) == state)
    }

    /// Somebody knows what has become of what was asked.
    pub(super) fn judge_ended(&mut self, id: u64, actor: usize, what: What, seen: u64, ended: Ended) {
        let Some(asked) = self.judge.asked.get(&id).copied() else { return };
        let committed = self.store.log(actor).iter().find(|commit| commit.id == id).cloned();
        match ended {
            Ended::Answered { outcome, sequence } => {
                if sequence < seen {
                    self.wrong(|| {
                        format!("{what:?} of actor {actor} is answered at {sequence}, after {seen} was seen")
                    });
                }
                match outcome {
                    Outcome::Done(_) => {
                        self.count("commands done");
                        if committed.is_none_or(|commit| commit.outcome != outcome) {
                            self.wrong(|| {
                                format!("command {id} of actor {actor} was acknowledged and is not there")
                            });
                        }
                    }
                    Outcome::Refused(state) => {
                        self.count("commands refused");
                        self.judge.refused.insert(id);
                        if committed.is_some_and(|commit| commit.outcome != outcome) {
                            self.wrong(|| {
                                format!("command {id} of actor {actor} was refused, and it is done")
                            });
                        }
                        if !self.was_so(actor, asked.at, state) {
                            self.wrong(|| {
                                format!(
                                    "command {id}: actor {actor} was never at {state:?} since it was asked"
                                )
                            });
                        }
                    }
                    Outcome::Told(state) => {
                        self.count("queries answered");
                        if what == What::ReadLatest && !self.was_so(actor, asked.at, state) {
                            self.wrong(|| {
                                format!("query {id}: actor {actor} was never at {state:?} since it was asked")
                            });
                        }
                    }
                }
            }
            Ended::Failed => {
                self.count("calls failed");
                if asked.fresh && !what.is_query() {
                    self.judge.failed.insert(id);
                    if committed.is_some() {
                        self.wrong(|| {
                            format!("command {id} of actor {actor} was said to have failed, and is there")
                        });
                    }
                }
            }
            Ended::Unknown => self.count("calls of unknown outcome"),
        }
        if self.is_strict(asked.at) && !matches!(ended, Ended::Answered { .. }) {
            self.wrong(|| {
                format!("{what:?} of actor {actor} ends with {ended:?}, though nothing went wrong")
            });
        }
        if ended != Ended::Unknown {
            self.judge.asked.remove(&id);
        }
    }

    fn is_strict(&self, since: Duration) -> bool {
        self.judge.strict_since.is_some_and(|strict| since >= strict)
    }

    /// An attempt has timed out that was sent at that time.
    pub(super) fn judge_timeout(&mut self, sender: usize, sent: Duration) {
        if self.is_strict(sent) {
            self.wrong(|| format!("an attempt of s{sender} timed out, though nothing went wrong"));
        }
    }
}

/// A plan in a line.
fn shown(plan: &Plan) -> String {
    let name = |node: Option<Incarnation>| {
        let node = node.and_then(|node| {
            plan.nodes
                .iter()
                .find(|other| other.incarnation == node)
                .map(|other| other.id.to_string())
                .or_else(|| Some(short(node)))
        });
        node.unwrap_or_else(|| "-".into())
    };
    let slots = plan.slots.iter().map(|slot| match slot.to {
        Some(to) => format!("{}>{}", name(slot.owner), name(Some(to))),
        None => name(slot.owner),
    });
    slots.collect::<Vec<_>>().join(" ")
}
