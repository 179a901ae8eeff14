//! Reading the events of all actors.

use std::sync::Arc;

use aether_core::{EventStream, Position, ReadError, ReadFrom};
use async_stream::try_stream;
use futures_util::StreamExt;
use tokio::time::Instant;

use crate::open::bounds;
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
            let last = self.events.last(&actors, deadline).await.map_err(ReadError::from)?;
            let last = last.map_or(0, |last| last.sequence);
            let first = match after {
                Some(position) => position.sequence(),
                // Each replica expires by its own clock: what the leader no longer has is not read from another.
                None if self.retention.is_some() => bounds(&self.events, deadline).await?.0,
                None => 1,
            };
            let mut reader = Ordered::new(&self.events, &actors, first, self.timeouts.read);
            let mut left = limit;
            // The position read last, and when it was recorded, if that is known.
            let mut read = after.map(|position| (position, None));
            while left > 0 {
                let message = reader.next_until(last).await?;
                let next = message.as_ref().map_or(last + 1, |message| message.sequence);
                if let Some(read) = read {
                    self.check_gap(&actors, read, next).await?;
                }
                let Some(message) = message else { return };
                let commit = StoredCommit::decode(message)?.into_recorded();
                read = Some((Position::new(commit.head.sequence(), u32::MAX), Some(commit.recorded_at)));
                for event in commit.events {
                    if left == 0 {
                        return;
                    }
                    if after.is_none_or(|after| event.position > after) {
                        left -= 1;
                        read = Some((event.position, Some(commit.recorded_at)));
                        yield event;
                    }
                }
            }
        };
        stream.boxed()
    }
}
