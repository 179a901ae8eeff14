//! [`Shares`]: how many shards each node should have, may have, and must have.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Candidate;

/// What is fair for one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    /// How many it should have: its part by weight, rounded one way or the other. Those of all nodes add up to all shards.
    pub(super) quota: usize,
    /// The most that it may keep.
    pub(super) most: usize,
    /// With less it is to be filled up to its quota. One below its part rounded down, so that it is not for the sake of
    /// rounding that shards move; but a node whose part is one shard or more has one.
    pub(super) least: usize,
    /// Which zone it is in.
    pub(super) zone: usize,
}

#[derive(Debug)]
pub(super) struct Shares {
    /// By node.
    pub(super) nodes: Vec<Share>,
    /// The most that a zone may keep.
    pub(super) most_of_zones: Vec<usize>,
}

/// A part of all shards by weight.
#[derive(Debug, Clone, Copy)]
struct Part {
    whole: usize,
    /// What is left over, in parts of the total weight.
    rest: u128,
    exact: f64,
}

impl Shares {
    /// Shards for nodes of which at least one can carry something.
    ///
    /// Quotas are rounded so that those of each zone add up to the zone's part, rounded one way or the other.
    pub(super) fn new(nodes: &[&Candidate], shards: usize, factor: f64) -> Self {
        let total: u128 = nodes.iter().map(|node| u128::from(node.weight)).sum();
        let part = |weight: u128| {
            let product = shards as u128 * weight;
            let whole = product.checked_div(total).unwrap_or(0) as usize;
            let rest = product.checked_rem(total).unwrap_or(0);
            Part { whole, rest, exact: whole as f64 + rest as f64 / total as f64 }
        };
        let most = |part: Part| (part.exact * factor).ceil() as usize;
        let mut zones: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
        for (node, candidate) in nodes.iter().enumerate() {
            zones.entry(candidate.zone.as_deref()).or_default().push(node);
        }
        let parts: Vec<Part> = nodes.iter().map(|node| part(u128::from(node.weight))).collect();
        let weight_of =
            |members: &Vec<usize>| members.iter().map(|node| u128::from(nodes[*node].weight)).sum();
        let parts_of_zones: Vec<Part> = zones.values().map(|members| part(weight_of(members))).collect();
        let quotas_of_zones = round(&parts_of_zones, shards);

        let none = Share { quota: 0, most: 0, least: 0, zone: 0 };
        let mut shares = vec![none; nodes.len()];
        for (zone, (members, quota)) in zones.values().zip(&quotas_of_zones).enumerate() {
            let parts: Vec<Part> = members.iter().map(|node| parts[*node]).collect();
            for ((node, part), quota) in members.iter().zip(&parts).zip(round(&parts, *quota)) {
                let least = part.whole.saturating_sub(1).max(part.whole.min(1));
                shares[*node] = Share { quota, most: most(*part).max(quota), least, zone };
            }
        }
        let zones = parts_of_zones.into_iter().zip(quotas_of_zones);
        Self { nodes: shares, most_of_zones: zones.map(|(part, quota)| most(part).max(quota)).collect() }
    }
}

/// Rounds the parts so that they add up to `sum`: those with the largest rests are rounded up, and the first ones of those
/// that are alike. The sum is no less than all parts rounded down, and no more than all rounded up.
fn round(parts: &[Part], sum: usize) -> Vec<usize> {
    let mut quotas: Vec<usize> = parts.iter().map(|part| part.whole).collect();
    let left_over = sum.saturating_sub(quotas.iter().sum());
    let mut by_rest: Vec<usize> = (0..parts.len()).collect();
    by_rest.sort_by_key(|index| Reverse(parts[*index].rest));
    for index in by_rest.into_iter().take(left_over) {
        quotas[index] += 1;
    }
    quotas
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::NodeId;

    proptest! {
        #[test]
        fn quotas_are_parts_by_weight_rounded(
            nodes in prop::collection::vec((0_u32..30, 0_u8..4), 1..30), shards in 0_usize..3_000,
        ) {
            prop_assume!(nodes.iter().any(|(weight, _)| *weight > 0));
            let candidates: Vec<Candidate> = nodes
                .iter()
                .enumerate()
                .map(|(n, (weight, zone))| {
                    let candidate = Candidate::new(NodeId::new(format!("n{n}")).unwrap()).weight(*weight);
                    if *zone == 0 { candidate } else { candidate.zone(zone.to_string()) }
                })
                .collect();
            let shares = Shares::new(&candidates.iter().collect::<Vec<_>>(), shards, 1.25);
            let total: usize = nodes.iter().map(|(weight, _)| *weight as usize).sum();
            let fair = |weight: usize| (shards * weight / total, (shards * weight).div_ceil(total));
            for ((weight, _), share) in nodes.iter().zip(&shares.nodes) {
                let (low, high) = fair(*weight as usize);
                prop_assert!((low..=high).contains(&share.quota), "{share:?} of {low} to {high}");
                prop_assert!(share.least <= share.quota && share.quota <= share.most);
            }
            prop_assert_eq!(shares.nodes.iter().map(|share| share.quota).sum::<usize>(), shards);
            for zone in 0..4 {
                let members = nodes.iter().zip(&shares.nodes).filter(|((_, z), _)| *z == zone);
                let (weight, quota) = members
                    .fold((0, 0), |(weight, quota), ((w, _), share)| (weight + *w as usize, quota + share.quota));
                let (low, high) = fair(weight);
                prop_assert!((low..=high).contains(&quota), "zone {zone}: {quota} of {low} to {high}");
            }
        }
    }
}
