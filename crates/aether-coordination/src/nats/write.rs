//! Writing a key, and finding out what became of it.

use aether_nats::{Backoff, CallError, NoAnswer};
use async_nats::HeaderMap;
use bytes::Bytes;
use tokio::time::Instant;
use uuid::Uuid;

use super::bucket::{Bucket, unavailable};
use super::stored::{DELETE, EXPECTED, OPERATION, Stored, TTL, WRITE};
use crate::{Condition, CoordinationError, Key, Revision};

/// The message is larger than the stream takes.
const TOO_LARGE: u32 = 10054;
/// What the headers of a write take at the most, in bytes: they count as payload.
const HEADER_SIZE: usize = 256;

/// One write, over all its attempts.
struct Write<'a> {
    bucket: &'a Bucket,
    key: &'a Key,
    /// `None` deletes the key.
    value: Option<Bytes>,
    condition: Condition,
    /// For how many seconds; `None` is for good.
    ttl: Option<u64>,
    id: String,
    /// The sequence that the key's last message must have.
    base: u64,
    /// Whether an earlier attempt may have been stored.
    doubt: bool,
    deadline: Instant,
}

/// What the key's last message says about a write that was refused.
enum Verdict {
    /// The write stands.
    Ours(u64),
    /// It may be sent over this sequence.
    Base(u64),
    /// Nothing is certain yet.
    Wait,
    /// The condition does not hold.
    Conflict(Option<Revision>),
}

impl Bucket {
    /// Writes or deletes a key.
    pub(crate) async fn write(
        &self,
        key: &Key,
        value: Option<Bytes>,
        condition: Condition,
        ttl: Option<u64>,
    ) -> Result<Revision, CoordinationError> {
        let size = value.as_ref().map_or(0, Bytes::len) + HEADER_SIZE;
        let limit = self.api.client().max_payload();
        if size > limit {
            return Err(CoordinationError::TooLarge { size, limit });
        }
        let base = match condition {
            Condition::Absent => 0,
            Condition::At(revision) => revision.get(),
        };
        let id = Uuid::now_v7().simple().to_string();
        let deadline = Instant::now() + self.deadline;
        let mut write = Write { bucket: self, key, value, condition, ttl, id, base, doubt: false, deadline };
        let sequence = write.run().await?;
        if let Err(e) = self.note(sequence, deadline).await {
            write.doubt = true;
            return Err(write.give_up(e));
        }
        Ok(Revision::new(sequence))
    }
}

impl Write<'_> {
    async fn run(&mut self) -> Result<u64, CoordinationError> {
        let subject = self.bucket.api.bucket_subject(&self.bucket.subject(self.key));
        let mut backoff = Backoff::until(self.deadline);
        loop {
            if let Err(e) = self.bucket.ensure_same(self.deadline).await {
                return Err(self.give_up(e));
            }
            let payload = self.value.clone().unwrap_or_default();
            let sent = self.bucket.api.publish(&subject, self.headers(), payload, self.deadline).await;
            let error = match sent {
                Ok(sequence) => return Ok(sequence),
                Err(e) => e,
            };
            // Another stream has acknowledged the write, or may have refused it: a refusal does not name its domain. Only
            // what stands in the bucket tells.
            let is_foreign = matches!(error, CallError::WrongStream { .. });
            self.doubt |= is_foreign;
            if error.is_conflict() || is_foreign {
                match self.look().await? {
                    Verdict::Ours(sequence) => return Ok(sequence),
                    Verdict::Conflict(current) => {
                        return Err(CoordinationError::Conflict { key: self.key.clone(), current });
                    }
                    // The next attempt is not like this one.
                    Verdict::Base(base) if base != self.base && !is_foreign => {
                        self.base = base;
                        continue;
                    }
                    Verdict::Base(_) | Verdict::Wait if is_foreign => {
                        return Err(self.give_up(unavailable(error)));
                    }
                    Verdict::Base(_) | Verdict::Wait => self.doubt |= self.bucket.api.domain().is_some(),
                }
            } else {
                self.weigh(&error)?;
            }
            let closed = matches!(&error, CallError::NoAnswer(NoAnswer::Closed));
            if closed || !backoff.wait().await {
                return Err(self.give_up(unavailable(error)));
            }
        }
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(EXPECTED, self.base.to_string());
        headers.insert(WRITE, self.id.as_str());
        if self.value.is_none() {
            headers.insert(OPERATION, DELETE);
        }
        if let Some(seconds) = self.ttl {
            headers.insert(TTL, seconds.to_string());
        }
        headers
    }

    /// An attempt that failed for another reason than its condition: whether it may have been stored, and whether there is
    /// a point in another one.
    fn weigh(&mut self, error: &CallError) -> Result<(), CoordinationError> {
        match error {
            CallError::NoAnswer(NoAnswer::Denied(denied)) => {
                return Err(self.give_up(CoordinationError::Unavailable(denied.clone().into())));
            }
            CallError::NoAnswer(no_answer) => self.doubt |= !no_answer.is_undelivered(),
            CallError::Garbled(_) | CallError::Replaced | CallError::WrongStream { .. } => self.doubt = true,
            CallError::Refused(refused) if refused.err_code == TOO_LARGE => {
                let size = self.value.as_ref().map_or(0, Bytes::len) + HEADER_SIZE;
                let limit = self.bucket.api.client().max_payload();
                return Err(self.give_up(CoordinationError::TooLarge { size, limit }));
            }
            CallError::Refused(refused) if refused.code < 500 => {
                return Err(self.give_up(CoordinationError::Unavailable(refused.clone().into())));
            }
            CallError::Refused(_) => self.doubt = true,
        }
        Ok(())
    }

    /// Reads, through the leader, what stands where the write was refused.
    async fn look(&mut self) -> Result<Verdict, CoordinationError> {
        let last = self.bucket.last(self.key, self.deadline).await;
        let last = last.map_err(|e| self.give_up(e))?;
        let found = last.as_ref().map_or(0, |last| last.sequence);
        if found < self.base {
            // A leader that has been deposed, or a revision that this key never had. One that has come as far as the
            // expectation knows.
            let reached = self.bucket.look(self.deadline).await.map_err(|e| self.give_up(e))?;
            return if reached < self.base { Ok(Verdict::Wait) } else { self.judge(last) };
        }
        self.judge(last)
    }

    fn judge(&self, last: Option<Stored>) -> Result<Verdict, CoordinationError> {
        let Some(last) = last else {
            // Somebody has removed the marker that the write was to stand on.
            let absent = self.condition == Condition::Absent;
            return if absent { self.unless_doubted(Verdict::Base(0)) } else { self.moved(None, None) };
        };
        if last.write.as_deref() == Some(&*self.id) {
            return Ok(Verdict::Ours(last.sequence));
        }
        if last.sequence == self.base {
            // Refused all the same: another write is under way, or the refusal was a deposed leader's.
            return Ok(Verdict::Wait);
        }
        if last.is_marker {
            return match self.condition {
                Condition::Absent => self.unless_doubted(Verdict::Base(last.sequence)),
                Condition::At(_) => self.moved(None, last.expected),
            };
        }
        self.moved(Some(Revision::new(last.sequence)), last.expected)
    }

    /// Another write stands. If it came right after what this one expected, this one cannot have been in between.
    fn moved(&self, current: Option<Revision>, after: Option<u64>) -> Result<Verdict, CoordinationError> {
        if after == Some(self.base) {
            return Ok(Verdict::Conflict(current));
        }
        self.unless_doubted(Verdict::Conflict(current))
    }

    /// What holds if no attempt was stored. If one may have been, it may also have been overwritten since, and the key has
    /// no history that would tell.
    fn unless_doubted(&self, verdict: Verdict) -> Result<Verdict, CoordinationError> {
        if !self.doubt {
            return Ok(verdict);
        }
        Err(self.give_up(CoordinationError::Unavailable("the key has been written since by others".into())))
    }

    /// The error that ends the write.
    fn give_up(&self, error: CoordinationError) -> CoordinationError {
        match error {
            CoordinationError::Refused(_) => error,
            CoordinationError::Unavailable(source) if self.doubt => {
                CoordinationError::UnknownOutcome { key: self.key.clone(), source }
            }
            other if self.doubt => {
                CoordinationError::UnknownOutcome { key: self.key.clone(), source: other.into() }
            }
            other => other,
        }
    }
}
