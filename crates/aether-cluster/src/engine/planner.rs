//! [`next`]: what the leader does about the plan. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::placement::{Candidate, Held, Move, Placement, rebalance};
use crate::plan::{Plan, Slot};
use crate::{Incarnation, Member, NodeId, ShardId};

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
pub(crate) fn next(plan: &Plan, known: &Known<'_>, placement: &dyn Placement) -> Option<Plan> {
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
    spread(&mut next, plan, known, placement);
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
fn spread(next: &mut Plan, before: &Plan, known: &Known<'_>, placement: &dyn Placement) {
    let members: Vec<&Member> =
        known.live.iter().copied().filter(|member| !member.leaving && member.weight > 0).collect();
    let candidates: Vec<Candidate> = members.iter().map(|member| Candidate::from(*member)).collect();
    let places: BTreeMap<&NodeId, usize> =
        members.iter().enumerate().map(|(place, member)| (member.id(), place)).collect();
    let names: BTreeMap<Incarnation, &NodeId> =
        before.nodes.iter().chain(&next.nodes).map(|node| (node.incarnation, &node.id)).collect();
    // A node that was started anew counts as the one that it was: it gets back what it had.
    let place_of = |node: Incarnation| places.get(names.get(&node)?).copied();
    let owners: Vec<Option<usize>> =
        next.slots.iter().map(|slot| slot.to.or(slot.owner).and_then(place_of)).collect();
    let wanted = placement.place(&candidates, &owners);
    let wanted: Vec<Option<Incarnation>> =
        wanted.into_iter().map(|place| Some(members.get(place?)?.node.incarnation)).collect();
    let live: BTreeSet<Incarnation> = next.nodes.iter().map(|node| node.incarnation).collect();
    let held: Vec<Held<Incarnation>> = next
        .slots
        .iter()
        .map(|slot| Held { owner: slot.owner.filter(|owner| live.contains(owner)), to: slot.to })
        .collect();
    for Move { shard, to } in rebalance(&held, &wanted, known.cap) {
        let (Some(slot), Some(held)) = (next.slots.get_mut(shard), held.get(shard)) else { continue };
        *slot = match held.owner {
            Some(owner) => Slot { owner: Some(owner), to: Some(to), since: next.version },
            None => Slot { owner: Some(to), to: None, since: next.version },
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::OffsetDateTime;
    use uuid::Uuid;

    use super::*;
    use crate::Node;
    use crate::placement::{Rendezvous, default_cap};

    fn member(name: u8, start: u8) -> Member {
        let id = NodeId::new(format!("n{name}")).unwrap();
        let incarnation = Uuid::from_u128(u128::from(name) << 8 | u128::from(start)).into();
        Member::new(Node { id, incarnation }, OffsetDateTime::UNIX_EPOCH, (1, 1))
    }

    /// Plans, and lets all moves arrive, until nothing is left to do; the plans in between are checked.
    fn settle(mut plan: Plan, members: &[Member]) -> Plan {
        let cap = default_cap(plan.slots.len());
        let mut moved = BTreeSet::new();
        for _ in 0..200 {
            let known = Known { live: members.iter().collect(), moved: &moved, cap };
            let Some(next) = next(&plan, &known, &Rendezvous::default()) else { return plan };
            assert!(next.version == plan.version + 1 && next.epoch == plan.epoch);
            assert!(next.moving() <= cap, "{} move", next.moving());
            for ((_, before), (shard, after)) in plan.shards().zip(next.shards()) {
                assert!(before == after || after.since == next.version, "{shard}: {before:?}, {after:?}");
                let lives = |node: Option<Incarnation>| {
                    node.filter(|node| members.iter().any(|member| member.node.incarnation == *node))
                };
                // Who is alive keeps what it has until its successor has it.
                if let Some(owner) = lives(before.owner)
                    && after.owner != Some(owner)
                {
                    let to = before.to.unwrap();
                    assert!(moved.contains(&(to, shard, before.since)) && after.owner == Some(to));
                }
            }
            moved = next.shards().filter_map(|(shard, slot)| Some((slot.to?, shard, slot.since))).collect();
            plan = next;
        }
        panic!("it does not come to rest");
    }

    fn counts(plan: &Plan) -> BTreeMap<Incarnation, usize> {
        let mut counts = BTreeMap::new();
        for slot in &plan.slots {
            assert_eq!(slot.to, None);
            *counts.entry(slot.owner.unwrap()).or_default() += 1;
        }
        counts
    }

    proptest! {
        #[test]
        fn every_shard_gets_an_owner_and_nobody_loses_what_it_has_before_its_time(
            before in prop::collection::btree_set(1_u8..9, 1..6),
            after in prop::collection::btree_set(1_u8..9, 1..6),
            restarted in 1_u8..9,
        ) {
            let members: Vec<Member> = before.iter().map(|name| member(*name, 1)).collect();
            let plan = settle(Plan::empty(128), &members);
            prop_assert_eq!(counts(&plan).len(), members.len());
            let start = |name: u8| if name == restarted { 2 } else { 1 };
            let members: Vec<Member> = after.iter().map(|name| member(*name, start(*name))).collect();
            let settled = settle(plan.clone(), &members);
            prop_assert_eq!(counts(&settled).len(), members.len());
            if before == after {
                // Whoever was started anew has back what it had.
                for (before, after) in plan.slots.iter().zip(&settled.slots) {
                    let name = |node: Option<Incarnation>| node.unwrap().uuid().as_u128() >> 8;
                    prop_assert_eq!(name(before.owner), name(after.owner));
                }
            }
        }
    }

    #[test]
    fn who_leaves_hands_everything_over_and_gets_nothing() {
        let mut members = vec![member(1, 1), member(2, 1)];
        let plan = settle(Plan::empty(64), &members);
        members[0].leaving = true;
        let settled = settle(plan, &members);
        assert_eq!(counts(&settled), BTreeMap::from([(members[1].node.incarnation, 64)]));
        // Where there is nobody else it keeps what it has.
        members[1].leaving = true;
        assert_eq!(settle(settled.clone(), &members).slots, settled.slots);
        members[1].leaving = false;
        members[1].weight = 0;
        assert_eq!(settle(settled.clone(), &members[1..]).slots, settled.slots);
    }
}
