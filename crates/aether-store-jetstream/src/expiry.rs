//! What expires while it is being read.

use std::time::Duration;

use aether_core::{Position, ReadError};
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::open::bounds;
use crate::store::Inner;

/// How far the clocks of the replicas, and the reader's, may be apart.
const SKEW: Duration = Duration::from_secs(60);

impl Inner {
    /// Whether what follows something that was recorded then may be gone on one replica and not yet on another.
    pub(crate) fn is_expiring(&self, recorded_at: Option<OffsetDateTime>) -> bool {
        self.retention.is_some_and(|max_age| {
            let surely_there = max_age - SKEW.min(max_age / 2);
            recorded_at.is_none_or(|time| OffsetDateTime::now_utc() - time >= surely_there)
        })
    }

    /// With retention, events after a position that reading is to go on from may be gone. That is never passed over in
    /// silence.
    pub(crate) async fn check_not_expired(&self, position: Position) -> Result<(), ReadError> {
        if self.retention.is_none() {
            return Ok(());
        }
        let (first, _) = bounds(&self.events, Instant::now() + self.timeouts.read).await?;
        check_not_before(position, first)
    }

    /// The same for what lies between a position and the sequence that a reader of `filter` came to next: it may have
    /// expired while it was being read. `since` is when what follows the position was recorded at the earliest, if that is
    /// known; gives what is known of that now.
    pub(crate) async fn check_gap(
        &self,
        filter: &str,
        (position, since): (Position, Option<OffsetDateTime>),
        next: u64,
    ) -> Result<Option<OffsetDateTime>, ReadError> {
        let Some(max_age) = self.retention else { return Ok(since) };
        // Half of the age leaves room for clocks that differ.
        let asked = OffsetDateTime::now_utc();
        let young = since.is_some_and(|since| asked - since < max_age / 2);
        let after = position.sequence() + 1;
        if young || next <= after {
            return Ok(since);
        }
        // Each replica expires by its own clock: the one that is read from may not have what the leader still has. The
        // leader is asked before its bounds are, so that what goes in between is noticed, too.
        let deadline = Instant::now() + self.timeouts.read;
        let on_leader = self.events.next(filter, after, deadline).await?;
        self.check_not_expired(position).await?;
        match on_leader {
            Some(message) if message.sequence < next => {
                let first_available = Position::new(next - 1, u32::MAX);
                Err(ReadError::PositionExpired { position, first_available })
            }
            Some(message) => Ok(Some(message.time)),
            None => Ok(Some(asked)),
        }
    }
}

/// What comes after a position is still there if the stream begins at `first`.
pub(crate) fn check_not_before(position: Position, first: u64) -> Result<(), ReadError> {
    if first <= position.sequence() + 1 {
        return Ok(());
    }
    let first_available = Position::new(first - 1, u32::MAX);
    Err(ReadError::PositionExpired { position, first_available })
}
