//! [`ConsistentHashRing`]: maps keys to nodes so that few keys move when nodes come and go; [`RingPlacement`] places shards by it.

use std::fmt;
use std::num::NonZeroU32;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::{Candidate, Placement};
use crate::NodeId;

/// Spreads keys over nodes by consistent hashing: when a node is added, keys move to it from all others, and when one is
/// removed, its keys go to all others; no other key moves.
///
/// A node is anything with a name of bytes, such as a `String` or a [`NodeId`]; two nodes with the same name are the same. It
/// has many points on a ring of 64-bit hashes, its virtual nodes, and a key belongs to the next point from its own hash
/// on. More points spread keys more evenly, and cost memory: with 160 for each unit of weight, the standard deviation of a
/// node's part is 8 % of it.
///
/// The same nodes with the same weights give the same ring, in whatever order they were added, in every process, on every
/// platform and in every version of Aether. A key's hash is `xxh3_64(key)`, and the points of a node are
/// `xxh3_64_with_seed(name, i)` for `i` from 0 up to, not including, its weight times the number of virtual nodes. Of points
/// that are the same, that of the lesser name counts.
///
/// ```
/// use aether_cluster::ConsistentHashRing;
///
/// let mut ring: ConsistentHashRing<&str> = ["cache-a", "cache-b", "cache-c"].into_iter().collect();
/// let owner = *ring.lookup(b"user-42").expect("there are nodes");
/// let replicas: Vec<&str> = ring.successors(b"user-42", 2).into_iter().copied().collect();
/// assert_eq!(replicas[0], owner);
///
/// ring.remove(&owner);
/// assert_eq!(ring.lookup(b"user-42"), Some(&replicas[1]));
/// ```
#[derive(Clone)]
pub struct ConsistentHashRing<N> {
    virtual_nodes: NonZeroU32,
    nodes: Vec<Member<N>>,
    /// By hash, and those of one hash by the names of their nodes.
    points: Vec<Point>,
}

#[derive(Debug, Clone)]
struct Member<N> {
    node: N,
    weight: u32,
}

#[derive(Debug, Clone, Copy)]
struct Point {
    hash: u64,
    /// Its place among the nodes.
    node: u32,
}

impl<N: AsRef<[u8]>> ConsistentHashRing<N> {
    /// The default number of virtual nodes for each unit of weight.
    pub const VIRTUAL_NODES: NonZeroU32 = NonZeroU32::MIN.saturating_add(159);

    /// A ring without nodes.
    #[must_use]
    pub fn new() -> Self {
        Self::with_virtual_nodes(Self::VIRTUAL_NODES)
    }

    /// A ring without nodes, whose nodes will have so many virtual nodes for each unit of their weight.
    #[must_use]
    pub fn with_virtual_nodes(virtual_nodes: NonZeroU32) -> Self {
        Self { virtual_nodes, nodes: Vec::new(), points: Vec::new() }
    }

    /// Adds a node of weight 1, as [`add_weighted`](Self::add_weighted) does.
    pub fn add(&mut self, node: N) -> u32 {
        self.add_weighted(node, 1)
    }

    /// Adds a node that gets keys in proportion to its weight, or gives it this weight if it is there; the weight that it
    /// had, 0 if it was not there. With weight 0 the node is removed. Each unit of weight takes 16 bytes for each virtual
    /// node, so weights should be small numbers.
    pub fn add_weighted(&mut self, node: N, weight: u32) -> u32 {
        let before = self.remove(&node);
        self.extend([(node, weight)]);
        before
    }

    /// Removes a node; the weight that it had, 0 if it was not there.
    pub fn remove<Q: AsRef<[u8]> + ?Sized>(&mut self, node: &Q) -> u32 {
        let Some(place) = self.place(node.as_ref()) else { return 0 };
        let removed = self.nodes.swap_remove(place);
        // The last node has taken its place.
        let (place, last) = (place as u32, self.nodes.len() as u32);
        self.points.retain_mut(|point| {
            let stays = point.node != place;
            if point.node == last {
                point.node = place;
            }
            stays
        });
        removed.weight
    }

    /// The node of a key; `None` if there are no nodes.
    #[must_use]
    pub fn lookup(&self, key: &[u8]) -> Option<&N> {
        self.from(key).next()
    }

    /// The first nodes from the key on, each once, at most so many: the one that [`lookup`](Self::lookup) finds, then the one
    /// that would have the key without it, and so on. Fewer if there are not that many.
    #[must_use]
    pub fn successors(&self, key: &[u8], count: usize) -> Vec<&N> {
        let count = count.min(self.nodes.len());
        let mut found: Vec<&N> = Vec::with_capacity(count);
        if count == 0 {
            return found;
        }
        for node in self.from(key) {
            if !found.iter().any(|other| std::ptr::eq(*other, node)) {
                found.push(node);
                if found.len() == count {
                    break;
                }
            }
        }
        found
    }

    /// The weight of a node; 0 if it is not there.
    #[must_use]
    pub fn weight<Q: AsRef<[u8]> + ?Sized>(&self, node: &Q) -> u32 {
        self.place(node.as_ref()).and_then(|place| self.nodes.get(place)).map_or(0, |member| member.weight)
    }

    /// The nodes with their weights, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&N, u32)> {
        self.nodes.iter().map(|member| (&member.node, member.weight))
    }

    /// Returns the number of nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Returns whether there are no nodes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The nodes of the points from the key on, once around.
    fn from(&self, key: &[u8]) -> impl Iterator<Item = &N> {
        let hash = xxh3_64(key);
        let (before, after) = self.points.split_at(self.points.partition_point(|point| point.hash < hash));
        after.iter().chain(before).filter_map(|point| self.nodes.get(point.node as usize)).map(|m| &m.node)
    }

    fn place(&self, name: &[u8]) -> Option<usize> {
        self.nodes.iter().position(|member| member.node.as_ref() == name)
    }
}

/// Adds nodes with their weights, faster than one by one. Of one that is there already, or that comes twice, the last weight
/// counts.
impl<N: AsRef<[u8]>> Extend<(N, u32)> for ConsistentHashRing<N> {
    fn extend<I: IntoIterator<Item = (N, u32)>>(&mut self, nodes: I) {
        for (node, weight) in nodes {
            self.remove(&node);
            if weight == 0 {
                continue;
            }
            let (name, place) = (node.as_ref(), self.nodes.len() as u32);
            let points = u64::from(weight) * u64::from(self.virtual_nodes.get());
            self.points.extend((0..points).map(|i| Point { hash: xxh3_64_with_seed(name, i), node: place }));
            self.nodes.push(Member { node, weight });
        }
        let nodes = &self.nodes;
        let name = |point: &Point| nodes.get(point.node as usize).map(|member| member.node.as_ref());
        // Stable, since that is fast where most of it is sorted.
        self.points.sort_by(|a, b| a.hash.cmp(&b.hash).then_with(|| name(a).cmp(&name(b))));
    }
}

/// A ring of nodes with their weights.
impl<N: AsRef<[u8]>> FromIterator<(N, u32)> for ConsistentHashRing<N> {
    fn from_iter<I: IntoIterator<Item = (N, u32)>>(nodes: I) -> Self {
        let mut ring = Self::new();
        ring.extend(nodes);
        ring
    }
}

/// A ring of nodes of weight 1.
impl<N: AsRef<[u8]>> FromIterator<N> for ConsistentHashRing<N> {
    fn from_iter<I: IntoIterator<Item = N>>(nodes: I) -> Self {
        nodes.into_iter().map(|node| (node, 1)).collect()
    }
}

impl<N: AsRef<[u8]>> Default for ConsistentHashRing<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<N: fmt::Debug> fmt::Debug for ConsistentHashRing<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsistentHashRing")
            .field("virtual_nodes", &self.virtual_nodes)
            .field("nodes", &self.nodes)
            .finish_non_exhaustive()
    }
}

/// For [`ConsistentHashRing`].
impl AsRef<[u8]> for NodeId {
    fn as_ref(&self) -> &[u8] {
        self.as_str().as_bytes()
    }
}

/// Each shard is at the node that a [`ConsistentHashRing`] of the nodes says, by the shard's number in eight bytes,
/// little-endian. Who has a shard makes no difference, nor do zones, so the same nodes always have the same shards.
///
/// When a node comes, shards move only to it, and when one goes, only its own. The price is balance: the fullest of 50 to
/// 200 nodes has 1.4 to 2.4 times the fair share of 1024 to 4096 shards, whatever the number of virtual nodes. Prefer
/// [`Rendezvous`](super::Rendezvous) unless where a shard is must follow from the nodes alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RingPlacement {
    virtual_nodes: NonZeroU32,
}

impl RingPlacement {
    /// By a ring with so many virtual nodes for each unit of weight. Weights should be small numbers.
    #[must_use]
    pub fn new(virtual_nodes: NonZeroU32) -> Self {
        Self { virtual_nodes }
    }
}

impl Default for RingPlacement {
    /// By a ring with as many virtual nodes as it has by default.
    fn default() -> Self {
        Self::new(ConsistentHashRing::<Named<'_>>::VIRTUAL_NODES)
    }
}

impl Placement for RingPlacement {
    fn place(&self, nodes: &[Candidate], owners: &[Option<usize>]) -> Vec<Option<usize>> {
        let mut ring = ConsistentHashRing::with_virtual_nodes(self.virtual_nodes);
        ring.extend(nodes.iter().enumerate().map(|(place, node)| (Named { place, node }, node.weight)));
        let node = |shard: u64| ring.lookup(&shard.to_le_bytes()).map(|named| named.place);
        (0..).take(owners.len()).map(node).collect()
    }
}

/// A node with its place in the list.
#[derive(Debug)]
struct Named<'a> {
    place: usize,
    node: &'a Candidate,
}

impl AsRef<[u8]> for Named<'_> {
    fn as_ref(&self) -> &[u8] {
        self.node.id.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    type Ring = ConsistentHashRing<String>;

    fn keys() -> impl Iterator<Item = [u8; 4]> {
        (0_u32..2_000).map(u32::to_le_bytes)
    }

    fn owners(ring: &Ring) -> Vec<Option<String>> {
        keys().map(|key| ring.lookup(&key).cloned()).collect()
    }

    fn node(n: usize) -> String {
        format!("node-{n}")
    }

    /// Nodes with weights, by their names.
    fn nodes() -> impl Strategy<Value = BTreeMap<String, u32>> {
        prop::collection::btree_map((0_usize..40).prop_map(node), 1_u32..4, 1..12)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn only_keys_of_the_node_that_comes_or_goes_move(nodes in nodes(), weight in 1_u32..4) {
            let mut ring: Ring = nodes.clone().into_iter().collect();
            let before = owners(&ring);
            prop_assert_eq!(ring.add_weighted("new".to_owned(), weight), 0);
            let with = owners(&ring);
            for (before, with) in before.iter().zip(&with) {
                prop_assert!(before == with || with.as_deref() == Some("new"));
            }
            prop_assert!(with.iter().any(|owner| owner.as_deref() == Some("new")));
            prop_assert_eq!(ring.remove("new"), weight);
            prop_assert_eq!(owners(&ring), before);
        }

        #[test]
        fn it_does_not_matter_how_it_was_made(nodes in nodes(), rotate in 0_usize..12) {
            let ring: Ring = nodes.clone().into_iter().collect();
            let mut list: Vec<_> = nodes.into_iter().collect();
            let by = rotate % list.len();
            list.rotate_left(by);
            let mut other = Ring::new();
            other.add_weighted(node(99), 2);
            for (node, weight) in list {
                other.add_weighted(node.clone(), 3);
                other.add_weighted(node, weight);
            }
            other.add_weighted(node(99), 0);
            prop_assert_eq!(owners(&ring), owners(&other));
            prop_assert_eq!(ring.iter().collect::<BTreeMap<_, _>>(), other.iter().collect());
        }

        #[test]
        fn successors_are_those_who_would_come_next(nodes in nodes(), key in any::<[u8; 3]>(), count in 0_usize..15) {
            let mut ring: Ring = nodes.into_iter().collect();
            let successors: Vec<String> = ring.successors(&key, count).into_iter().cloned().collect();
            prop_assert_eq!(successors.len(), count.min(ring.len()));
            prop_assert_eq!(successors.iter().collect::<BTreeSet<_>>().len(), successors.len());
            for successor in successors {
                prop_assert_eq!(ring.lookup(&key), Some(&successor));
                ring.remove(&successor);
            }
        }
    }

    #[test]
    fn keys_are_spread_by_weight() {
        let ring: Ring = (0..20).map(|n| (node(n), 1 + (n % 3) as u32)).collect();
        let mut counts: BTreeMap<&String, f64> = BTreeMap::new();
        for key in 0_u32..200_000 {
            *counts.entry(ring.lookup(&key.to_le_bytes()).unwrap()).or_default() += 1.0;
        }
        let total: u32 = ring.iter().map(|(_, weight)| weight).sum();
        for (node, weight) in ring.iter() {
            let fair = 200_000.0 * f64::from(weight) / f64::from(total);
            let part = counts[node] / fair;
            // Four standard deviations.
            assert!(
                (part - 1.0).abs() < 4.0 / f64::from(160 * weight).sqrt(),
                "{node} of weight {weight}: {part}"
            );
        }
    }

    #[test]
    fn a_ring_without_nodes_has_nobody() {
        let ring = Ring::default();
        assert!(ring.is_empty() && ring.lookup(b"x").is_none() && ring.successors(b"x", 3).is_empty());
    }

    /// Others may have stored what went where: these never change.
    #[test]
    fn where_keys_go_is_fixed() {
        let ring: Ring = ["a", "b", "c", "d"].map(str::to_owned).into_iter().collect();
        let owners: String = (0_u8..32).map(|key| ring.lookup(&[key]).unwrap().as_str()).collect();
        assert_eq!(owners, "aaddbacaccdcbcbcacccccbadcacccbd");
    }
}
