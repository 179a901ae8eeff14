//! [`Bucket`]: one bucket, and the watch over whether it is still the one that was opened.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aether_nats::{CallError, NoAnswer, StreamApi};
use tokio::time::Instant;

use super::leases::TakesLeases;
use super::stored::Stored;
use crate::{CoordinationError, Key};

/// How long it is taken for granted that the bucket is still the same.
const TRUSTED: Duration = Duration::from_secs(1);

/// A bucket that is open.
#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) api: StreamApi,
    pub(crate) signal_prefix: String,
    pub(crate) deadline: Duration,
    pub(crate) leases: TakesLeases,
    /// When it was created: one that is made anew is another one.
    created: String,
    seen: Mutex<Seen>,
}

/// What was seen of the bucket last.
#[derive(Debug)]
struct Seen {
    /// The highest sequence of a write.
    highest: u64,
    /// When it was found to be the same, and how often the connection had been made then.
    same: (Instant, u64),
    /// Why nothing more is done with it.
    refused: Option<String>,
}

impl Bucket {
    pub(crate) fn new(
        name: String,
        api: StreamApi,
        signal_prefix: String,
        deadline: Duration,
        created: String,
    ) -> Self {
        let same = (Instant::now(), api.inbox().connects());
        let seen = Mutex::new(Seen { highest: 0, same, refused: None });
        Self { name, api, signal_prefix, deadline, leases: TakesLeases::default(), created, seen }
    }

    /// The subject of a key's messages.
    pub(crate) fn subject(&self, key: &Key) -> String {
        format!("$KV.{}.{key}", self.name)
    }

    /// The key's last message, through the leader.
    pub(crate) async fn last(
        &self,
        key: &Key,
        deadline: Instant,
    ) -> Result<Option<Stored>, CoordinationError> {
        let last = self.api.last_with_headers(&self.subject(key), deadline).await;
        let last = last.map_err(|e| self.explain(e))?;
        Ok(last.map(|(message, headers)| Stored::read(message, &headers)))
    }

    /// Looks, if it was not looked just now, whether this is still the bucket that was opened.
    pub(crate) async fn ensure_same(&self, deadline: Instant) -> Result<(), CoordinationError> {
        self.check_not_refused()?;
        let (looked, connects) = self.seen().same;
        if looked.elapsed() < TRUSTED && connects == self.api.inbox().connects() {
            return Ok(());
        }
        self.look(deadline).await.map(|_| ())
    }

    /// Looks whether this is still the bucket that was opened, and gives the last sequence that its leader knows.
    pub(crate) async fn look(&self, deadline: Instant) -> Result<u64, CoordinationError> {
        let connects = self.api.inbox().connects();
        let info = self.api.info(None, deadline).await.map_err(|e| self.explain(e))?;
        self.check_created(&info.created)?;
        self.seen().same = (Instant::now(), connects);
        Ok(info.state.last_seq)
    }

    pub(crate) fn check_created(&self, created: &str) -> Result<(), CoordinationError> {
        if created == self.created {
            return Ok(());
        }
        let Self { name, created: opened, .. } = self;
        Err(self.refuse(format!(
            "bucket {name} was made anew: the one that was opened is of {opened}, this one is of {created}"
        )))
    }

    /// Takes note of the sequence of a write. One that is not the highest tells, together with whether others are under
    /// way, that something may be wrong: it is looked at.
    pub(crate) async fn note(&self, sequence: u64, deadline: Instant) -> Result<(), CoordinationError> {
        let grows = {
            let mut seen = self.seen();
            let grows = sequence > seen.highest;
            seen.highest = seen.highest.max(sequence);
            grows
        };
        if !grows {
            self.look(deadline).await?;
        }
        self.check_not_refused()
    }

    pub(crate) fn check_not_refused(&self) -> Result<(), CoordinationError> {
        match &self.seen().refused {
            Some(reason) => Err(CoordinationError::Refused(reason.clone())),
            None => Ok(()),
        }
    }

    /// The error of a call; if the bucket is not there any more, it is refused from now on.
    pub(crate) fn explain(&self, error: CallError) -> CoordinationError {
        if error.is_stream_missing() {
            return self.refuse(format!("bucket {} was deleted", self.name));
        }
        unavailable(error)
    }

    fn refuse(&self, reason: String) -> CoordinationError {
        self.seen().refused.get_or_insert(reason.clone());
        CoordinationError::Refused(reason)
    }

    /// Nothing is left half done under this lock.
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error of a call that did not come about.
pub(crate) fn unavailable(error: CallError) -> CoordinationError {
    match error {
        CallError::NoAnswer(NoAnswer::Denied(denied)) => CoordinationError::Refused(denied),
        other => CoordinationError::Unavailable(other.into()),
    }
}
