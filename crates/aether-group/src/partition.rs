//! [`Partition`] and [`Epoch`]: what a member owns, and as of which claim.

use std::fmt;

use aether_core::ActorId;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

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

    /// Its number.
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

    /// Its number.
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

#[cfg(test)]
mod tests {
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
}
