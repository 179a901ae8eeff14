//! Saving a plan; or, if it saves nothing, proving that what it was decided on is still so.

use std::sync::Arc;

use aether_core::{ActorId, Commit, Event, Expected, Head, SaveError};
use tokio::time::Instant;

use super::backoff::Backoff;
use super::shared::Shared;
use crate::command_id::CommandId;
use crate::error::ActorError;
use crate::outcome::{Outcome, write_note};

/// The result of saving or proving a plan.
#[derive(Debug)]
pub(crate) enum SaveResult {
    /// It stands; the actor is at this head.
    Stands(Head),
    /// Somebody else has committed since. Nothing was saved.
    Conflict,
    /// It is not known to stand.
    Failed(ActorError),
}

/// Saves what was decided at `before`. While the outcome is unknown it is saved again, also after its callers have gone: the
/// next command must not be decided before it is known. `retried` is called for each further attempt.
pub(crate) async fn commit(
    shared: &Shared,
    actor: &ActorId,
    before: Head,
    events: &[Event],
    outcomes: &[(CommandId, Outcome)],
    awaited_until: Instant,
    retried: impl Fn(),
) -> SaveResult {
    let note = write_note(outcomes);
    let commit = if events.is_empty() {
        Commit::note_only(actor, before, &note)
    } else {
        Commit::events(events).expecting(Expected::At(before)).with_note(&note)
    };
    let mut backoff = Backoff::default();
    let mut unknown = false;
    loop {
        match shared.store.save(&commit).await {
            Ok(saved) => return SaveResult::Stands(saved.head),
            Err(error) if error.is_version_conflict() => return SaveResult::Conflict,
            Err(error) => {
                unknown |= matches!(error, SaveError::UnknownOutcome(_));
                let again = match &error {
                    SaveError::UnknownOutcome(_) => true,
                    // Given up in time, so that the callers are told what is certain: that nothing was saved.
                    SaveError::Unavailable(_) => unknown || backoff.fits_before(awaited_until),
                    _ => false,
                };
                if !again || shared.is_given_up() {
                    return SaveResult::Failed(failure(error, unknown));
                }
                tracing::debug!(%actor, %error, "saving again what may stand");
                retried();
            }
        }
        backoff.wait().await;
    }
}

/// Proves that `before` is still the actor's head, for answers that save nothing.
pub(crate) async fn proof(
    shared: &Shared,
    actor: &ActorId,
    before: Head,
    awaited_until: Instant,
) -> SaveResult {
    let mut backoff = Backoff::default();
    loop {
        match shared.store.confirm(actor, before).await {
            Ok(true) => return SaveResult::Stands(before),
            Ok(false) => return SaveResult::Conflict,
            Err(error) if error.is_version_conflict() => return SaveResult::Conflict,
            Err(error) => {
                if !error.is_retryable() || !backoff.fits_before(awaited_until) || shared.is_given_up() {
                    // A proof saves nothing, whatever became of it.
                    return SaveResult::Failed(failure(error, false));
                }
            }
        }
        backoff.wait().await;
    }
}

fn failure(error: SaveError, unknown: bool) -> ActorError {
    let error = match error {
        SaveError::UnknownOutcome(source) if !unknown => SaveError::Unavailable(source),
        // An earlier attempt may stand, whatever the last one said.
        SaveError::UnknownOutcome(_) => error,
        other if unknown => SaveError::UnknownOutcome(Box::new(other)),
        other => other,
    };
    ActorError::Save(Arc::new(error))
}
