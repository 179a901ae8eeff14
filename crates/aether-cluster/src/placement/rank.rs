//! [`Ranker`]: how much a node is liked by a shard, by rendezvous hashing.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::Candidate;

/// One node's part in rendezvous hashing: the node with the least [`cost`](Self::cost) is the one that a shard likes best.
///
/// Costs are exponentially distributed with the node's weight as their rate, so a node has the least of all in proportion
/// to its weight; and when a node comes or goes, the order of the others stays as it is.
#[derive(Debug)]
pub(super) struct Ranker {
    seed: u64,
    /// The reciprocal of the weight.
    mean: f64,
}

impl Ranker {
    pub(super) fn new(node: &Candidate) -> Self {
        Self { seed: xxh3_64(node.id.as_ref()), mean: 1.0 / f64::from(node.weight) }
    }

    /// What it would cost to have the shard here.
    pub(super) fn cost(&self, shard: usize) -> f64 {
        -self.uniform(shard).ln() * self.mean
    }

    /// The cost, if it is less than that.
    pub(super) fn cost_below(&self, shard: usize, limit: f64) -> Option<f64> {
        let uniform = self.uniform(shard);
        // -ln(x) is no less than 1 - x, which is much faster to find out, and for most nodes enough.
        if (1.0 - uniform) * self.mean >= limit {
            return None;
        }
        Some(-uniform.ln() * self.mean).filter(|cost| *cost < limit)
    }

    /// A number between 0 and 1, and neither of them.
    fn uniform(&self, shard: usize) -> f64 {
        let hash = xxh3_64_with_seed(&(shard as u64).to_le_bytes(), self.seed);
        ((hash >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NodeId;

    #[test]
    fn nodes_are_liked_by_weight() {
        let nodes =
            [1, 2, 5].map(|weight| Candidate::new(NodeId::new(format!("n{weight}")).unwrap()).weight(weight));
        let rankers = nodes.each_ref().map(Ranker::new);
        let mut counts = [0_u32; 3];
        for shard in 0..8_000 {
            let costs = rankers.each_ref().map(|ranker| ranker.cost(shard));
            assert!(costs.iter().all(|cost| cost.is_finite() && *cost > 0.0));
            let least = costs.into_iter().fold(f64::INFINITY, f64::min);
            counts[costs.iter().position(|cost| *cost == least).unwrap()] += 1;
            for (ranker, cost) in rankers.iter().zip(costs) {
                assert_eq!(ranker.cost_below(shard, f64::INFINITY), Some(cost));
                assert_eq!(ranker.cost_below(shard, cost), None);
            }
        }
        for (count, weight) in counts.into_iter().zip([1, 2, 5]) {
            let fair = 1_000 * weight;
            assert!(count.abs_diff(fair) < fair / 8, "{count}, where {fair} are fair");
        }
    }
}
