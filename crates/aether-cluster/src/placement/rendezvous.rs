//! [`Rendezvous`]: the strategy that clusters use by default.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::shares::{Share, Shares};
use super::{Candidate, Placement};

/// Each shard is where it likes to be best, as long as it is fair, and stays where it is, as long as that is bearable.
///
/// A node's *fair share* is its part of all shards by weight; a zone's is that of its nodes together. What is promised, for
/// any number of nodes, zones and weights, and any owners before:
///
/// - **Bounded.** No node has more than [`factor`](Self::factor) times its fair share, rounded up, and neither has a zone.
/// - **Nobody is left out.** No node has less than its fair share, rounded down, less one; and each whose fair share is one
///   shard or more has at least one. (So no zone is left out either.)
/// - **Sticky.** A shard leaves a living owner only if that is necessary for one of the two. If an owner or its zone has too
///   many, it gives away the ones too many; if a node has too few, as one that has just come, it is filled up to its fair
///   share, rounded up or down, by nodes that have more than theirs. Then nothing moves any more.
/// - **Fair from the start.** Shards that nobody has go only to nodes that have less than their fair share, rounded up or
///   down. So where all shards are new every node has just that, and so has every zone, and nodes that come and go leave it
///   about so: one that comes gets its share and nothing else moves, and one that goes leaves its shards to the others and
///   nothing else moves. (With unequal weights and very few shards for each node, rounding can make one or two more move.)
/// - **At home.** Among the nodes that may get a shard it goes to the one that it likes best, by rendezvous hashing
///   (`xxh3_64_with_seed(shard, xxh3_64(name))`, made a weighted preference), and of all shards that could be moved those
///   are that gain most by it. So a node that comes back gets most of what it had.
///
/// Where nodes stand in the list makes no difference. Zones are balanced, and no more: a shard is at one node at a time, so
/// there are no copies of it to keep apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendezvous {
    factor: f64,
}

impl Rendezvous {
    /// The default bound: the multiple of its fair share that a node may keep.
    pub const FACTOR: f64 = 1.25;

    /// Creates the strategy with the default bound.
    #[must_use]
    pub fn new() -> Self {
        Self { factor: Self::FACTOR }
    }

    /// Sets the multiple of its fair share that a node may keep. What is not at least 1 counts as 1.
    #[must_use]
    pub fn factor(self, factor: f64) -> Self {
        Self { factor: factor.max(1.0) }
    }
}

impl Default for Rendezvous {
    fn default() -> Self {
        Self::new()
    }
}

impl Placement for Rendezvous {
    fn place(&self, nodes: &[Candidate], owners: &[Option<usize>]) -> Vec<Option<usize>> {
        // By name, so that it does not matter in which order they are given.
        let mut places: Vec<usize> = (0..nodes.len()).filter(|place| nodes[*place].weight > 0).collect();
        places.sort_by(|a, b| nodes[*a].id.cmp(&nodes[*b].id));
        let mut by_place = vec![None; nodes.len()];
        for (node, place) in places.iter().enumerate() {
            by_place[*place] = Some(node);
        }
        let able: Vec<&Candidate> = places.iter().map(|place| &nodes[*place]).collect();
        let owners = owners.iter().map(|owner| by_place.get((*owner)?).copied().flatten()).collect();
        let mut spread = Spread::new(&able, owners, self.factor);
        if !able.is_empty() {
            spread.give_away();
            while spread.relieve() {}
        }
        spread.owners.into_iter().map(|owner| places.get(owner?).copied()).collect()
    }
}

/// Who has what, on the way to where it should be.
#[derive(Debug)]
struct Spread {
    shares: Shares,
    rankers: Vec<Ranker>,
    /// By shard.
    owners: Vec<Option<usize>>,
    /// By node.
    loads: Vec<usize>,
    loads_of_zones: Vec<usize>,
}

impl Spread {
    fn new(nodes: &[&Candidate], owners: Vec<Option<usize>>, factor: f64) -> Self {
        let shares = Shares::new(nodes, owners.len(), factor);
        let mut spread = Self {
            rankers: nodes.iter().copied().map(Ranker::new).collect(),
            loads: vec![0; nodes.len()],
            loads_of_zones: vec![0; shares.most_of_zones.len()],
            owners: vec![None; owners.len()],
            shares,
        };
        for (shard, owner) in owners.into_iter().enumerate() {
            if let Some(owner) = owner {
                spread.put(shard, owner);
            }
        }
        spread
    }

    fn put(&mut self, shard: usize, node: usize) {
        if let Some(before) = self.owners[shard].replace(node) {
            let zone = self.share(before).zone;
            self.loads[before] -= 1;
            self.loads_of_zones[zone] -= 1;
        }
        let zone = self.share(node).zone;
        self.loads[node] += 1;
        self.loads_of_zones[zone] += 1;
    }

    fn share(&self, node: usize) -> Share {
        self.shares.nodes[node]
    }

    fn has_room(&self, node: usize) -> bool {
        self.loads[node] < self.share(node).quota
    }

    fn has_too_few(&self, node: usize) -> bool {
        self.loads[node] < self.share(node).least
    }

    fn has_too_many(&self, node: usize) -> bool {
        let Share { quota, most, zone, .. } = self.share(node);
        let zone_has = self.loads_of_zones[zone] > self.shares.most_of_zones[zone];
        self.loads[node] > most || (zone_has && self.loads[node] > quota)
    }

    fn nodes(&self) -> std::ops::Range<usize> {
        0..self.loads.len()
    }

    /// Of the nodes that may have it, the one that the shard likes best, with its cost.
    fn best(&self, shard: usize, may: impl Fn(usize) -> bool) -> Option<(f64, usize)> {
        let mut best = None;
        for node in self.nodes().filter(|node| may(*node)) {
            let limit = best.map_or(f64::INFINITY, |(cost, _)| cost);
            best = self.rankers[node].cost_below(shard, limit).map(|cost| (cost, node)).or(best);
        }
        best
    }

    /// Gives the shards that nobody has to nodes with room. Those who have too few get enough of them.
    fn give_away(&mut self) {
        let free: Vec<usize> = (0..self.owners.len()).filter(|shard| self.owners[*shard].is_none()).collect();
        let mut lacking: usize =
            self.nodes().map(|node| self.share(node).least.saturating_sub(self.loads[node])).sum();
        for (given, shard) in free.iter().enumerate() {
            let is_spare = free.len() - given > lacking;
            let may = |node| self.has_too_few(node) || (is_spare && self.has_room(node));
            let Some((_, node)) = self.best(*shard, may) else { return };
            lacking -= usize::from(self.has_too_few(node));
            self.put(*shard, node);
        }
    }

    /// Takes shards from those who have too many, and gives to those who have too few. Whether that has changed anything;
    /// what a node gets can be too much for its zone then. As every move is from a node with more than its quota to one with
    /// less, there is an end to it.
    fn relieve(&mut self) -> bool {
        let starved: Vec<bool> = self.nodes().map(|node| self.has_too_few(node)).collect();
        let mut changed = false;
        if self.nodes().any(|node| self.has_too_many(node)) {
            changed |= self.shift(&starved, true);
        }
        if starved.contains(&true) {
            changed |= self.shift(&starved, false);
        }
        changed
    }

    /// Moves the shards that gain most by it from those who have too many, or else from those who have more than their quota:
    /// to the starved, up to their quotas, and when those have theirs, and others still too many, to anybody with room.
    fn shift(&mut self, starved: &[bool], only_too_many: bool) -> bool {
        let gives = |spread: &Self, node: usize| {
            if only_too_many {
                spread.has_too_many(node)
            } else {
                spread.loads[node] > spread.share(node).quota
            }
        };
        let hungry = |spread: &Self, node: usize| starved[node] && spread.has_room(node);
        let takes = |spread: &Self, shard| {
            let best = spread.best(shard, |node| hungry(spread, node));
            best.or_else(|| only_too_many.then(|| spread.best(shard, |node| spread.has_room(node))).flatten())
        };
        let mut offers = Vec::new();
        for (shard, owner) in self.owners.iter().enumerate() {
            if let Some(owner) = owner.filter(|owner| gives(self, *owner))
                && let Some((cost, _)) = takes(self, shard)
            {
                offers.push((cost - self.rankers[owner].cost(shard), shard, owner));
            }
        }
        offers.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut changed = false;
        for (_, shard, owner) in offers {
            if gives(self, owner) {
                let Some((_, node)) = takes(self, shard) else { break };
                self.put(shard, node);
                changed = true;
            }
        }
        changed
    }
}

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
