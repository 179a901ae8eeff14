//! The barrier: the proof that a head is still the last.

use aether_core::{ActorId, Head, SaveError};
use async_nats::HeaderMap;
use bytes::Bytes;
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::save::{Doubt, EXPECTED_SEQUENCE, is_conflict};
use crate::store::Inner;

/// Whose last message [`EXPECTED_SEQUENCE`] is about, if it is not the message's own subject.
const EXPECTED_SUBJECT: &str = "Nats-Expected-Last-Subject-Sequence-Subject";
/// How long a barrier stays in the stream.
const TTL: (&str, &str) = ("Nats-TTL", "1s");

impl Inner {
    /// A tiny message on a subject that no actor has, stored only if the actor's last sequence is the head's. Its
    /// acknowledgement is proof; a read would be none, since a leader that was cut off goes on answering reads.
    pub(crate) async fn confirm(&self, actor: &ActorId, head: Head) -> Result<bool, SaveError> {
        let deadline = Instant::now() + self.timeouts.save;
        let barrier = format!("{}.=barrier", self.events.stream());
        let mut headers = HeaderMap::new();
        headers.insert(EXPECTED_SEQUENCE, head.sequence().to_string());
        headers.insert(EXPECTED_SUBJECT, self.subject(actor));
        headers.insert(TTL.0, TTL.1);
        let mut backoff = Backoff::until(deadline);
        // Barriers change nothing, so it does not matter which of them are stored.
        let mut doubt = Doubt::default();
        loop {
            let error = match self.events.publish(&barrier, headers.clone(), Bytes::new(), deadline).await {
                Ok(_) => return Ok(true),
                Err(error) => error,
            };
            if is_conflict(&error) {
                let last = self.last_commit(actor, head.sequence(), deadline).await?;
                if last.map_or(0, |last| last.sequence) != head.sequence() {
                    return Ok(false);
                }
            }
            self.weigh(error, 0, &mut doubt, &mut backoff).await.map_err(certain)?;
        }
    }
}

/// A barrier that is not known to be stored has saved nothing all the same.
fn certain(error: SaveError) -> SaveError {
    match error {
        SaveError::UnknownOutcome(source) => SaveError::Unavailable(source),
        other => other,
    }
}
