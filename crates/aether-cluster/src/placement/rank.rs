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
    rate: f64,
}

impl Ranker {
    pub(super) fn new(node: &Candidate) -> Self {
        Self { seed: xxh3_64(node.id.as_ref()), rate: f64::from(node.weight) }
    }

    /// What it would cost to have the shard here.
    pub(super) fn cost(&self, shard: usize) -> f64 {
        let hash = xxh3_64_with_seed(&(shard as u64).to_le_bytes(), self.seed);
        // The upper 53 bits, as a number between 0 and 1, and neither of them.
        let uniform = ((hash >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        -uniform.ln() / self.rate
    }
}
