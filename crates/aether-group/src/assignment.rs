//! [`Partition`] and [`Epoch`], and the plan that assigns partitions to members.
//!
//! The plan is pure and needs no leader: every member decides for itself, and compare-and-set decides between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use aether_core::ActorId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// One of the parts into which a group divides the actors: all events of one actor are in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Partition(u16);

impl Partition {
    /// The partition of this number, from 0 on.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The partition of an actor in a group of so many: the xxh3 hash of its id, modulo the count. 0 if there are none.
    #[must_use]
    pub fn of(actor: &ActorId, partitions: u16) -> Self {
        let number = xxh3_64(actor.as_str().as_bytes()).checked_rem(u64::from(partitions)).unwrap_or(0);
        Self(u16::try_from(number).unwrap_or(0))
    }

    /// All partitions of a group of so many.
    pub fn all(partitions: u16) -> impl Iterator<Item = Self> + Clone {
        (0..partitions).map(Self)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a claim: each time that a partition changes hands it grows by one, so whoever stores it with what it
/// writes, and refuses a lower one, cannot be overwritten by a member that has lost the partition and does not know it.
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

    /// The epoch of the claim that follows.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The holder of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    /// No owner, or a suspected one.
    Free,
    /// A member.
    Member(Uuid),
    /// The partition is changing hands.
    Moving,
}

/// The claims and releases that a member should make.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Plan {
    pub(crate) claim: Vec<Partition>,
    pub(crate) release: Vec<Partition>,
}

/// What `me` should do when these members are alive.
///
/// Each has a share of ⌊partitions / members⌋, and as many as there are partitions left over have one more: those who
/// have most already, so that as little as possible moves. Whoever has less takes what is free, whoever has more
/// releases the rest. As the shares add up, nobody releases what nobody lacks.
pub(crate) fn plan(me: Uuid, live: &BTreeSet<Uuid>, holders: &[Holder]) -> Plan {
    let mut counts: BTreeMap<Uuid, usize> = live.iter().map(|member| (*member, 0)).collect();
    counts.entry(me).or_default();
    for holder in holders {
        if let Holder::Member(member) = holder {
            *counts.entry(*member).or_default() += 1;
        }
    }
    let mine = counts.get(&me).copied().unwrap_or(0);
    let before_me = counts
        .iter()
        .filter(|(member, count)| (**count, std::cmp::Reverse(**member)) > (mine, std::cmp::Reverse(me)))
        .count();
    let (share, left_over) = (holders.len() / counts.len(), holders.len() % counts.len());
    let quota = share + usize::from(before_me < left_over);

    let which = |wanted: Holder| {
        let partitions = (0_u16..).zip(holders).filter(move |(_, holder)| **holder == wanted);
        let mut ranked: Vec<_> = partitions
            .map(|(number, _)| (rank(me, Partition::new(number)), Partition::new(number)))
            .collect();
        ranked.sort_unstable_by(|a, b| b.cmp(a));
        ranked.into_iter().map(|(_, partition)| partition)
    };
    // By rank, so that members who look for something at the same time do not look for the same.
    Plan {
        claim: which(Holder::Free).take(quota.saturating_sub(mine)).collect(),
        release: which(Holder::Member(me)).skip(quota).collect(),
    }
}

/// Returns a member's preference for a partition (rendezvous hashing).
fn rank(member: Uuid, partition: Partition) -> u64 {
    xxh3_64_with_seed(member.as_bytes(), u64::from(partition.get()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_actor_stays_in_its_partition() {
        // The hash is part of what a group keeps: another one would tear actors' orders apart.
        let partition = |id: &str| Partition::of(&ActorId::new(id).unwrap(), 64).get();
        assert_eq!([partition("order-1"), partition("order-2"), partition("order-3")], [54, 28, 12]);
    }

    #[test]
    fn actors_spread_evenly() {
        let mut counts = [0_u32; 64];
        for n in 0..64_000 {
            counts[usize::from(Partition::of(&ActorId::new(format!("order-{n}")).unwrap(), 64).get())] += 1;
        }
        assert!(counts.iter().all(|count| (800..1200).contains(count)), "{counts:?}");
    }

    fn member(n: usize) -> Uuid {
        Uuid::from_u128(n as u128 + 1)
    }

    /// All members do what they should, one after the other, until nobody has anything to do; how much was claimed.
    fn settle(members: &BTreeSet<Uuid>, holders: &mut [Holder]) -> usize {
        let mut claimed = 0;
        for holder in holders.iter_mut() {
            if matches!(holder, Holder::Member(member) if !members.contains(member)) {
                *holder = Holder::Free;
            }
        }
        for _ in 0..100 {
            let mut idle = true;
            for me in members {
                let plan = plan(*me, members, holders);
                idle &= plan == Plan::default();
                claimed += plan.claim.len();
                for partition in plan.claim {
                    holders[usize::from(partition.get())] = Holder::Member(*me);
                }
                for partition in plan.release {
                    holders[usize::from(partition.get())] = Holder::Free;
                }
            }
            if idle {
                return claimed;
            }
        }
        panic!("not settled: {holders:?}");
    }

    fn spread(members: &BTreeSet<Uuid>, holders: &[Holder]) -> (usize, usize) {
        let count = |member: &Uuid| holders.iter().filter(|h| **h == Holder::Member(*member)).count();
        let counts: Vec<usize> = members.iter().map(count).collect();
        (counts.iter().copied().min().unwrap_or(0), counts.iter().copied().max().unwrap_or(0))
    }

    proptest! {
        #[test]
        fn it_settles_evenly_and_moves_no_more_than_it_must(
            partitions in 1_usize..130, before in 1_usize..20, leave in 0_usize..10, join in 0_usize..10,
        ) {
            let mut holders = vec![Holder::Free; partitions];
            let members: BTreeSet<Uuid> = (0..before).map(member).collect();
            settle(&members, &mut holders);
            let (min, max) = spread(&members, &holders);
            prop_assert!(max - min <= 1);

            let members: BTreeSet<Uuid> = (leave.min(before - 1)..before + join).map(member).collect();
            let held = holders.clone();
            let claimed = settle(&members, &mut holders);
            let (min, max) = spread(&members, &holders);
            prop_assert!(max - min <= 1);
            // Whoever is left keeps what fits into its share.
            let share = partitions.div_ceil(members.len());
            let orphans = held.iter().filter(|h| !matches!(h, Holder::Member(m) if members.contains(m))).count();
            let excess: usize = members
                .iter()
                .map(|m| held.iter().filter(|h| **h == Holder::Member(*m)).count().saturating_sub(share.saturating_sub(1)))
                .sum();
            prop_assert!(claimed <= orphans + excess, "{claimed} > {orphans} + {excess}");
        }
    }
}
