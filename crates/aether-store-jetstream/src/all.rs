//! Reading the events of all actors.

use std::sync::Arc;

use aether_core::{EventStream, Position, ReadError, ReadFrom};
use async_stream::try_stream;
use futures_util::StreamExt;
use tokio::time::Instant;

use crate::open;
use crate::ordered::Ordered;
use crate::store::Inner;
use crate::stored::StoredCommit;

impl Inner {
    /// All events from there, up to what was the last when the reading began.
    pub(crate) fn all(self: Arc<Self>, from: ReadFrom, limit: usize) -> EventStream {
        let stream = try_stream! {
            let after = match from {
                ReadFrom::After(position) => Some(position),
                _ => None,
            };
            let deadline = Instant::now() + self.timeouts.read;
            // Actors have two tokens; a barrier has one.
            let actors = format!("{}.*.*", self.events.stream());
            if let Some(after) = after {
                self.check_not_expired(after, deadline).await?;
            }
            let Some(last) = self.events.last(&actors, deadline).await.map_err(ReadError::from)? else { return };
            let first = after.map_or(1, Position::sequence);
            let mut reader = Ordered::new(&self.events, &actors, first, self.timeouts.read);
            let mut left = limit;
            while left > 0 {
                let Some(message) = reader.next_until(last.sequence).await? else { return };
                let commit = StoredCommit::decode(message)?.into_recorded();
                for event in commit.events {
                    if left == 0 {
                        return;
                    }
                    if after.is_none_or(|after| event.position > after) {
                        left -= 1;
                        yield event;
                    }
                }
            }
        };
        stream.boxed()
    }

    /// With retention, what follows a position may be gone. That is never skipped in silence.
    async fn check_not_expired(&self, position: Position, deadline: Instant) -> Result<(), ReadError> {
        if self.retention.is_none() {
            return Ok(());
        }
        let (first, _) = open::bounds(&self.events, deadline).await?;
        if first <= position.sequence() + 1 {
            return Ok(());
        }
        let first_available = Position::new(first - 1, u32::MAX);
        Err(ReadError::PositionExpired { position, first_available })
    }
}
