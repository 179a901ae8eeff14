//! [`ClusterStatus`]: the cluster as one node sees it, and [`ClusterEvent`]: its changes.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::plan::Plan;
use crate::{Epoch, Incarnation, Member, MemberState, Node, NodeId, ShardId};

/// The cluster as one node sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ClusterStatus {
    /// The node that says so.
    pub node: Node,
    /// `true` while the node hears itself. Otherwise it is cut off, and begins nothing.
    pub connected: bool,
    /// The leader that the node knows, and its epoch.
    pub leader: Option<Leader>,
    /// All members that it knows of, in the order of their names.
    pub members: Vec<MemberStatus>,
    /// The shards.
    pub shards: ShardsStatus,
    /// The number of actors in memory.
    pub actors: usize,
}

/// A leader of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Leader {
    /// The epoch.
    pub epoch: Epoch,
    /// The node.
    pub node: Node,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MemberStatus {
    /// The description that the member publishes.
    #[serde(flatten)]
    pub member: Member,
    /// The state of the member.
    pub state: MemberState,
    /// The number of shards that the plan gives it.
    pub shards: usize,
}

/// The shards of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct ShardsStatus {
    /// The number of shards.
    pub total: usize,
    /// The number of shards that are owned by a member that is heard.
    pub owned: usize,
    /// The number of shards on the move.
    pub moving: usize,
    /// The number of shards that this node acts for.
    pub here: usize,
    /// The version of the plan.
    pub plan: u64,
}

impl ClusterStatus {
    pub(crate) fn new(node: Node, connected: bool, actors: usize, here: usize, known: &Known) -> Self {
        let mut counts: BTreeMap<Incarnation, usize> = BTreeMap::new();
        for owner in known.plan.slots.iter().filter_map(|slot| slot.owner) {
            *counts.entry(owner).or_default() += 1;
        }
        let members: Vec<MemberStatus> = known
            .members
            .values()
            .map(|(member, state)| MemberStatus {
                member: member.clone(),
                state: *state,
                shards: counts.get(&member.node.incarnation).copied().unwrap_or_default(),
            })
            .collect();
        let is_heard = |member: &&MemberStatus| member.state != MemberState::Suspect;
        let shards = ShardsStatus {
            total: known.plan.slots.len(),
            owned: members.iter().filter(is_heard).map(|member| member.shards).sum(),
            moving: known.plan.moving(),
            here,
            plan: known.plan.version,
        };
        let leader = known.leader.clone().map(|(epoch, node)| Leader { epoch, node });
        Self { node, connected, leader, members, shards, actors }
    }

    /// Returns the state of this node.
    #[must_use]
    pub fn state(&self) -> MemberState {
        let own = self.members.iter().find(|other| other.member.node == self.node);
        own.map_or(MemberState::Joining, |own| own.state)
    }

    /// Returns whether the node is ready: it hears itself, the leader has admitted it, and every shard has an owner.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.connected
            && self.state() == MemberState::Up
            && self.shards.total > 0
            && self.shards.owned == self.shards.total
    }
}

/// What a status is made of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    pub(crate) plan: std::sync::Arc<Plan>,
    pub(crate) leader: Option<(Epoch, Node)>,
    pub(crate) members: BTreeMap<NodeId, (Member, MemberState)>,
}

impl fmt::Display for ClusterStatus {
    /// A table for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.leader {
            Some(Leader { epoch, node }) => writeln!(f, "leader {node}, epoch {epoch}")?,
            None => writeln!(f, "no leader is known")?,
        }
        let ShardsStatus { total, owned, moving, here, plan } = self.shards;
        writeln!(f, "{owned} of {total} shards owned, {moving} moving, {here} here; plan {plan}")?;
        for MemberStatus { member, state, shards } in &self.members {
            let zone = member.zone.as_deref().unwrap_or("-");
            writeln!(
                f,
                "{:<24} {state:<8} {shards:>5} shards  zone {zone}  {}",
                member.id(),
                member.version
            )?;
        }
        Ok(())
    }
}

/// An event of a cluster, as one node sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClusterEvent {
    /// A member is like this now.
    Member {
        /// The description that the member publishes.
        member: Member,
        /// The state of the member.
        state: MemberState,
    },
    /// The cluster has a new leader.
    Leader {
        /// The epoch.
        epoch: Epoch,
        /// The node.
        node: Node,
    },
    /// The node acts for the shard from now on.
    Gained(ShardId),
    /// The node does not act for the shard any more.
    Lost(ShardId),
    /// So many events were not taken in time and are missing here: look at the [`status`](crate::ClusterManager::status).
    Missed(u64),
}
