//! Saving a commit of several actors: an atomic batch (ADR-50), one message an actor, each with its own expectation.

use std::sync::Arc;

use aether_core::{CommitMarks, Head, Part, Parts, SaveError, Saved, Stored, Unsupported};
use aether_nats::{Backoff, CallError, Request};
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;
use uuid::Uuid;

use crate::head_cache::Known;
use crate::save::{Doubt, Looked, conflict, expecting, floor, last_position, overtaken_until_deadline};
use crate::store::Inner;

const BATCH_ID: &str = "Nats-Batch-Id";
const BATCH_SEQUENCE: &str = "Nats-Batch-Sequence";
const BATCH_COMMIT: &str = "Nats-Batch-Commit";

type Turn = OwnedMutexGuard<Option<Known>>;

impl Inner {
    /// Saves a commit over several actors.
    pub(crate) async fn save_several(&self, parts: &Parts<'_>) -> Result<Saved, SaveError> {
        if !self.atomic {
            return Err(Unsupported::new(
                "a commit over several actors",
                "nats-server 2.12 or newer (2.14.4 has the fixes that matter) and a stream with allow_atomic",
            )
            .into());
        }
        let deadline = Instant::now() + self.timeouts.save;
        let Ok(mut turns) = tokio::time::timeout_at(deadline, self.turns(parts)).await else {
            return Err(SaveError::Unavailable("the actors' earlier saves took until the deadline".into()));
        };
        let mut doubt = Doubt::default();
        let saved = self.save_batch(parts, &mut turns, deadline, &mut doubt).await;
        self.count(&saved, &doubt);
        saved
    }

    /// The turns of all actors, in the order of the parts; taken in the order of ids, so that two commits never wait for
    /// each other.
    async fn turns(&self, parts: &[Part<'_>]) -> Vec<Turn> {
        let mut order: Vec<usize> = (0..parts.len()).collect();
        order.sort_unstable_by_key(|&index| parts[index].actor());
        let mut turns: Vec<(usize, Turn)> = Vec::with_capacity(parts.len());
        for index in order {
            let slot = self.heads.get(parts[index].actor());
            turns.push((index, Arc::clone(&slot).lock_owned().await));
        }
        turns.sort_unstable_by_key(|(index, _)| *index);
        turns.into_iter().map(|(_, turn)| turn).collect()
    }

    async fn save_batch(
        &self,
        parts: &[Part<'_>],
        turns: &mut [Turn],
        deadline: Instant,
        doubt: &mut Doubt,
    ) -> Result<Saved, SaveError> {
        let mut backoff = Backoff::until(deadline);
        loop {
            let known: Option<Vec<Known>> = (turns.iter().zip(parts))
                .map(|(turn, part)| turn.as_ref().filter(|known| part.check(known.head).is_ok()).cloned())
                .collect();
            let bases = match known {
                Some(bases) => bases,
                None => {
                    if let Some(saved) = self.look_at_all(parts, turns, deadline, doubt).await? {
                        return Ok(saved);
                    }
                    let mut proved = true;
                    for (part, turn) in parts.iter().zip(turns.iter()) {
                        let head = turn.as_ref().map_or(Head::NONE, |known| known.head);
                        proved &= self.is_allowed(part, head).await?;
                    }
                    if !proved && !backoff.wait().await {
                        return Err(overtaken_until_deadline());
                    }
                    continue;
                }
            };
            let messages = self.batch(parts, &bases)?;
            let size = messages.iter().map(|message| message.payload.len()).max().unwrap_or(0);
            match self.send_batch(messages, deadline).await {
                Ok(last) => return Ok(stored(parts, &bases, last, turns)),
                Err(error) if error.is_conflict() => {
                    if self.may_be_foreign(&error) {
                        // A refusal does not name its domain: it may be that of another stream of this name.
                        doubt.raise();
                    }
                    if let Some(saved) = self.look_at_all(parts, turns, deadline, doubt).await? {
                        return Ok(saved);
                    }
                    self.count_retry();
                    if !backoff.wait().await {
                        return Err(doubt.error(overtaken_until_deadline()));
                    }
                }
                Err(error) => {
                    if matches!(error, CallError::WrongStream { .. }) || self.may_be_foreign(&error) {
                        // Only the own log proves what the own stream has done with the commit.
                        doubt.raise();
                        if let Some(saved) = self.look_at_all(parts, turns, deadline, doubt).await? {
                            return Ok(saved);
                        }
                    }
                    self.weigh(error, size, doubt, &mut backoff).await?;
                    self.count_retry();
                }
            }
        }
    }

    /// Reads where all actors stand, and finds out whether the commit stands.
    async fn look_at_all(
        &self,
        parts: &[Part<'_>],
        turns: &mut [Turn],
        deadline: Instant,
        doubt: &mut Doubt,
    ) -> Result<Option<Saved>, SaveError> {
        let mut found = Vec::with_capacity(parts.len());
        let mut moved = false;
        for (part, turn) in parts.iter().zip(turns.iter_mut()) {
            let before = turn.as_ref().map(|known| known.head.sequence());
            let looked = self.look(part, floor(part, turn.as_ref()), deadline).await;
            let Looked { stored, latest } = looked.map_err(|e| doubt.error(e))?;
            moved |= before.is_some_and(|before| before != latest.head.sequence());
            **turn = Some(latest);
            found.push(stored);
        }
        let at: Vec<_> = found
            .iter()
            .filter_map(|stored| match stored {
                Stored::All(at) => Some(*at),
                _ => None,
            })
            .collect();
        if at.len() == parts.len() {
            doubt.open = false;
            let heads = parts.iter().zip(&at).map(|(part, at)| (part.actor().clone(), at.head));
            let last = at.iter().map(|at| at.position).reduce(|a, b| if b > a { b } else { a });
            return Ok(last.and_then(|last| Saved::of_actors(heads, last)));
        }
        let partial = found.iter().position(|stored| *stored != Stored::None);
        if let Some(index) = partial {
            doubt.open = false;
            let head = turns[index].as_ref().map_or(Head::NONE, |known| known.head);
            return Err(conflict(&parts[index], head).into());
        }
        if moved {
            // One actor has moved on without this commit: no message of it can be stored any more.
            doubt.open = false;
        }
        Ok(None)
    }

    /// The messages of the batch; all but the last are not acknowledged.
    fn batch(&self, parts: &[Part<'_>], bases: &[Known]) -> Result<Vec<Request>, SaveError> {
        let actors: Vec<_> = parts.iter().map(|part| part.actor().clone()).collect();
        // A batch sent again is another batch: the server may still hold the first one open.
        let batch = Uuid::now_v7().to_string();
        let mut messages = Vec::with_capacity(parts.len());
        for (index, (part, base)) in parts.iter().zip(bases).enumerate() {
            let marks = CommitMarks::new(part.commit_id(), part.index(), actors.clone());
            let payload = self.encode(part, base, Some(&marks))?;
            let mut headers = expecting(base);
            headers.insert(BATCH_ID, batch.as_str());
            headers.insert(BATCH_SEQUENCE, (index + 1).to_string());
            if index + 1 == parts.len() {
                headers.insert(BATCH_COMMIT, "1");
            }
            messages.push(Request {
                subject: self.subject(part.actor()).into(),
                headers: Some(headers),
                payload,
            });
        }
        Ok(messages)
    }

    async fn send_batch(&self, mut messages: Vec<Request>, deadline: Instant) -> Result<u64, CallError> {
        let Some(Request { subject, headers, payload }) = messages.pop() else {
            return Err(CallError::Garbled("a batch without messages".into()));
        };
        let headers = headers.unwrap_or_default();
        self.events.publish_after(&messages, &subject, headers, payload, deadline).await
    }
}

/// The result of a batch whose last message has this sequence; the others stand right before it.
fn stored(parts: &[Part<'_>], bases: &[Known], last: u64, turns: &mut [Turn]) -> Saved {
    let first = last + 1 - parts.len() as u64;
    let mut heads = Vec::with_capacity(parts.len());
    for (((part, base), turn), sequence) in parts.iter().zip(bases).zip(turns).zip(first..) {
        let head = Head::new(sequence, part.version_after(base.head));
        **turn = Some(base.followed_by(head));
        heads.push((part.actor().clone(), head));
    }
    let position =
        parts.last().map_or_else(|| aether_core::Position::new(last, 0), |part| last_position(part, last));
    let only = heads.first().map_or(Head::NONE, |(_, head)| *head);
    Saved::of_actors(heads, position).unwrap_or_else(|| Saved::new(only, position))
}
