//! The barrier: the proof that a head is still the last.

use aether_core::{ActorId, Head, ReadError, SaveError};
use aether_nats::Backoff;
use bytes::Bytes;
use tokio::time::Instant;

use crate::save::{Doubt, expecting_sequence};
use crate::store::Inner;

/// Whose last message the expected sequence is about, if it is not the message's own subject.
const EXPECTED_SUBJECT: &str = "Nats-Expected-Last-Subject-Sequence-Subject";
/// How long a barrier stays in the stream.
const TTL: (&str, &str) = ("Nats-TTL", "1s");

impl Inner {
    /// A tiny message on a subject that no actor has, stored only if the actor's last sequence is the head's. Its
    /// acknowledgement is proof; a read would be none, since a leader that was cut off goes on answering reads.
    pub(crate) async fn confirm(&self, actor: &ActorId, head: Head) -> Result<bool, SaveError> {
        let deadline = Instant::now() + self.timeouts.save;
        let subject = self.subject(actor);
        let barrier = format!("{}.=barrier", self.events.stream()).into();
        let mut backoff = Backoff::until(deadline);
        // Barriers change nothing, so it does not matter which of them are stored.
        let mut doubt = Doubt::default();
        let mut expected = head.sequence();
        loop {
            let mut headers = expecting_sequence(expected);
            headers.insert(EXPECTED_SUBJECT, subject.as_str());
            headers.insert(TTL.0, TTL.1);
            let error = match self.events.publish(&barrier, headers, Bytes::new(), deadline).await {
                Ok(_) => return Ok(expected == head.sequence()),
                Err(error) => error,
            };
            if error.is_conflict() {
                let last = self.events.last(&subject, deadline).await.map_err(ReadError::from)?;
                let last = last.map_or(0, |last| last.sequence);
                if last > head.sequence() {
                    return Ok(false);
                }
                // A log that is behind the head is a deposed leader's, or the head is not of this log: the next barrier
                // tells.
                expected = last;
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
