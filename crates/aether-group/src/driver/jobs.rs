//! What a driver does beside its loop, each in a task of its own.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aether_coordination::{Condition, Coordination, CoordinationError, Key, Revision};
use aether_core::{ActorId, EventFilter, EventStore, Position, ReadError, Version};
use aether_telemetry::panic;
use futures_util::{FutureExt, StreamExt};

use super::Driver;
use crate::engine::{Action, Answer, Everything, Fetched, Known};
use crate::record::{Keys, Request, decode, encode};
use crate::window::{Failure, RunId};
use crate::{Batch, Claim, Epoch, FailureKind, GroupError, HandleError, Handler, Letter, Outcome, Partition};

/// How many events of a parked actor are read at a time.
const FETCH: usize = 256;
/// The longest delay before a handler is told again that it has gained a partition.
const MAX_DELAY: Duration = Duration::from_secs(5);

/// What has been done.
pub(super) enum Done {
    Put(Partition, Result<Revision, CoordinationError>),
    Looked(Partition, Result<Result<Option<Known>, CoordinationError>, GroupError>),
    LookedAtAll(Result<Result<Everything, CoordinationError>, GroupError>),
    Opened(Partition, Result<Option<Position>, u32>),
    Closed(Partition),
    Ran(RunId, Partition, Result<(), Failure>),
    Fetched((Partition, Epoch), ActorId, Result<Fetched, ReadError>),
    LetterKept((Partition, Epoch), ActorId),
    Concluded,
}

impl Driver {
    /// Starts what an action asks for.
    pub(super) fn start(&mut self, action: Action) {
        let (coordination, keys) = (self.coordination.clone(), self.keys.clone());
        let (handler, store, filter) = (self.handler.clone(), self.store.clone(), &self.filter);
        let jobs = &mut self.jobs;
        match action {
            Action::Handle(id, batch) => {
                let telemetry = self.telemetry.clone();
                jobs.spawn(async move {
                    let handled = telemetry.calling(&batch, handle(&*handler, &batch)).await;
                    Done::Ran(id, batch.partition, handled)
                });
            }
            Action::Put { partition, value, condition } => {
                let key = keys.partition(partition);
                jobs.spawn(
                    async move { Done::Put(partition, coordination.put(&key, value, condition).await) },
                );
            }
            Action::Look(partition) => {
                let key = keys.partition(partition);
                jobs.spawn(async move {
                    let entry = match coordination.get(&key).await {
                        Ok(entry) => entry,
                        Err(error) => return Done::Looked(partition, Ok(Err(error))),
                    };
                    let known = entry.map(|entry| {
                        let record = decode(&entry.value).map_err(|source| corrupt(&key, source))?;
                        Ok(Known { record, revision: entry.revision })
                    });
                    Done::Looked(partition, known.transpose().map(Ok))
                });
            }
            Action::LookAtAll => {
                jobs.spawn(async move { Done::LookedAtAll(read_everything(&*coordination, &keys).await) });
            }
            Action::Gained(claim, failed) => {
                jobs.spawn(
                    async move { Done::Opened(claim.partition, gained(&*handler, &claim, failed).await) },
                );
            }
            Action::Lost(claim) => {
                jobs.spawn(async move {
                    if AssertUnwindSafe(handler.lost(&claim)).catch_unwind().await.is_err() {
                        tracing::error!(group = %claim.group, partition = %claim.partition, "the handler panicked when it lost a partition");
                    }
                    Done::Closed(claim.partition)
                });
            }
            Action::Fetch { claim, actor, from, cut } => {
                let filter = filter.clone();
                jobs.spawn(async move {
                    let fetched = fetch(&*store, &filter, &actor, from, cut).await;
                    Done::Fetched(claim, actor, fetched)
                });
            }
            Action::KeepLetter { claim, letter } => {
                jobs.spawn(async move {
                    keep_letter(&*coordination, &keys, &letter).await;
                    Done::LetterKept(claim, letter.actor)
                });
            }
            Action::Conclude { letter, request } => {
                jobs.spawn(async move {
                    if let Some(letter) = letter {
                        keep_letter(&*coordination, &keys, &letter).await;
                    }
                    if let Some(request) = request {
                        answer_request(&*coordination, &keys, request).await;
                    }
                    Done::Concluded
                });
            }
            // The driver has done these itself.
            Action::Send(_) | Action::Read(_) | Action::StopReading | Action::Stopped | Action::Fail(_) => {}
        }
    }
}

fn corrupt(key: &Key, source: aether_core::Source) -> GroupError {
    GroupError::Corrupt { key: key.to_string(), source }
}

/// The one place where events are handed to a handler.
async fn handle(handler: &dyn Handler, batch: &Batch) -> Result<(), Failure> {
    match AssertUnwindSafe(handler.handle(batch)).catch_unwind().await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(HandleError { at, kind, source })) => Err(Failure { at, kind, error: in_full(&*source) }),
        Err(panic) => {
            let error = format!("the handler panicked: {}", panic::message(&*panic));
            Err(Failure { at: 0, kind: FailureKind::Retry, error })
        }
    }
}

/// An error with its causes.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

async fn gained(handler: &dyn Handler, claim: &Claim, failed: u32) -> Result<Option<Position>, u32> {
    let error = match AssertUnwindSafe(handler.gained(claim)).catch_unwind().await {
        Ok(Ok(own)) => return Ok(own),
        Ok(Err(error)) => in_full(&*error.source),
        Err(panic) => panic::message(&*panic).to_owned(),
    };
    tracing::warn!(
        group = %claim.group, partition = %claim.partition, error, failed,
        "the handler cannot take a partition, and is asked again"
    );
    let delay = Duration::from_millis(100) * 2_u32.saturating_pow(failed.min(10));
    tokio::time::sleep(delay.min(MAX_DELAY)).await;
    Err(failed.saturating_add(1))
}

async fn fetch<S: EventStore + ?Sized>(
    store: &S,
    filter: &EventFilter,
    actor: &ActorId,
    from: Version,
    cut: Option<Position>,
) -> Result<Fetched, ReadError> {
    let Some(cut) = cut else { return Ok((Vec::new(), false)) };
    let mut events = store.get_events(actor, from);
    let mut fetched = Vec::new();
    while let Some(event) = events.next().await.transpose()? {
        if event.position > cut {
            break;
        }
        if filter.matches(&event) {
            fetched.push(event);
        }
        if fetched.len() == FETCH {
            return Ok((fetched, true));
        }
    }
    Ok((fetched, false))
}

/// All records and requests of a group.
pub(crate) async fn read_everything(
    coordination: &dyn Coordination,
    keys: &Keys,
) -> Result<Result<Everything, CoordinationError>, GroupError> {
    let entries = async {
        let records = coordination.entries(&keys.partitions).await?;
        Ok::<_, CoordinationError>((records, coordination.entries(&keys.requests).await?))
    };
    let (records, requests) = match entries.await {
        Ok(entries) => entries,
        Err(error) => return Ok(Err(error)),
    };
    let mut everything = Everything::default();
    for entry in records {
        let Some(partition) = keys.partition_of(&entry.key) else { continue };
        let record = decode(&entry.value).map_err(|source| corrupt(&entry.key, source))?;
        everything.records.push((partition, Known { record, revision: entry.revision }));
    }
    for entry in requests {
        let Some(actor) = keys.actor_of_request(&entry.key) else { continue };
        let request = decode(&entry.value).map_err(|source| corrupt(&entry.key, source))?;
        everything.requests.push((actor, request, entry.revision));
    }
    Ok(Ok(everything))
}

/// Keeps a letter, unless there is a newer one. Given up only when it can never succeed.
pub(crate) async fn keep_letter(coordination: &dyn Coordination, keys: &Keys, letter: &Letter) {
    let key = keys.letter(&letter.actor, letter.parked.version);
    let mut attempts = Attempts::default();
    while attempts.go_on(try_keep_letter(coordination, &key, letter).await).await {}
}

async fn try_keep_letter(
    coordination: &dyn Coordination,
    key: &Key,
    letter: &Letter,
) -> Result<(), CoordinationError> {
    let entry = coordination.get(key).await?;
    let kept = entry.as_ref().and_then(|entry| decode::<Letter>(&entry.value).ok());
    if kept.is_some_and(|kept| kept.parked.epoch > letter.parked.epoch) {
        return Ok(());
    }
    let condition = Condition::from(entry.map(|entry| entry.revision));
    coordination.put(key, encode(letter), condition).await.map(|_| ())
}

/// Ends a request, if it is still the same.
async fn answer_request(
    coordination: &dyn Coordination,
    keys: &Keys,
    (actor, version, revision, answer): (ActorId, Version, Revision, Answer),
) {
    if answer == Answer::Done {
        complete_letter(coordination, keys, &actor, version).await;
    }
    let key = keys.request(&actor);
    let mut attempts = Attempts::default();
    loop {
        let result = match &answer {
            Answer::Done => coordination.delete(&key, revision).await,
            Answer::Refused(reason) => {
                let request = Request { version, skip: None, refused: Some(reason.clone()) };
                coordination.put(&key, encode(&request), Condition::At(revision)).await.map(|_| ())
            }
        };
        let result = result.or_else(|error| if error.is_conflict() { Ok(()) } else { Err(error) });
        if !attempts.go_on(result).await {
            return;
        }
    }
}

/// Whoever resumed the actor may not have lived to say so in the letter.
async fn complete_letter(coordination: &dyn Coordination, keys: &Keys, actor: &ActorId, version: Version) {
    let Ok(Some(entry)) = coordination.get(&keys.letter(actor, version)).await else { return };
    let Ok(letter) = decode::<Letter>(&entry.value) else { return };
    let Ok(Ok(everything)) = read_everything(coordination, keys).await else { return };
    let parked = |(_, known): &(Partition, Known)| {
        known.record.parked.get(actor).is_some_and(|parked| parked.version == version)
    };
    if letter.outcome == Outcome::Parked && !everything.records.iter().any(parked) {
        let outcome = Outcome::Resumed { at: time::OffsetDateTime::now_utc() };
        keep_letter(coordination, keys, &Letter { outcome, ..letter }).await;
    }
}

/// Something that is done again and again until it succeeds, or cannot succeed.
#[derive(Default)]
struct Attempts {
    failed: u32,
}

impl Attempts {
    /// Returns whether there is to be another attempt, and it is time for it.
    async fn go_on(&mut self, result: Result<(), CoordinationError>) -> bool {
        match result {
            Ok(()) => false,
            Err(error) if error.is_retryable() || error.is_conflict() => {
                let delay = Duration::from_millis(50) * 2_u32.saturating_pow(self.failed.min(6));
                self.failed = self.failed.saturating_add(1);
                tokio::time::sleep(delay).await;
                true
            }
            Err(error) => {
                tracing::error!(%error, "what became of a parked actor could not be written down");
                false
            }
        }
    }
}
