//! Saving a commit of one actor: one message, whose expectation the server checks; and the barrier, which proves that a
//! head is still the last.

use aether_core::codec::Envelope;
use aether_core::{
    ActorId, CommitMarks, Expected, Head, Part, Position, ReadError, SaveError, Saved, Stored, StoredSearch,
    VersionConflict,
};
use aether_nats::{Backoff, CallError, NoAnswer};
use async_nats::HeaderMap;
use async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE;
use bytes::Bytes;
use futures_util::{StreamExt, pin_mut};
use tokio::time::Instant;

use crate::head_cache::Known;
use crate::store::Inner;

/// The log's answer about a part that is to be saved.
#[derive(Debug)]
pub(crate) struct Looked {
    pub(crate) stored: Stored,
    pub(crate) latest: Known,
}

/// The fate of a message.
enum Sent {
    Stored(Head),
    /// Another writer's commit came first, and this message can never be stored any more.
    Overtaken(Known),
    /// The log was read, and says that the part stands or conflicts.
    Settled(Looked),
}

/// Doubt about the messages sent so far.
#[derive(Debug, Default)]
pub(crate) struct Doubt {
    /// A message was sent whose fate is open.
    pub(crate) open: bool,
    /// Such a message was sent at some time.
    pub(crate) ever: bool,
}

impl Doubt {
    pub(crate) fn raise(&mut self) {
        (self.open, self.ever) = (true, true);
    }

    /// The error of a save that could not go on, given what is not known.
    pub(crate) fn error(&self, error: impl Into<SaveError>) -> SaveError {
        match error.into() {
            error if !self.open => error,
            SaveError::Unavailable(source) => SaveError::UnknownOutcome(source),
            other => SaveError::UnknownOutcome(other.into()),
        }
    }
}

impl Inner {
    /// Saves a part that is a whole commit.
    pub(crate) async fn save_one(&self, part: &Part<'_>) -> Result<Saved, SaveError> {
        let deadline = Instant::now() + self.timeouts.save;
        let slot = self.heads.get(part.actor());
        let turn = match slot.try_lock() {
            Ok(turn) => Ok(turn),
            Err(_) => tokio::time::timeout_at(deadline, slot.lock()).await,
        };
        let Ok(mut turn) = turn else {
            return Err(SaveError::Unavailable("the actor's earlier saves took until the deadline".into()));
        };
        let mut doubt = Doubt::default();
        let saved = self.save_in_turn(part, &mut turn, deadline, &mut doubt).await;
        self.count(&saved, &doubt);
        saved
    }

    async fn save_in_turn(
        &self,
        part: &Part<'_>,
        turn: &mut Option<Known>,
        deadline: Instant,
        doubt: &mut Doubt,
    ) -> Result<Saved, SaveError> {
        let mut backoff = Backoff::until(deadline);
        loop {
            let base = match turn.clone().filter(|known| part.check(known.head).is_ok()) {
                Some(known) => {
                    self.counters.cache_hits.count();
                    self.telemetry.metrics().cache(true);
                    known
                }
                None => {
                    self.counters.cache_misses.count();
                    self.telemetry.metrics().cache(false);
                    let looked = self.look(part, floor(part, turn.as_ref()), deadline).await;
                    let looked = looked.map_err(|e| doubt.error(e))?;
                    let latest = looked.latest.clone();
                    *turn = Some(latest.clone());
                    if let Some(saved) = self.settle(part, &looked)? {
                        return Ok(saved);
                    }
                    if !self.is_allowed(part, latest.head).await? {
                        *turn = None;
                        if !backoff.wait().await {
                            return Err(overtaken_until_deadline());
                        }
                        continue;
                    }
                    latest
                }
            };
            match self.send(part, &base, deadline, doubt).await? {
                Sent::Stored(head) => {
                    *turn = Some(base.followed_by(head));
                    return Ok(Saved::new(head, last_position(part, head.sequence())));
                }
                Sent::Settled(looked) => {
                    *turn = Some(looked.latest.clone());
                    if let Some(saved) = self.settle(part, &looked)? {
                        return Ok(saved);
                    }
                }
                Sent::Overtaken(latest) => {
                    self.is_allowed(part, latest.head).await?;
                    *turn = Some(latest);
                    if !backoff.wait().await {
                        return Err(overtaken_until_deadline());
                    }
                }
            }
        }
    }

    /// Checks that the part may be saved on this head; the error is the conflict. False: not known yet.
    pub(crate) async fn is_allowed(&self, part: &Part<'_>, head: Head) -> Result<bool, SaveError> {
        let Err(conflict) = part.check(head) else { return Ok(true) };
        // A log that is behind what the caller expects may be a deposed leader's; only an acknowledged barrier proves that
        // it is not.
        let behind = matches!(part.expected(), Expected::Exact(version) if version > head.version());
        if behind && !self.confirm(part.actor(), head).await? {
            return Ok(false);
        }
        Err(conflict.into())
    }

    /// The result, if what the log says is one.
    fn settle(&self, part: &Part<'_>, looked: &Looked) -> Result<Option<Saved>, SaveError> {
        match looked.stored {
            Stored::All(at) => Ok(Some(Saved::new(at.head, at.position))),
            Stored::Some => Err(conflict(part, looked.latest.head).into()),
            Stored::None => Ok(None),
        }
    }

    /// Sends one message until its fate is known.
    async fn send(
        &self,
        part: &Part<'_>,
        base: &Known,
        deadline: Instant,
        doubt: &mut Doubt,
    ) -> Result<Sent, SaveError> {
        let payload = self.encode(part, base, None)?;
        let subject = self.subject(part.actor()).into();
        let mut backoff = Backoff::until(deadline);
        loop {
            let sent = self.events.publish(&subject, expecting(base), payload.clone(), deadline).await;
            let error = match sent {
                Ok(sequence) => {
                    doubt.open = false;
                    return Ok(Sent::Stored(Head::new(sequence, part.version_after(base.head))));
                }
                Err(error) => error,
            };
            // A refusal does not name its domain: it may be that of another stream of this name.
            let may_be_foreign = self.may_be_foreign(&error);
            if may_be_foreign {
                doubt.raise();
            }
            if error.is_conflict() || may_be_foreign || (doubt.open && is_full(&error).is_some()) {
                let looked = self.look(part, base.head.sequence(), deadline).await;
                let looked = looked.map_err(|e| doubt.error(e))?;
                let moved = looked.latest.head.sequence() != base.head.sequence();
                if looked.stored != Stored::None {
                    doubt.open = false;
                    return Ok(Sent::Settled(looked));
                }
                if moved {
                    doubt.open = false;
                    return Ok(Sent::Overtaken(looked.latest));
                }
                // In flight still, or a leader without a quorum: neither is an answer.
            }
            if let CallError::WrongStream { .. } = error {
                return self.find_in_own_stream(part, base, deadline, doubt, error).await;
            }
            self.weigh(error, payload.len(), doubt, &mut backoff).await?;
            self.count_retry();
        }
    }

    /// Returns whether an error may be the refusal of another domain, where a domain was asked for by name.
    pub(crate) fn may_be_foreign(&self, error: &CallError) -> bool {
        matches!(error, CallError::Refused(_)) && self.events.required_domain().is_some()
    }

    /// Another stream has acknowledged the message: only the own log proves that it is in the own stream, too. Sending it
    /// again would store it in the other one once more.
    async fn find_in_own_stream(
        &self,
        part: &Part<'_>,
        base: &Known,
        deadline: Instant,
        doubt: &mut Doubt,
        error: CallError,
    ) -> Result<Sent, SaveError> {
        doubt.raise();
        let mut backoff = Backoff::until(self.events.attempt_until(deadline));
        loop {
            let looked = self.look(part, base.head.sequence(), deadline).await;
            let looked = looked.map_err(|e| doubt.error(e))?;
            let moved = looked.latest.head.sequence() != base.head.sequence();
            if looked.stored != Stored::None || moved {
                doubt.open = false;
                let is_settled = looked.stored != Stored::None;
                return Ok(if is_settled { Sent::Settled(looked) } else { Sent::Overtaken(looked.latest) });
            }
            if !backoff.wait().await {
                return Err(doubt.error(SaveError::Unavailable(error.into())));
            }
        }
    }

    /// Waits before the next attempt, or says that there is no point in one.
    pub(crate) async fn weigh(
        &self,
        error: CallError,
        size: usize,
        doubt: &mut Doubt,
        backoff: &mut Backoff,
    ) -> Result<(), SaveError> {
        let conflict = error.is_conflict();
        if let Some(reason) = is_full(&error) {
            return Err(doubt.error(SaveError::StoreFull { reason }));
        }
        let undelivered = matches!(&error, CallError::NoAnswer(no_answer) if no_answer.is_undelivered());
        let final_error = match error {
            CallError::NoAnswer(NoAnswer::Denied(operation)) => {
                return Err(doubt.error(SaveError::PermissionDenied { operation }));
            }
            CallError::Refused(error) if error.err_code == TOO_LARGE => {
                let limit = self.max_payload();
                return Err(doubt.error(SaveError::TooLarge { size, limit }));
            }
            CallError::Refused(error) if error.code < 500 && !conflict => {
                return Err(doubt.error(SaveError::Unavailable(error.into())));
            }
            other => other,
        };
        if !undelivered && !conflict {
            doubt.raise();
        }
        let is_final =
            matches!(final_error, CallError::NoAnswer(NoAnswer::Closed) | CallError::WrongStream { .. });
        if is_final || !backoff.wait().await {
            return Err(doubt.error(SaveError::Unavailable(final_error.into())));
        }
        Ok(())
    }

    /// Reads, through the leader, what has been committed, and looks for the part in it.
    pub(crate) async fn look(
        &self,
        part: &Part<'_>,
        floor: u64,
        deadline: Instant,
    ) -> Result<Looked, ReadError> {
        let Some(last) = self.last_commit(part.actor(), floor, deadline).await? else {
            return Ok(Looked { stored: Stored::None, latest: self.nothing_of(part.actor()).await? });
        };
        let latest = last.known();
        let mut search = part.search();
        let commits = self.backwards(part.actor(), last).take(StoredSearch::LIMIT);
        pin_mut!(commits);
        while let Some(commit) = commits.next().await {
            match commit {
                Ok(commit) if search.see(&commit) => break,
                Ok(_) => {}
                // What has expired cannot be searched.
                Err(ReadError::HistoryIncomplete(_)) => break,
                Err(e) => return Err(e),
            }
        }
        Ok(Looked { stored: search.outcome(), latest })
    }

    /// The message of a part that follows `base`.
    pub(crate) fn encode(
        &self,
        part: &Part<'_>,
        base: &Known,
        marks: Option<&CommitMarks>,
    ) -> Result<Bytes, SaveError> {
        let version = part.version_after(base.head);
        let envelope = Envelope { source: self.events.stream(), part, links: &base.links, version, marks };
        let size: usize = part.events().iter().map(|event| event.size() + 320).sum();
        let mut payload = Vec::with_capacity(size + 128);
        self.encoding.encode(&envelope, &mut payload);
        let (size, limit) = (payload.len() + HEADER_SIZE, self.max_payload());
        if size > limit {
            return Err(SaveError::TooLarge { size, limit });
        }
        Ok(payload.into())
    }

    pub(crate) fn count_retry(&self) {
        self.counters.retries.count();
        self.telemetry.metrics().retried();
    }

    pub(crate) fn count(&self, saved: &Result<Saved, SaveError>, doubt: &Doubt) {
        let counters = &self.counters;
        match saved {
            Ok(_) => counters.saves.count(),
            Err(SaveError::VersionConflict(_)) => counters.conflicts.count(),
            Err(_) => {}
        }
        if doubt.ever {
            counters.unknown.count();
            self.telemetry.metrics().doubted();
            if !matches!(saved, Err(SaveError::UnknownOutcome(_))) {
                counters.resolved.count();
            }
        }
    }
}

/// The message is larger than the stream takes.
const TOO_LARGE: u32 = 10054;
/// The most that the headers of a message take, in bytes: they count as payload.
pub(crate) const HEADER_SIZE: usize = 256;

/// The headers of a message that must follow `base`.
pub(crate) fn expecting(base: &Known) -> HeaderMap {
    expecting_sequence(base.head.sequence())
}

/// The headers of a message before which the last one of its subject must have this sequence.
pub(crate) fn expecting_sequence(sequence: u64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, sequence.to_string());
    headers
}

/// The server's words, if it says that the stream or its storage is full.
fn is_full(error: &CallError) -> Option<String> {
    match error {
        CallError::Refused(error) => match error.err_code {
            10002 | 10023 | 10028 | 10047 => Some(error.description.clone()),
            10077 if error.description.contains("maximum") => Some(error.description.clone()),
            _ => None,
        },
        _ => None,
    }
}

pub(crate) fn conflict(part: &Part<'_>, head: Head) -> VersionConflict {
    VersionConflict::new(part.actor().clone(), head.version(), part.attempted())
}

/// The highest known sequence of the actor.
pub(crate) fn floor(part: &Part<'_>, known: Option<&Known>) -> u64 {
    let known = known.map_or(0, |known| known.head.sequence());
    match part.expected() {
        Expected::At(head) => known.max(head.sequence()),
        _ => known,
    }
}

/// The position of the part's last event.
pub(crate) fn last_position(part: &Part<'_>, sequence: u64) -> Position {
    let last = part.events().len().saturating_sub(1);
    Position::new(sequence, u32::try_from(last).unwrap_or(u32::MAX))
}

pub(crate) fn overtaken_until_deadline() -> SaveError {
    SaveError::Unavailable("other writers of the actor were faster until the deadline".into())
}

/// The subject that the expected sequence is about, if it is not the message's own.
const EXPECTED_SUBJECT: &str = "Nats-Expected-Last-Subject-Sequence-Subject";
/// The time that a barrier stays in the stream.
const TTL: (&str, &str) = ("Nats-TTL", "1s");

impl Inner {
    /// Publishes a tiny message on a subject that no actor has, stored only if the actor's last sequence is the head's. Its
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
