//! [`Members`]: who is in the cluster, as their records say; and how each is, as far as this node hears.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aether_coordination::{Condition, Revision};
use uuid::Uuid;

use super::election::Written;
use super::{Action, Engine, Happened};
use crate::record::{Name, to_json};
use crate::{ClusterError, Incarnation, Member, MemberState, Node, NodeId};

/// The records of all members, with this node's own.
#[derive(Debug)]
pub(super) struct Members {
    own: Member,
    record: Own,
    /// When the own record was last written, in the history of the keys.
    stood: Option<Revision>,
    /// The records that were seen last, by node.
    known: BTreeMap<NodeId, (Member, Revision)>,
    /// `true` if they were ever read.
    read: bool,
    /// What was told of each last.
    told: BTreeMap<Incarnation, (Member, MemberState)>,
    try_again_at: Duration,
}

/// This node's own record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Own {
    /// It is not there, or not as it should be.
    Missing,
    Writing,
    Written(Revision),
}

impl Members {
    pub(super) fn new(own: Member) -> Self {
        Self {
            own,
            record: Own::Missing,
            stood: None,
            known: BTreeMap::new(),
            read: false,
            told: BTreeMap::new(),
            try_again_at: Duration::ZERO,
        }
    }

    /// This node is about to leave, which the others are to know.
    pub(super) fn leave(&mut self) {
        self.own.leaving = true;
        if let Own::Written(_) = self.record {
            self.record = Own::Missing;
        }
    }

    /// These were all records that there were, as of some revision at least.
    pub(super) fn are(&mut self, records: Vec<(Member, Revision)>, as_of: Option<Revision>) {
        self.read = true;
        // What was written later may be missing: the read may have been answered by a server that lags behind.
        let mut newer = std::mem::take(&mut self.known);
        newer.retain(|_, (_, revision)| as_of.is_some_and(|as_of| *revision > as_of));
        self.known =
            records.into_iter().map(|(member, revision)| (member.id().clone(), (member, revision))).collect();
        self.known.extend(newer);
        let stands = self.known.get(self.own.id()).is_some_and(|(member, _)| *member == self.own);
        if !stands && matches!(self.record, Own::Written(_)) {
            // The leader has given this node up, or another one has its name.
            self.record = Own::Missing;
        }
    }

    /// One record has changed; whether that is news.
    pub(super) fn saw(&mut self, member: Member, revision: Revision) -> bool {
        let is_news = self.known.get(member.id()).is_none_or(|(_, known)| revision > *known);
        if is_news {
            self.known.insert(member.id().clone(), (member, revision));
        }
        is_news
    }

    /// A node has said that it is gone.
    pub(super) fn left(&mut self, incarnation: Incarnation) {
        self.known.retain(|_, (member, _)| member.node.incarnation != incarnation);
    }

    /// The write of the own record has ended.
    pub(super) fn wrote(&mut self, written: Written) {
        match written {
            Written::At(revision) => {
                self.record = Own::Written(revision);
                self.stood = Some(revision);
                self.known.insert(self.own.id().clone(), (self.own.clone(), revision));
            }
            Written::Conflict | Written::Unknown => self.record = Own::Missing,
        }
    }

    /// Returns whether the records were read.
    pub(super) fn is_known(&self) -> bool {
        self.read
    }

    /// Returns whether this node is a member as far as the others know, though its record may have to be written anew.
    pub(super) fn is_member(&self) -> bool {
        self.known.get(self.own.id()).is_some_and(|(member, _)| member.node == self.own.node)
    }

    /// Returns whether this node is a member, and its record is as it should be.
    pub(super) fn is_written(&self) -> bool {
        matches!(self.record, Own::Written(_))
    }

    /// Returns whether there is nobody whom it would suit better to lead: one who has shards, and is heard.
    pub(super) fn suits(&self, live: &BTreeSet<Uuid>) -> bool {
        let has_shards = |member: &Member| member.weight > 0 && !member.leaving;
        has_shards(&self.own)
            || !self.iter().any(|member| has_shards(member) && live.contains(&member.node.incarnation.uuid()))
    }

    pub(super) fn is_writing(&self) -> bool {
        self.record == Own::Writing
    }

    pub(super) fn own_revision(&self) -> Option<Revision> {
        match self.record {
            Own::Written(revision) => Some(revision),
            Own::Missing | Own::Writing => None,
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.known.values().map(|(member, _)| member)
    }

    pub(super) fn incarnations(&self) -> BTreeSet<Incarnation> {
        self.iter().map(|member| member.node.incarnation).collect()
    }

    /// The node of an incarnation.
    pub(super) fn node(&self, incarnation: Incarnation) -> Option<Node> {
        let mut nodes = self.iter().map(|member| &member.node).chain([&self.own.node]);
        nodes.find(|node| node.incarnation == incarnation).cloned()
    }
}

impl Engine {
    /// Keeps the own record where it should be, tells how the members are, and, as the leader, gives up the dead.
    pub(super) fn keep_members(&mut self, now: Duration) {
        if !self.members.read {
            return;
        }
        self.write_own_record(now);
        let incarnations = self.members.incarnations();
        for member in &incarnations {
            self.liveness.note(member.uuid(), now);
        }
        let owners = incarnations.iter().map(|member| member.uuid()).collect();
        self.liveness.forget(now, &owners);
        self.tell_members(now);
        self.give_up_the_dead(now);
    }

    fn write_own_record(&mut self, now: Duration) {
        let members = &mut self.members;
        if members.record != Own::Missing || now < members.try_again_at {
            return;
        }
        let there = members.known.get(members.own.id());
        if let Some((other, revision)) = there
            && other.node.incarnation != self.me.incarnation
            && members.stood.is_some_and(|stood| *revision > stood)
        {
            self.actions.push_back(Action::Fail(ClusterError::Replaced { node: self.me.id.clone() }));
            return;
        }
        if self.leaving && there.is_none() {
            // Nobody counts on it any more.
            return;
        }
        let condition = Condition::from(there.map(|(_, revision)| *revision));
        members.record = Own::Writing;
        members.try_again_at = now + super::TRY_AGAIN;
        let value = to_json(&members.own);
        self.put(Name::Member(self.me.id.clone()), value, condition);
    }

    fn tell_members(&mut self, now: Duration) {
        let live = self.liveness.live(now);
        let admitted: BTreeSet<Incarnation> = self.plan.nodes.iter().map(|node| node.incarnation).collect();
        let state = |member: &Member| {
            let incarnation = member.node.incarnation;
            if !live.contains(&incarnation.uuid()) {
                MemberState::Suspect
            } else if member.leaving {
                MemberState::Leaving
            } else if admitted.contains(&incarnation) {
                MemberState::Up
            } else {
                MemberState::Joining
            }
        };
        let members =
            self.members.iter().map(|member| (member.node.incarnation, (member.clone(), state(member))));
        let members: BTreeMap<_, _> = members.collect();
        let before = std::mem::replace(&mut self.members.told, members.clone());
        let gone = before.iter().filter(|(incarnation, _)| !members.contains_key(incarnation));
        let gone = gone.map(|(_, (member, _))| (member, MemberState::Gone));
        let changed = members.iter().filter(|(incarnation, now)| before.get(incarnation) != Some(now));
        let changed = changed.map(|(_, (member, state))| (member, *state));
        let news = gone.chain(changed).map(|(member, state)| Happened::Member(member.clone(), state));
        self.actions.extend(news.map(Action::Tell));
    }

    /// A member that is not heard, and that nothing belongs to any more, is none. It comes back when it is heard.
    fn give_up_the_dead(&mut self, now: Duration) {
        let is_settled = self.leading.writing.is_none() && !self.leading.stamping;
        if self.election.leads() != Some(self.plan.epoch) || !is_settled || !self.hears {
            return;
        }
        let live = self.liveness.live(now);
        let dead: Vec<(NodeId, Revision)> = self
            .members
            .known
            .values()
            .filter(|(member, _)| {
                let incarnation = member.node.incarnation;
                !live.contains(&incarnation.uuid()) && !self.plan.nodes.contains(&member.node)
            })
            .map(|(member, revision)| (member.id().clone(), *revision))
            .collect();
        for (node, revision) in dead {
            tracing::info!(%node, "is not heard any more and is given up");
            self.members.known.remove(&node);
            self.actions.push_back(Action::Delete(Name::Member(node), revision));
        }
    }
}
