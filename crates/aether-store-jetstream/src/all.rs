//! Reading the events of all actors, and reporting those that expire meanwhile.

use std::sync::Arc;
use std::time::Duration;

use aether_core::{EventStream, Position, ReadError, ReadFrom};
use aether_nats::StreamApi;
use async_stream::try_stream;
use futures_util::StreamExt;
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::consumer::Ordered;
use crate::open::bounds;
use crate::store::Inner;
use crate::stored_commit::StoredCommit;

/// The most by which the clocks of the replicas, and the reader's, may differ.
const SKEW: Duration = Duration::from_secs(60);

/// The subjects of all actors: they have two tokens; a barrier has one.
pub(crate) fn all_actors(events: &StreamApi) -> String {
    format!("{}.*.*", events.stream())
}

impl Inner {
    /// All events from there, up to what was the last when the reading began.
    pub(crate) fn all(self: Arc<Self>, from: ReadFrom, limit: usize) -> EventStream {
        let stream = try_stream! {
            let after = match from {
                ReadFrom::After(position) => Some(position),
                _ => None,
            };
            let deadline = Instant::now() + self.timeouts.read;
            let actors = all_actors(&self.events);
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

    /// Returns whether events after one recorded then may have expired on one replica and not yet on another.
    pub(crate) fn is_expiring(&self, recorded_at: Option<OffsetDateTime>) -> bool {
        self.retention.is_some_and(|max_age| {
            let surely_there = max_age - SKEW.min(max_age / 2);
            recorded_at.is_none_or(|time| OffsetDateTime::now_utc() - time >= surely_there)
        })
    }

    /// Checks that the events after a position have not expired. With retention they may have, which is never passed over
    /// in silence.
    pub(crate) async fn check_not_expired(&self, position: Position) -> Result<(), ReadError> {
        if self.retention.is_none() {
            return Ok(());
        }
        let (first, _) = bounds(&self.events, Instant::now() + self.timeouts.read).await?;
        check_not_before(position, first)
    }

    /// Checks the same of events between a position and the sequence that a reader of `filter` came to next: they may
    /// have expired meanwhile. `since` is when what follows the position was recorded at the earliest, if that is
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

/// Checks that the events after a position still exist in a stream that begins at `first`.
pub(crate) fn check_not_before(position: Position, first: u64) -> Result<(), ReadError> {
    if first <= position.sequence() + 1 {
        return Ok(());
    }
    let first_available = Position::new(first - 1, u32::MAX);
    Err(ReadError::PositionExpired { position, first_available })
}
