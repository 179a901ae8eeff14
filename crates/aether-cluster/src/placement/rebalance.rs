//! [`rebalance`]: which shards to move now.

use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The current holder of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held<N> {
    /// The node that acts for it; `None` if no live node does.
    pub owner: Option<N>,
    /// To whom it is moving, if it is.
    pub to: Option<N>,
}

/// A move to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move<N> {
    /// The place of the shard in the list of all.
    pub shard: usize,
    /// The destination.
    pub to: N,
}

/// Returns the default limit of shards on the move at a time: a tenth of them, and at least one.
#[must_use]
pub fn default_cap(shards: usize) -> usize {
    (shards / 10).max(1)
}

/// Returns the moves to begin, so that shards get to where they are wanted.
///
/// A shard that has no living owner has nothing to lose: it is given away at once. Of the others at most `cap` are on the
/// move at a time, those counted that are so already. First come shards of the node that has most in proportion to what it
/// should have, once all that moves has arrived (a node that should have nothing comes before all others), and of those the
/// ones for the node that has least in this sense; then the shards that come first.
///
/// What is on the move from a living owner is left alone, also where it is wanted elsewhere by now. `N` names nodes in
/// whatever way is at hand. The moves of shards without an owner come first, in the order of the shards.
#[must_use]
pub fn rebalance<N: Copy + Ord>(held: &[Held<N>], wanted: &[Option<N>], cap: usize) -> Vec<Move<N>> {
    let mut moves = Vec::new();
    let mut nodes: BTreeMap<N, Load> = BTreeMap::new();
    // By the node that has them, and the one that should.
    let mut waiting: BTreeMap<N, BTreeMap<N, Vec<usize>>> = BTreeMap::new();
    let mut moving = 0;
    for (shard, (held, wanted)) in held.iter().zip(wanted).enumerate() {
        let arrives = match (held.owner, held.to, *wanted) {
            (Some(_), Some(to), _) => {
                moving += 1;
                Some(to)
            }
            (Some(owner), None, Some(to)) if to != owner => {
                waiting.entry(owner).or_default().entry(to).or_default().push(shard);
                Some(owner)
            }
            (Some(owner), None, _) => Some(owner),
            (None, _, Some(to)) => {
                moves.push(Move { shard, to });
                Some(to)
            }
            (None, _, None) => None,
        };
        if let Some(node) = arrives {
            nodes.entry(node).or_default().has += 1;
        }
        if let Some(node) = wanted {
            nodes.entry(*node).or_default().wanted += 1;
        }
    }
    // The first shards are at the end, where it is cheap to take them.
    waiting.values_mut().flat_map(BTreeMap::values_mut).for_each(|shards| shards.reverse());
    for _ in moving..cap {
        let load = |node: &N| nodes.get(node).copied().unwrap_or_default();
        // Of those that are alike the first, which `max_by` finds only from behind.
        let Some((from, targets)) =
            waiting.iter_mut().rev().max_by(|(a, _), (b, _)| load(a).compare(load(b)))
        else {
            break;
        };
        let from = *from;
        let Some((to, shards)) = targets.iter_mut().min_by(|(a, _), (b, _)| load(a).compare(load(b))) else {
            break;
        };
        let to = *to;
        let Some(shard) = shards.pop() else { break };
        if shards.is_empty() {
            targets.remove(&to);
        }
        if targets.is_empty() {
            waiting.remove(&from);
        }
        nodes.entry(from).or_default().has -= 1;
        nodes.entry(to).or_default().has += 1;
        moves.push(Move { shard, to });
    }
    moves
}

/// What a node has, and what it should have.
#[derive(Debug, Clone, Copy, Default)]
struct Load {
    has: u64,
    wanted: u64,
}

impl Load {
    /// By what it has in proportion to what it should have.
    fn compare(self, other: Self) -> Ordering {
        match (self.wanted, other.wanted) {
            (0, 0) => self.has.cmp(&other.has),
            (0, _) => Ordering::Greater,
            (_, 0) => Ordering::Less,
            _ => (self.has * other.wanted).cmp(&(other.has * self.wanted)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn still(owner: Option<u8>) -> Held<u8> {
        Held { owner, to: None }
    }

    fn places(moves: &[Move<u8>]) -> Vec<(usize, u8)> {
        moves.iter().map(|step| (step.shard, step.to)).collect()
    }

    #[test]
    fn what_nobody_has_is_given_away_at_once() {
        let held = [still(None), still(Some(1)), still(None), still(None), still(Some(1))];
        let wanted = [Some(1), Some(2), Some(2), None, Some(2)];
        assert_eq!(places(&rebalance(&held, &wanted, 0)), [(0, 1), (2, 2)]);
        assert_eq!(places(&rebalance(&held, &wanted, 1)), [(0, 1), (2, 2), (1, 2)]);
    }

    #[test]
    fn what_is_on_the_move_counts_and_is_left_alone() {
        let held = [Held { owner: Some(1), to: Some(2) }, still(Some(1)), still(Some(1)), still(Some(1))];
        let wanted = [Some(3), Some(2), Some(3), Some(1)];
        assert_eq!(places(&rebalance(&held, &wanted, 1)), []);
        assert_eq!(places(&rebalance(&held, &wanted, 2)), [(2, 3)]);
        assert_eq!(places(&rebalance(&held, &wanted, 9)), [(2, 3), (1, 2)]);
        // To nobody there is no move.
        assert_eq!(places(&rebalance(&held, &[None; 4], 9)), []);
    }

    #[test]
    fn the_most_loaded_is_relieved_first() {
        // 4 should have nothing, 1 has three times what it should have, and 2 has twice as much.
        let mut held = [1, 1, 1, 2, 2, 2, 2, 4].map(|owner| still(Some(owner))).to_vec();
        let mut wanted = [1, 3, 3, 2, 2, 3, 3, 3].map(Some).to_vec();
        assert_eq!(places(&rebalance(&held, &wanted, 9)), [(7, 3), (1, 3), (2, 3), (5, 3), (6, 3)]);
        // After one of them 1 has as much as 2; after another one less.
        held[1].to = Some(3);
        assert_eq!(places(&rebalance(&held, &wanted, 4)), [(7, 3), (2, 3), (5, 3)]);
        // The emptiest first.
        wanted[6] = Some(5);
        assert_eq!(places(&rebalance(&held, &wanted, 3)), [(7, 3), (2, 3)]);
    }

    #[test]
    fn a_tenth_moves_at_a_time() {
        assert_eq!([0, 1, 19, 1024].map(default_cap), [1, 1, 1, 102]);
    }

    proptest! {
        #[test]
        fn everything_gets_where_it_is_wanted(
            shards in prop::collection::vec(
                (prop::option::of(0_u8..6), prop::option::of(0_u8..6), prop::option::weighted(0.9, 0_u8..6)), 0..60,
            ),
            cap in 1_usize..8,
        ) {
            let wanted: Vec<_> = shards.iter().map(|(_, _, wanted)| *wanted).collect();
            let mut held: Vec<_> = shards
                .iter()
                .map(|(owner, to, _)| Held { owner: *owner, to: to.filter(|to| owner.is_some_and(|o| o != *to)) })
                .collect();
            for _ in 0..200 {
                let orphans = held.iter().zip(&wanted).filter(|(held, wanted)| held.owner.is_none() && wanted.is_some());
                let (orphans, moving) = (orphans.count(), held.iter().filter(|held| held.to.is_some()).count());
                let waiting = held.iter().zip(&wanted).filter(|(held, wanted)| {
                    held.owner.is_some() && held.to.is_none() && wanted.is_some() && held.owner != **wanted
                });
                let expected = orphans + waiting.count().min(cap.saturating_sub(moving));
                let moves = rebalance(&held, &wanted, cap);
                prop_assert_eq!(moves.len(), expected);
                for Move { shard, to } in moves {
                    prop_assert_eq!(wanted[shard], Some(to));
                    prop_assert!(held[shard].to.is_none() && held[shard].owner != Some(to));
                    if held[shard].owner.is_none() {
                        held[shard].owner = Some(to);
                    } else {
                        held[shard].to = Some(to);
                    }
                }
                // The first of what is on the move arrives.
                let Some(arrived) = held.iter_mut().find(|held| held.to.is_some()) else { break };
                *arrived = Held { owner: arrived.to, to: None };
            }
            for (held, wanted) in held.iter().zip(&wanted) {
                prop_assert!(held.to.is_none() && (wanted.is_none() || held.owner == *wanted));
            }
        }
    }
}
