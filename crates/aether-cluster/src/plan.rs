//! [`Plan`]: which node acts for which shard, and what is on the move.

use std::collections::BTreeMap;

use aether_core::Source;
use serde::{Deserialize, Serialize};

use crate::{Incarnation, Node, ShardId};

/// The reign of a leader: each has a higher one than all before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(u64);

impl Epoch {
    /// The epoch of this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl std::fmt::Display for Epoch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What the plan says of one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Slot {
    /// Who acts for it; nobody if there is no node that could.
    pub(crate) owner: Option<Incarnation>,
    /// To whom it is moving.
    pub(crate) to: Option<Incarnation>,
    /// The version of the plan in which it was last changed: tells one move from another.
    pub(crate) since: u64,
}

/// Which node acts for which shard. Written by the leader alone, by compare-and-set; each has a higher version than the one
/// before.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub(crate) struct Plan {
    /// Whose plan it is.
    pub(crate) epoch: Epoch,
    pub(crate) version: u64,
    /// The members that the leader has admitted.
    pub(crate) nodes: Vec<Node>,
    /// By shard.
    pub(crate) slots: Vec<Slot>,
}

impl Plan {
    /// One in which nobody has anything.
    pub(crate) fn empty(shards: u16) -> Self {
        Self { slots: vec![Slot::default(); usize::from(shards)], ..Self::default() }
    }

    pub(crate) fn slot(&self, shard: ShardId) -> Slot {
        self.slots.get(shard.index()).copied().unwrap_or_default()
    }

    /// All shards with what is said of them.
    pub(crate) fn shards(&self) -> impl Iterator<Item = (ShardId, Slot)> + '_ {
        (0_u16..).map(ShardId::new).zip(self.slots.iter().copied())
    }

    /// Who acts for each shard.
    pub(crate) fn owners(&self) -> Vec<Option<Incarnation>> {
        self.slots.iter().map(|slot| slot.owner).collect()
    }

    /// Returns whether anything is, or will be, this node's.
    pub(crate) fn has(&self, node: Incarnation) -> bool {
        self.slots.iter().any(|slot| slot.owner == Some(node) || slot.to == Some(node))
    }

    /// How many shards are on the move.
    pub(crate) fn moving(&self) -> usize {
        self.slots.iter().filter(|slot| slot.to.is_some()).count()
    }
}

/// A plan as it is written: nodes by their place in the list, and shards that are alike together.
#[derive(Clone, Serialize, Deserialize)]
struct Written {
    epoch: Epoch,
    version: u64,
    nodes: Vec<Node>,
    /// Incarnations that own something and are not members any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gone: Vec<Incarnation>,
    owners: Vec<Option<u16>>,
    /// By the number of the shard.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    moves: BTreeMap<u16, u16>,
    since: Vec<u64>,
}

impl From<Plan> for Written {
    fn from(plan: Plan) -> Self {
        let mut known: Vec<Incarnation> = plan.nodes.iter().map(|node| node.incarnation).collect();
        let mut place = |incarnation: Incarnation| {
            let index = known.iter().position(|other| *other == incarnation).unwrap_or_else(|| {
                known.push(incarnation);
                known.len() - 1
            });
            u16::try_from(index).unwrap_or(u16::MAX)
        };
        let owners = plan.slots.iter().map(|slot| slot.owner.map(&mut place)).collect();
        let moves = plan.shards().filter_map(|(shard, slot)| Some((shard.get(), place(slot.to?)))).collect();
        let since = plan.slots.iter().map(|slot| slot.since).collect();
        let gone = known.split_off(plan.nodes.len());
        Self { epoch: plan.epoch, version: plan.version, nodes: plan.nodes, gone, owners, moves, since }
    }
}

impl TryFrom<Written> for Plan {
    type Error = Source;

    fn try_from(written: Written) -> Result<Self, Source> {
        let known: Vec<Incarnation> =
            written.nodes.iter().map(|node| node.incarnation).chain(written.gone).collect();
        let node = |place: u16| {
            known.get(usize::from(place)).copied().ok_or("a plan names a node that it does not list")
        };
        if written.since.len() != written.owners.len() {
            return Err("a plan has more owners than shards".into());
        }
        let mut slots = Vec::with_capacity(written.owners.len());
        for (owner, since) in written.owners.into_iter().zip(written.since) {
            slots.push(Slot { owner: owner.map(node).transpose()?, to: None, since });
        }
        for (shard, to) in written.moves {
            let slot =
                slots.get_mut(usize::from(shard)).ok_or("a plan moves a shard that it does not have")?;
            slot.to = Some(node(to)?);
        }
        Ok(Self { epoch: written.epoch, version: written.version, nodes: written.nodes, slots })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::NodeId;

    #[test]
    fn a_plan_comes_back_as_it_was() {
        let node = |n: u128| Node {
            id: NodeId::new(format!("n{n}")).unwrap(),
            incarnation: Uuid::from_u128(n).into(),
        };
        let nodes = vec![node(1), node(2)];
        let gone = Incarnation::from(Uuid::from_u128(3));
        let slot = |owner: Option<Incarnation>, to, since| Slot { owner, to, since };
        let (a, b) = (nodes[0].incarnation, nodes[1].incarnation);
        let slots = vec![slot(Some(a), Some(b), 7), slot(None, None, 0), slot(Some(gone), Some(a), 9)];
        let plan = Plan { epoch: Epoch::new(3), version: 9, nodes, slots };
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
        let broken = json.replace("\"moves\":{\"0\":1", "\"moves\":{\"3\":1");
        assert!(serde_json::from_str::<Plan>(&broken).is_err());
    }
}
