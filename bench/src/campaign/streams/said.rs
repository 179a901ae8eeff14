//! What a follower says, line by line.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use aether_core::{ActorId, Position, Version};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A line of a follower.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Said {
    /// It has joined its group, and runs its projection.
    Joined,
    /// An event is in its hands.
    Handled(Handled),
    /// What it has counted, now and then and at its end.
    Counted {
        /// Checkpoints of its group and of its projection that were refused.
        refused_checkpoints: u64,
    },
}

/// An event in the hands of a follower. Times are nanoseconds since 1970 on the one machine that all run on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Handled {
    pub(crate) event: Uuid,
    pub(crate) actor: ActorId,
    pub(crate) version: Version,
    pub(crate) position: Position,
    pub(crate) partition: u64,
    pub(crate) epoch: u64,
    pub(crate) at: u128,
}

impl Said {
    /// Says it. A line is written as a whole, so a killed follower leaves no half of one but at its very end.
    pub(crate) fn say(&self) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        std::io::stdout().lock().write_all(&line)?;
        Ok(())
    }
}

/// Now.
pub(crate) fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}
