//! [`next`]: what the leader does about the plan. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::plan::{Plan, Slot};
use crate::{Incarnation, Member, NodeId, ShardId};

/// Where shards should be, and which of them to begin to move.
#[derive(Clone)]
pub(crate) struct Strategy {
    /// For each shard the place of its node among the candidates.
    pub(crate) place: Arc<dyn Fn(&[&Member], &[Option<usize>]) -> Vec<Option<usize>> + Send + Sync>,
}

impl std::fmt::Debug for Strategy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Strategy").finish_non_exhaustive()
    }
}

fn pick(current: &[Option<usize>], wanted: &[Option<usize>], cap: usize) -> Vec<(usize, usize)> {
    let (mut left, mut moves) = (cap, Vec::new());
    for (shard, (current, wanted)) in current.iter().zip(wanted).enumerate() {
        match (current, wanted) {
            (None, Some(to)) => moves.push((shard, *to)),
            (Some(from), Some(to)) if from != to && left > 0 => {
                left -= 1;
                moves.push((shard, *to));
            }
            _ => {}
        }
    }
    moves
}

/// What the leader knows.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    /// The members that are not suspected, also those that leave.
    pub(crate) live: Vec<&'a Member>,
    /// Which moves were completed, by whom.
    pub(crate) moved: &'a BTreeSet<(Incarnation, ShardId, u64)>,
    /// How many shards may be on the move at a time.
    pub(crate) cap: usize,
}

/// The plan as it should be now; `None` if it is so already. The epoch stays.
///
/// What a dead node had is given away at once, to whom it was moving or to whom it should be; what a live one has is moved,
/// so many shards at a time.
pub(crate) fn next(plan: &Plan, known: &Known<'_>, strategy: &Strategy) -> Option<Plan> {
    let mut next = plan.clone();
    next.version += 1;
    next.nodes = known.live.iter().map(|member| member.node.clone()).collect();
    next.nodes.sort();
    let live: BTreeSet<Incarnation> = next.nodes.iter().map(|node| node.incarnation).collect();
    let is_live = |node: Option<Incarnation>| node.filter(|node| live.contains(node));
    for (shard, slot) in (0_u16..).map(ShardId::new).zip(&mut next.slots) {
        let settled = settled(*slot, is_live(slot.owner), is_live(slot.to), |node| {
            known.moved.contains(&(node, shard, slot.since))
        });
        if (settled.0, settled.1) != (slot.owner, slot.to) {
            *slot = Slot { owner: settled.0, to: settled.1, since: next.version };
        }
    }
    spread(&mut next, plan, known, strategy);
    (next.nodes != plan.nodes || next.slots != plan.slots).then_some(next)
}

/// What has come of a shard: its owner and where it moves.
fn settled(
    slot: Slot,
    owner: Option<Incarnation>,
    to: Option<Incarnation>,
    has_moved: impl Fn(Incarnation) -> bool,
) -> (Option<Incarnation>, Option<Incarnation>) {
    match (owner, to) {
        (_, Some(to)) if has_moved(to) => (Some(to), None),
        (Some(owner), to) => (Some(owner), to),
        // Nobody has to be waited for.
        (None, Some(to)) => (Some(to), None),
        // Kept as it was: a dead owner is as good as none, and its name says to whom the shard would best go back.
        (None, None) => (slot.owner, None),
    }
}

/// Gives away what nobody alive has, and begins to move what should be elsewhere.
fn spread(next: &mut Plan, before: &Plan, known: &Known<'_>, strategy: &Strategy) {
    let candidates: Vec<&Member> =
        known.live.iter().copied().filter(|member| !member.leaving && member.weight > 0).collect();
    if candidates.is_empty() {
        return;
    }
    let names: BTreeMap<Incarnation, &NodeId> =
        before.nodes.iter().chain(&next.nodes).map(|node| (node.incarnation, &node.id)).collect();
    let by_name: BTreeMap<&NodeId, usize> =
        candidates.iter().enumerate().map(|(place, member)| (member.id(), place)).collect();
    let place_of = |node: Incarnation| names.get(&node).and_then(|id| by_name.get(id)).copied();
    // Who is to have it, whatever is under way: a node that was started anew counts as the one that it was.
    let current: Vec<Option<usize>> =
        next.slots.iter().map(|slot| slot.to.or(slot.owner).and_then(place_of)).collect();
    let wanted = (strategy.place)(&candidates, &current);
    let live: BTreeSet<Incarnation> = next.nodes.iter().map(|node| node.incarnation).collect();
    let mut settled = Vec::with_capacity(next.slots.len());
    for (slot, wanted) in next.slots.iter_mut().zip(&wanted) {
        let incarnation =
            wanted.and_then(|place| candidates.get(place)).map(|member| member.node.incarnation);
        if !slot.owner.is_some_and(|owner| live.contains(&owner)) && slot.owner != incarnation {
            *slot = Slot { owner: incarnation, to: None, since: next.version };
        }
        settled.push(slot.to.is_none().then_some(()).and(slot.owner).and_then(place_of));
    }
    let moving = next.slots.iter().filter(|slot| slot.to.is_some()).count();
    // A shard on the move is where it should be as far as this round is concerned.
    let wanted: Vec<Option<usize>> = next
        .slots
        .iter()
        .zip(&wanted)
        .zip(&settled)
        .map(|((slot, wanted), settled)| if slot.to.is_some() { *settled } else { *wanted })
        .collect();
    for (shard, to) in pick(&settled, &wanted, known.cap.saturating_sub(moving)) {
        let (Some(slot), Some(member)) = (next.slots.get_mut(shard), candidates.get(to)) else { continue };
        *slot = Slot { owner: slot.owner, to: Some(member.node.incarnation), since: next.version };
    }
}
