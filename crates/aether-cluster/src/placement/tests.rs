//! What the strategies promise.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

type Owners = Vec<Option<usize>>;

fn node(n: usize) -> Candidate {
    Candidate::new(NodeId::new(format!("node-{n}")).unwrap())
}

fn equal(count: usize) -> Vec<Candidate> {
    (0..count).map(node).collect()
}

/// Nodes of any weight, some without one, and in zones or not.
fn nodes() -> impl Strategy<Value = Vec<Candidate>> {
    let one = (0_u32..10, 0_u8..4);
    (prop::collection::vec(one, 0..20), any::<bool>()).prop_map(|(nodes, zones)| {
        let candidate = |(n, (weight, zone)): (usize, (u32, u8))| {
            let candidate = node(n).weight(weight);
            if zones && zone > 0 { candidate.zone(zone.to_string()) } else { candidate }
        };
        nodes.into_iter().enumerate().map(candidate).collect()
    })
}

fn rendezvous(nodes: &[Candidate], owners: &[Option<usize>]) -> Owners {
    Rendezvous::new().place(nodes, owners)
}

fn fresh(nodes: &[Candidate], shards: usize) -> Owners {
    rendezvous(nodes, &vec![None; shards])
}

fn load(owners: &[Option<usize>], node: usize) -> usize {
    owners.iter().filter(|owner| **owner == Some(node)).count()
}

fn loads(owners: &[Option<usize>], nodes: usize) -> Vec<usize> {
    (0..nodes).map(|node| load(owners, node)).collect()
}

/// The shards that are elsewhere, of those that somebody had.
fn moved(before: &[Option<usize>], after: &[Option<usize>]) -> Vec<usize> {
    let shards = before.iter().zip(after).enumerate();
    shards
        .filter(|(_, (before, after))| before.is_some() && before != after)
        .map(|(shard, _)| shard)
        .collect()
}

/// The same nodes without one of them, and the owners as places among them.
fn without(nodes: &[Candidate], owners: &[Option<usize>], gone: usize) -> (Vec<Candidate>, Owners) {
    let mut rest = nodes.to_vec();
    rest.remove(gone);
    let place = |owner: usize| (owner != gone).then_some(if owner > gone { owner - 1 } else { owner });
    (rest, owners.iter().map(|owner| place((*owner)?)).collect())
}

/// A fair share of the shards, rounded down and up.
fn fair(shards: usize, weight: usize, total: usize) -> (usize, usize) {
    (shards * weight / total, (shards * weight).div_ceil(total))
}

fn total(nodes: &[Candidate]) -> usize {
    nodes.iter().map(|node| node.weight as usize).sum()
}

/// What is promised of loads, whatever was before.
fn check(nodes: &[Candidate], owners: &[Option<usize>]) {
    let total = total(nodes);
    assert_eq!(owners.iter().all(Option::is_some), total > 0 || owners.is_empty());
    if total == 0 {
        assert!(owners.iter().all(Option::is_none));
        return;
    }
    let most = |weight: usize| (owners.len() * weight * 5).div_ceil(total * 4);
    for (place, node) in nodes.iter().enumerate() {
        let (weight, load) = (node.weight as usize, load(owners, place));
        let (low, _) = fair(owners.len(), weight, total);
        assert!(load <= most(weight), "{load} of {node:?}: more than {}", most(weight));
        assert!(load + 1 >= low && (load > 0 || low == 0), "{load} of {node:?}: fair is {low}");
    }
    let zones: BTreeSet<_> = nodes.iter().map(|node| &node.zone).collect();
    for zone in zones {
        let members = || nodes.iter().enumerate().filter(|(_, node)| node.zone == *zone);
        let load: usize = members().map(|(place, _)| load(owners, place)).sum();
        let weight = members().map(|(_, node)| node.weight as usize).sum();
        assert!(load <= most(weight), "{load} in {zone:?}: more than {}", most(weight));
    }
}

/// Which nodes come (or go), one after the other.
fn steps() -> impl Strategy<Value = Vec<(bool, usize)>> {
    prop::collection::vec((any::<bool>(), 0_usize..16), 1..12)
}

/// Nodes come and go, half of them being there at first. Whoever comes gets its share, and nothing else moves; what nobody
/// has any more goes to others, and nothing else moves.
fn come_and_go(all: &[Candidate], shards: usize, steps: &[(bool, usize)]) -> Result<(), TestCaseError> {
    let mut nodes = all[..all.len() / 2].to_vec();
    let mut owners = fresh(&nodes, shards);
    for (comes, which) in steps {
        let which = &all[which % all.len()];
        let place = nodes.iter().position(|node| node.id == which.id);
        match (comes, place) {
            (true, None) => {
                nodes.push(which.clone());
                let newcomer = nodes.len() - 1;
                let joined = rendezvous(&nodes, &owners);
                let (low, high) = fair(shards, which.weight as usize, total(&nodes));
                prop_assert!((low..=high).contains(&load(&joined, newcomer)));
                prop_assert!(moved(&owners, &joined).iter().all(|shard| joined[*shard] == Some(newcomer)));
                owners = joined;
            }
            (false, Some(place)) if nodes.len() > 1 => {
                let (rest, left) = without(&nodes, &owners, place);
                nodes = rest;
                owners = rendezvous(&nodes, &left);
                prop_assert_eq!(moved(&left, &owners), Vec::<usize>::new());
            }
            _ => {}
        }
        check(&nodes, &owners);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_promise_holds_whatever_was_before(
        nodes in nodes(), owners in prop::collection::vec(prop::option::of(0_usize..8), 0..300),
    ) {
        let placed = rendezvous(&nodes, &owners);
        check(&nodes, &placed);
        // It comes to rest at once.
        prop_assert_eq!(&rendezvous(&nodes, &placed), &placed);
    }

    #[test]
    fn shards_stay_unless_a_bound_makes_them_move(
        weights in prop::collection::vec(1_u32..10, 1..20),
        owners in prop::collection::vec(prop::option::of(0_usize..8), 0..300),
    ) {
        let nodes: Vec<_> = weights.iter().enumerate().map(|(n, weight)| node(n).weight(*weight)).collect();
        let owners: Owners = owners.into_iter().map(|owner| owner.filter(|owner| *owner < nodes.len())).collect();
        let placed = rendezvous(&nodes, &owners);
        let total = total(&nodes);
        let must: usize = nodes.iter().enumerate().map(|(place, node)| {
            let (weight, load) = (node.weight as usize, load(&owners, place));
            let (low, high) = fair(owners.len(), weight, total);
            let starved = load + 1 < low || (load == 0 && low > 0);
            let too_many = load.saturating_sub((owners.len() * weight * 5).div_ceil(total * 4));
            too_many + if starved { high - load } else { 0 }
        }).sum();
        prop_assert!(moved(&owners, &placed).len() <= must);
    }

    #[test]
    fn fresh_shards_are_spread_fairly_over_nodes_and_zones(nodes in nodes(), shards in 0_usize..400) {
        let placed = fresh(&nodes, shards);
        check(&nodes, &placed);
        let total = total(&nodes);
        if total == 0 {
            return Ok(());
        }
        let zones: BTreeSet<_> = nodes.iter().map(|node| &node.zone).collect();
        for zone in zones {
            let members = || nodes.iter().enumerate().filter(|(_, node)| node.zone == *zone);
            let (low, high) = fair(shards, members().map(|(_, node)| node.weight as usize).sum(), total);
            let load: usize = members().map(|(place, _)| load(&placed, place)).sum();
            prop_assert!((low..=high).contains(&load));
        }
        for (place, node) in nodes.iter().enumerate() {
            let (low, high) = fair(shards, node.weight as usize, total);
            prop_assert!((low..=high).contains(&load(&placed, place)));
        }
    }

    #[test]
    fn the_order_of_nodes_makes_no_difference(
        nodes in nodes(), shards in 0_usize..200, by in 0_usize..20, gone in 0_usize..20,
    ) {
        if nodes.is_empty() {
            return Ok(());
        }
        let (by, gone) = (by % nodes.len(), gone % nodes.len());
        let mut rotated = nodes.clone();
        rotated.rotate_left(by);
        let turned = |place: usize| (place + nodes.len() - by) % nodes.len();
        // Also when there is something to move: one node has what another one had.
        let owners: Owners = fresh(&nodes, shards).into_iter().map(|owner| owner.map(|owner| if owner == gone { 0 } else { owner })).collect();
        let expected: Owners = rendezvous(&nodes, &owners).into_iter().map(|owner| owner.map(turned)).collect();
        let owners: Owners = owners.into_iter().map(|owner| owner.map(turned)).collect();
        prop_assert_eq!(rendezvous(&rotated, &owners), expected);
    }

    #[test]
    fn equal_nodes_that_come_and_go_move_no_more_than_they_must(
        count in 2_usize..16, shards in 0_usize..600, steps in steps(),
    ) {
        come_and_go(&equal(count), shards, &steps)?;
    }

    #[test]
    fn unequal_nodes_that_come_and_go_move_no_more_than_they_must(
        weights in prop::collection::vec(1_u32..10, 2..16), zones in 1_usize..4, per_weight in 4_usize..20,
        odd in 0_usize..20, steps in steps(),
    ) {
        let candidate = |(n, weight): (usize, &u32)| node(n).weight(*weight).zone((n % zones).to_string());
        let all: Vec<_> = weights.iter().enumerate().map(candidate).collect();
        // With very few shards for each node rounding can take more than a shard.
        let shards = total(&all) * per_weight + odd;
        come_and_go(&all, shards, &steps)?;
    }

    #[test]
    fn by_the_ring_shards_follow_from_the_nodes(nodes in nodes(), shards in 0_usize..200, gone in 0_usize..20) {
        let ring = RingPlacement::default();
        let placed = ring.place(&nodes, &vec![None; shards]);
        let able = |place: usize| nodes[place].weight > 0;
        prop_assert!(placed.iter().all(|owner| owner.is_some_and(able)) || total(&nodes) == 0);
        prop_assert_eq!(&ring.place(&nodes, &vec![Some(0); shards]), &placed);
        if nodes.is_empty() {
            return Ok(());
        }
        let (rest, left) = without(&nodes, &placed, gone % nodes.len());
        let after = ring.place(&rest, &left);
        prop_assert_eq!(moved(&left, &after), Vec::<usize>::new());
        prop_assert!(after.iter().all(Option::is_some) || total(&rest) == 0);
    }
}

const MANY: usize = 4096;

#[test]
fn many_shards_on_many_nodes_are_balanced_and_stay() {
    let nodes = equal(201);
    let owners = fresh(&nodes[..200], MANY);
    let mean = MANY as f64 / 200.0;
    assert!(loads(&owners, 200).into_iter().max().unwrap() as f64 <= 1.27 * mean);

    let joined = rendezvous(&nodes, &owners);
    assert!(moved(&owners, &joined).len() as f64 <= 1.25 * MANY as f64 / 201.0);
    assert!(load(&joined, 200) >= MANY / 201);

    for gone in 0..200 {
        let (rest, left) = without(&nodes[..200], &owners, gone);
        assert!(moved(&left, &rendezvous(&rest, &left)).is_empty());
    }
}

#[test]
fn a_node_that_comes_back_gets_most_of_what_it_had() {
    for (count, shards, at_least) in [(3, 1024, 0.9), (20, 1024, 0.8), (200, MANY, 0.6)] {
        let nodes = equal(count);
        let owners = fresh(&nodes, shards);
        let (mut had, mut back) = (0, 0);
        for gone in 0..count.min(20) {
            let (rest, left) = without(&nodes, &owners, gone);
            let place = |owner: usize| if owner >= gone { owner + 1 } else { owner };
            let meanwhile: Owners =
                rendezvous(&rest, &left).into_iter().map(|owner| owner.map(place)).collect();
            let after = rendezvous(&nodes, &meanwhile);
            let own = |shard: &usize| owners[*shard] == Some(gone);
            had += (0..shards).filter(own).count();
            back += (0..shards).filter(own).filter(|shard| after[*shard] == Some(gone)).count();
        }
        let part = f64::from(back as u32) / f64::from(had as u32);
        assert!(part >= at_least, "{part} of what it had, with {count} nodes");
    }
}

/// As the leader does it: so many moves at a time, and each time planned anew.
#[test]
fn planned_step_by_step_it_comes_to_the_same() {
    for (from, to) in [(1, 2), (1, 3), (3, 4), (20, 25)] {
        let nodes = equal(to);
        let mut owners = fresh(&nodes[..from], 1024);
        let mut all = 0;
        loop {
            let wanted = rendezvous(&nodes, &owners);
            let held: Vec<_> = owners.iter().map(|owner| Held { owner: *owner, to: None }).collect();
            let moves = rebalance(&held, &wanted, 50);
            if moves.is_empty() {
                break;
            }
            all += moves.len();
            assert!(moves.len() <= 50 && all <= 1024);
            for Move { shard, to } in moves {
                owners[shard] = Some(to);
            }
        }
        check(&nodes, &owners);
        let (low, high) = fair(1024, to - from, to);
        assert!(all <= high && all + (to - from) * 2 >= low, "{all} moves, {from} to {to} nodes");
    }
}

#[test]
fn the_bound_can_be_set() {
    let nodes = equal(4);
    // The first has 40 of 100; the others have what is fair, or nearly so.
    let owners: Owners = (0..100).map(|shard| Some(if shard < 28 { 0 } else { 1 + shard % 3 })).collect();
    let most = |strategy: Rendezvous| loads(&strategy.place(&nodes, &owners), 4).into_iter().max();
    assert_eq!(most(Rendezvous::new()), Some(28));
    assert_eq!(most(Rendezvous::new().factor(1.04)), Some(26));
    assert_eq!(most(Rendezvous::new().factor(0.0)), Some(25));
    assert_eq!(most(Rendezvous::new().factor(f64::NAN)), Some(25));
}

/// A new version of Aether should not move what nobody has asked to be moved.
#[test]
fn where_shards_go_is_fixed() {
    let nodes = [node(1).weight(2), node(2), node(3).zone("b")];
    let text =
        |owners: Owners| owners.into_iter().map(|owner| owner.unwrap().to_string()).collect::<String>();
    assert_eq!(text(fresh(&nodes, 32)), "21220022202101200010000100010011");
    assert_eq!(text(RingPlacement::default().place(&nodes, &[None; 32])), "20020100000000110220000100010101");
}
