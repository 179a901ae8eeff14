//! Faults that show when saves overlap or are cut off.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aether_core::{Commit, Position, SaveError, Saved};
use futures_util::future::BoxFuture;
use time::OffsetDateTime;

use crate::draft::{Draft, conflict};
use crate::faulty::Faulty;
use crate::mutant::Mutant;
use crate::plain::Plain;

/// Long enough that racing saves overlap, whatever else the machine does.
const OVERLAP: Duration = Duration::from_millis(5);

type Saving<'a> = BoxFuture<'a, Result<Saved, SaveError>>;

/// Checks, takes its time, and no longer looks whether what it checked still holds.
fn checking_too_early<'a>(plain: &'a Plain, commit: &'a Commit<'_>) -> Saving<'a> {
    Box::pin(async move {
        let parts = commit.parts()?;
        let head = plain.head(parts[0].actor());
        let checked = parts[0].check(head);
        tokio::time::sleep(OVERLAP).await;
        match plain.save(commit) {
            Err(SaveError::VersionConflict(_)) if checked.is_ok() => {
                Ok(Saved::new(aether_core::Head::new(1, parts[0].version_after(head)), Position::new(1, 0)))
            }
            answer => answer,
        }
    })
}

/// Takes its time, and tells whoever came too late that all is well.
fn comforting_losers<'a>(plain: &'a Plain, commit: &'a Commit<'_>) -> Saving<'a> {
    Box::pin(async move {
        tokio::time::sleep(OVERLAP).await;
        match plain.save(commit) {
            Err(SaveError::VersionConflict(conflict)) => {
                Ok(Saved::new(plain.head(&conflict.actor), Position::new(1, 0)))
            }
            answer => answer,
        }
    })
}

/// Refuses a save if anything at all was saved while it took its time.
fn locking_everything<'a>(plain: &'a Plain, commit: &'a Commit<'_>) -> Saving<'a> {
    Box::pin(async move {
        let before = plain.everybody().len();
        tokio::time::sleep(OVERLAP).await;
        if plain.everybody().len() > before { Err(conflict(plain, commit)) } else { plain.save(commit) }
    })
}

/// Saves the parts of a commit one after the other, with time between.
fn one_after_the_other<'a>(plain: &'a Plain, commit: &'a Commit<'_>) -> Saving<'a> {
    Box::pin(async move {
        let drafts = Draft::of(commit).by_actor();
        let mut saved = None;
        for draft in &drafts {
            if saved.is_some() {
                tokio::time::sleep(OVERLAP).await;
            }
            let answer = plain.save(&draft.commit())?;
            saved.get_or_insert(answer);
        }
        saved.map_or_else(|| plain.save(commit), Ok)
    })
}

/// Saves the events of a commit one after the other; whoever cuts it off has some of them.
fn event_by_event<'a>(plain: &'a Plain, commit: &'a Commit<'_>) -> Saving<'a> {
    Box::pin(async move {
        let events = Draft::of(commit).events;
        let mut saved = plain.save(&Commit::event(&events[0]))?;
        for event in &events[1..] {
            tokio::task::yield_now().await;
            saved = plain.save(&Commit::event(event))?;
        }
        Ok(saved)
    })
}

/// Never gives back a lock that a dropped save has taken.
fn keeping_its_lock(store: Faulty) -> Faulty {
    let locked = Arc::new(AtomicBool::new(false));
    store.on_slow_save(move |plain, commit| {
        let locked = locked.clone();
        Box::pin(async move {
            if locked.swap(true, Ordering::SeqCst) {
                return Err(SaveError::Unavailable("the lock is taken".into()));
            }
            tokio::task::yield_now().await;
            let answer = plain.save(commit);
            locked.store(false, Ordering::SeqCst);
            answer
        })
    })
}

/// Shows the last event before the one before it to those who read all events page by page.
fn showing_the_last_first(store: Faulty) -> Faulty {
    store.on_all(|plain, from, limit| {
        plain.all(from, limit).map(|mut events| {
            if limit == usize::MAX {
                return events;
            }
            let settled = OffsetDateTime::now_utc() - Duration::from_millis(200);
            if events.len() > 1 && events[events.len() - 1].recorded_at > settled {
                events.remove(events.len() - 2);
            }
            events
        })
    })
}

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("concurrency::one_version_has_one_winner", "checks and then saves, not at once", |store| {
        store.on_slow_save(checking_too_early)
    }),
    Mutant::new("concurrency::writers_on_one_actor_lose_nothing", "tells losers that all is well", |store| {
        store.on_slow_save(comforting_losers)
    }),
    Mutant::new(
        "concurrency::writers_on_many_actors_do_not_conflict",
        "has one lock for all actors",
        |store| store.on_slow_save(locking_everything),
    ),
    Mutant::new(
        "concurrency::several_actors_race_single_saves",
        "saves the actors one after the other",
        |store| store.on_slow_save(one_after_the_other),
    ),
    Mutant::new(
        "concurrency::readers_of_all_miss_nothing",
        "shows the last event before the one before it",
        showing_the_last_first,
    ),
    Mutant::new("cancellation::leaves_the_whole_or_nothing", "saves event by event", |store| {
        store.on_slow_save(event_by_event)
    }),
    Mutant::new("cancellation::leaves_all_actors_or_none", "saves actor by actor", |store| {
        store.on_slow_save(one_after_the_other)
    }),
    Mutant::new(
        "cancellation::leaves_the_store_usable",
        "keeps the lock of a dropped save",
        keeping_its_lock,
    ),
];
