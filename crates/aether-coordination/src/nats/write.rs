//! Writing a key, also for a time, and finding out what became of it.

use std::sync::atomic::{AtomicBool, Ordering};

use aether_nats::{Backoff, CallError, NoAnswer};
use async_nats::HeaderMap;
use async_nats::jetstream::stream::Config;
use bytes::Bytes;
use tokio::time::Instant;
use uuid::Uuid;

use super::bucket::{Bucket, DELETE, EXPECTED, OPERATION, Stored, TTL, WRITE, unavailable};
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
            // Another stream has acknowledged the write: only what stands in the bucket tells. A refusal is the bucket's own:
            // servers pass no key of a bucket on to another domain.
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
                    Verdict::Base(_) | Verdict::Wait => {}
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
                let operation = denied.clone();
                return Err(self.give_up(CoordinationError::PermissionDenied { operation }));
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

/// The first server that knows of messages with a time to live.
const FIRST_SERVER: (u64, u64) = (2, 11);

/// Whether messages with a time to live were found to be allowed. It is looked at before any is sent: a server that does
/// not know of them keeps them for ever, and says nothing. Once allowed, they stay so.
#[derive(Debug, Default)]
pub(crate) struct TakesLeases(AtomicBool);

impl TakesLeases {
    /// What the server says of the stream; one that does not know the setting has left it out.
    pub(crate) fn note(&self, found: &Config) {
        self.0.fetch_or(found.allow_message_ttl, Ordering::Relaxed);
    }

    fn is_known(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Bucket {
    /// Whether leases can be kept here. What was missing when the bucket was opened may have been switched on since.
    pub(crate) async fn check_leases(&self) -> Result<(), CoordinationError> {
        if self.leases.is_known() {
            return Ok(());
        }
        self.check_not_refused()?;
        let info = self.api.info(None, Instant::now() + self.deadline).await.map_err(|e| self.explain(e))?;
        self.check_created(&info.created)?;
        self.leases.note(&info.config);
        if self.leases.is_known() {
            return Ok(());
        }
        let version = self.api.client().server_info().version;
        let (name, stream) = (&self.name, self.api.stream());
        Err(CoordinationError::Refused(if is_older(&version, FIRST_SERVER) {
            format!(
                "leases need nats-server 2.11 or later, this is {version}; upgrade all servers, then run `nats stream edit \
                 {stream} --allow-msg-ttl`"
            )
        } else {
            format!(
                "bucket {name} was made without keys that expire; run `nats stream edit {stream} --allow-msg-ttl`, or \
                 keep leases in another bucket"
            )
        }))
    }
}

/// Whether the version is known and before `first`.
fn is_older(version: &str, first: (u64, u64)) -> bool {
    let mut numbers = version.split('.').map_while(|number| number.parse().ok());
    let found = numbers.next().zip(numbers.next());
    found.is_some_and(|found| found < first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_numbers() {
        for (version, older) in [
            ("2.10.26", true),
            ("1.9.0", true),
            ("2.11.0", false),
            ("2.9.1-beta", true),
            ("3.0.0", false),
            ("", false),
        ] {
            assert_eq!(is_older(version, FIRST_SERVER), older, "{version}");
        }
    }
}
