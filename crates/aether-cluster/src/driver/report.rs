//! [`Report`]: what a node tells of itself and its cluster: to whoever asks, and to the metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aether_telemetry::metrics::{ClusterMetrics, ClusterReport, Timer};

use crate::engine::Happened;
use crate::plan::Epoch;
use crate::signal::Message;
use crate::status::Known;
use crate::{Incarnation, MemberState, Node, ShardId};

/// What a node tells.
pub(super) struct Report {
    me: Node,
    metrics: ClusterMetrics,
    counts: ClusterReport,
    known: Arc<Known>,
    acting: BTreeSet<ShardId>,
    /// The number of each member's last heartbeat.
    beats: BTreeMap<Incarnation, u64>,
    holding: BTreeMap<ShardId, Timer>,
    /// `true` if anything has changed since it was told.
    news: bool,
}

impl Report {
    pub(super) fn new(namespace: Option<&str>, cluster: &str, me: Node) -> Self {
        Self {
            me,
            metrics: ClusterMetrics::new(namespace, cluster),
            counts: ClusterReport::default(),
            known: Arc::default(),
            acting: BTreeSet::new(),
            beats: BTreeMap::new(),
            holding: BTreeMap::new(),
            news: true,
        }
    }

    pub(super) fn view(&self) -> (Arc<Known>, &BTreeSet<ShardId>) {
        (Arc::clone(&self.known), &self.acting)
    }

    pub(super) fn hears(&mut self, hears: bool) {
        self.counts.cut_off += u64::from(!hears);
        self.news = true;
    }

    /// Counts the heartbeats that are missing between those that are heard.
    pub(super) fn heard(&mut self, message: &Message) {
        let Message::Pulse(beat) = message else { return };
        let node = beat.node.incarnation;
        if node == self.me.incarnation {
            return;
        }
        if let Some(before) = self.beats.insert(node, beat.count) {
            let missed = beat.count.saturating_sub(before + 1);
            self.counts.heartbeats_missed += missed;
            self.news |= missed > 0;
        }
    }

    pub(super) fn happened(&mut self, happened: &Happened) {
        self.news = true;
        let known = Arc::make_mut(&mut self.known);
        match happened {
            Happened::Plan(plan) => known.plan = Arc::clone(plan),
            Happened::Member(member, MemberState::Gone) => {
                self.beats.remove(&member.node.incarnation);
                let is_same =
                    known.members.get(member.id()).is_some_and(|(other, _)| other.node == member.node);
                if is_same {
                    known.members.remove(member.id());
                }
            }
            Happened::Member(member, state) => {
                known.members.insert(member.id().clone(), (member.clone(), *state));
            }
            Happened::Leader(leader) => {
                self.counts.leader_changes += u64::from(leader.is_some());
                known.leader.clone_from(leader);
            }
            Happened::Acts(shard, true) => {
                self.acting.insert(*shard);
            }
            Happened::Acts(shard, false) => {
                self.acting.remove(shard);
            }
        }
    }

    /// A shard's commands are held back from now on.
    pub(super) fn holds(&mut self, shard: ShardId) {
        self.holding.insert(shard, Timer::start());
    }

    pub(super) fn handed_over(&mut self, shard: ShardId) {
        if let Some(timer) = self.holding.remove(&shard) {
            self.metrics.handed_over(timer);
        }
    }

    /// Tells the metrics, if there is anything new.
    pub(super) fn tell(&mut self) {
        if !std::mem::take(&mut self.news) {
            return;
        }
        let states = [MemberState::Joining, MemberState::Up, MemberState::Suspect, MemberState::Leaving];
        let count = |wanted| self.known.members.values().filter(|(_, state)| *state == wanted).count() as u64;
        self.counts.members = states.map(count);
        let leader = self.known.leader.as_ref();
        self.counts.epoch = leader.map_or(0, |(epoch, _)| Epoch::get(*epoch));
        self.counts.leads = leader.is_some_and(|(_, node)| *node == self.me);
        self.counts.shards = self.acting.len() as u64;
        self.counts.moving = self.known.plan.moving() as u64;
        self.metrics.report(self.counts);
    }
}
