//! [`ShardId`]: the part of all actors that one node acts for.

use std::fmt;

use aether_core::ActorId;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// One of the parts into which a cluster divides its actors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShardId(u16);

impl ShardId {
    /// The shard of this number, from 0 on.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Its place in a list of all shards.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// All shards of a cluster of so many.
    pub fn all(shards: u16) -> impl Iterator<Item = Self> + Clone {
        (0..shards).map(Self)
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The shard of an actor in a cluster of so many: the xxh3 hash of its id, modulo the count. 0 if there are none.
#[must_use]
pub fn shard_of(actor: &ActorId, shards: u16) -> ShardId {
    let number = xxh3_64(actor.as_str().as_bytes()).checked_rem(u64::from(shards)).unwrap_or(0);
    ShardId(u16::try_from(number).unwrap_or(0))
}
