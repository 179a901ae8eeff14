//! What the leader does: it stamps the plan with its epoch, and makes it what it should be.

use std::time::Duration;

use aether_coordination::Condition;

use super::election::Written;
use super::{Action, Engine, Found, TRY_AGAIN, planner};
use crate::plan::{Plan, Slot};
use crate::record::{Name, from_json, to_json};
use crate::signal::Message;

/// What a leader is doing.
#[derive(Debug, Default)]
pub(super) struct Leading {
    /// The epoch has still to be stamped on the plan, for which it is read.
    pub(super) stamping: bool,
    /// The plan that is being written.
    pub(super) writing: Option<(Plan, Condition)>,
    pub(super) again_at: Duration,
}

impl Engine {
    /// A leader's first act: the epoch on the plan keeps its predecessor from writing it.
    pub(super) fn stamp(&mut self, found: Found, now: Duration) {
        let Some(epoch) = self.election.leads().filter(|_| self.leading.stamping) else { return };
        if self.leading.writing.is_some() {
            return;
        }
        let (mut plan, revision) = match found {
            None => (Plan::empty(self.settings.shards), None),
            Some((value, revision)) => match from_json::<Plan>(&value) {
                Ok(plan) => (plan, Some(revision)),
                Err(error) => {
                    tracing::warn!(%error, "the plan cannot be read, and is made anew");
                    (Plan::empty(self.settings.shards), Some(revision))
                }
            },
        };
        match revision {
            Some(revision) => self.take_plan(plan.clone(), revision, now),
            None if self.revision.is_some() => return,
            None => {}
        }
        if self.election.leads() != Some(epoch) || self.revision > revision {
            // Somebody else leads; or an old plan was read, and there is a newer one.
            return;
        }
        plan.epoch = epoch;
        plan.version += 1;
        plan.slots.resize(usize::from(self.settings.shards), Slot::default());
        self.write_plan(plan, Condition::from(revision));
    }

    pub(super) fn write_plan(&mut self, plan: Plan, condition: Condition) {
        let value = to_json(&plan);
        self.leading.writing = Some((plan, condition));
        self.put(Name::Plan, value, condition);
    }

    pub(super) fn wrote_plan(&mut self, written: Written, now: Duration) {
        let Some((plan, condition)) = self.leading.writing.take() else { return };
        match written {
            Written::At(revision) => {
                self.leading.stamping = false;
                self.actions.push_back(Action::Send(Message::Plan(plan.clone(), revision.get())));
                self.take_plan(plan, revision, now);
            }
            // The same bytes again, until it is known.
            Written::Unknown => self.write_plan(plan, condition),
            Written::Conflict => {
                // Somebody has stamped it since, or it is this node's own write of before it led again.
                self.leading.stamping = true;
                self.leading.again_at = now;
            }
        }
    }

    /// Makes the plan what it should be.
    pub(super) fn lead(&mut self, now: Duration) {
        let Some(epoch) = self.election.leads() else { return };
        if self.leading.writing.is_some() {
            return;
        }
        if self.leading.stamping {
            if now >= self.leading.again_at {
                self.leading.again_at = now + TRY_AGAIN;
                self.actions.push_back(Action::Look(Name::Plan));
            }
            return;
        }
        if self.plan.epoch != epoch || !self.hears || !self.members.is_known() {
            return;
        }
        let live = self.liveness.live(now);
        let known = planner::Known {
            live: self
                .members
                .iter()
                .filter(|member| live.contains(&member.node.incarnation.uuid()))
                .collect(),
            moved: &self.moved,
            cap: (f64::from(self.settings.shards) * self.options.moves).max(1.0) as usize,
        };
        if let Some(next) = planner::next(&self.plan, &known, &*self.options.placement) {
            let condition = Condition::from(self.revision);
            self.write_plan(next, condition);
        }
    }
}
