//! Loading: the snapshot, then the commits after it.

use std::sync::Arc;

use aether_core::{ActorId, Head, ReadError, Version};
use futures_util::TryStreamExt;
use time::OffsetDateTime;

use super::executed_commands::WINDOW;
use super::loaded::{self, Loaded, evolve, outcomes_of};
use super::shared::Store;
use crate::actor::Actor;
use crate::command_id::CommandId;
use crate::error::LoadError;
use crate::options::{ActorOptions, SnapshotPolicy};
use crate::outcome::Outcome;

/// Loads an actor.
pub(crate) async fn load<A: Actor>(
    store: &Arc<dyn Store>,
    actor: &ActorId,
    options: &ActorOptions,
) -> Result<Loaded<A>, LoadError> {
    let mut loaded = from_snapshot(store, actor, options).await?.unwrap_or_default();
    catch_up(store, actor, options, &mut loaded).await?;
    Ok(loaded)
}

async fn from_snapshot<A: Actor>(
    store: &Arc<dyn Store>,
    actor: &ActorId,
    options: &ActorOptions,
) -> Result<Option<Loaded<A>>, LoadError> {
    if options.snapshots == SnapshotPolicy::NEVER {
        return Ok(None);
    }
    let snapshot = store.load_snapshot(actor).await?;
    Ok(snapshot.and_then(|snapshot| {
        let restored = loaded::from_snapshot(&snapshot);
        if restored.is_none() {
            tracing::debug!(%actor, version = %snapshot.version, "the snapshot is of an older form, and is ignored");
        }
        restored
    }))
}

/// Reads the commits after what is loaded. Whether there were any. After an error the value must not be used any more.
pub(crate) async fn catch_up<A: Actor>(
    store: &Arc<dyn Store>,
    actor: &ActorId,
    options: &ActorOptions,
    loaded: &mut Loaded<A>,
) -> Result<bool, LoadError> {
    let before = loaded.head;
    let mut commits = store.get_commits(actor, loaded.head);
    while let Some(commit) = commits.try_next().await? {
        loaded.apply(&commit, options.unknown_events, options.remember)?;
    }
    Ok(loaded.head != before)
}

/// The outcomes of the commands in the commits after `since`, up to and with `until`; `None` if there are too many, or if
/// they are not all there any more.
pub(crate) async fn outcomes_between(
    store: &Arc<dyn Store>,
    actor: &ActorId,
    since: u64,
    until: u64,
) -> Result<Option<Vec<(u64, CommandId, Outcome)>>, LoadError> {
    let mut commits = store.get_commits(actor, Head::new(since, Version::ZERO));
    let mut found = Vec::new();
    let mut seen = 0;
    loop {
        let commit = match commits.try_next().await {
            Ok(Some(commit)) => commit,
            Ok(None) => break,
            Err(ReadError::HistoryIncomplete(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if commit.head.sequence() > until {
            break;
        }
        seen += 1;
        if seen > WINDOW {
            return Ok(None);
        }
        if let Some(note) = &commit.note {
            let outcomes = outcomes_of(note, commit.head.version())?;
            found.extend(outcomes.into_iter().map(|(id, outcome)| (commit.head.sequence(), id, outcome)));
        }
    }
    Ok(Some(found))
}

/// Up to where a history is replayed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Until {
    Version(Version),
    Time(OffsetDateTime),
}

/// The state as it was, and its version.
pub(crate) async fn state_as_of<A: Actor>(
    store: &Arc<dyn Store>,
    actor: &ActorId,
    options: &ActorOptions,
    until: Until,
) -> Result<(A, Version), LoadError> {
    let snapshot = store.load_snapshot(actor).await?;
    let snapshot = snapshot.filter(|snapshot| match until {
        Until::Version(version) => snapshot.version <= version,
        // When the events in a snapshot were recorded is not known.
        Until::Time(_) => false,
    });
    let loaded = snapshot.as_ref().and_then(loaded::from_snapshot::<A>).unwrap_or_default();
    let (mut state, mut version) = (loaded.state, loaded.head.version());
    let mut events = store.get_events(actor, version.next());
    while let Some(event) = events.try_next().await? {
        let within = match until {
            Until::Version(version) => event.version() <= version,
            Until::Time(time) => event.recorded_at <= time,
        };
        if !within {
            break;
        }
        evolve(&mut state, &event, options.unknown_events)?;
        version = event.version();
    }
    Ok((state, version))
}
