//! What expires while it is being read.

use aether_core::{Position, ReadError};
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::open;
use crate::store::Inner;

impl Inner {
    /// With retention, what lies between a position and the next message may have expired, also while it is being read.
    /// That is never skipped in silence.
    pub(crate) async fn check_not_expired(
        &self,
        position: Position,
        recorded_at: Option<OffsetDateTime>,
        next: u64,
    ) -> Result<(), ReadError> {
        let Some(max_age) = self.retention else { return Ok(()) };
        // What was recorded after something young is younger still. Half of the age leaves room for clocks that differ.
        let young = recorded_at.is_some_and(|time| OffsetDateTime::now_utc() - time < max_age / 2);
        if young || next <= position.sequence() + 1 {
            return Ok(());
        }
        let (first, _) = open::bounds(&self.events, Instant::now() + self.timeouts.read).await?;
        if first <= position.sequence() + 1 {
            return Ok(());
        }
        let first_available = Position::new(first - 1, u32::MAX);
        Err(ReadError::PositionExpired { position, first_available })
    }
}
