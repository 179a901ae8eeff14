//! Faults with commits that are saved again.

use std::collections::HashSet;
use std::sync::Mutex;

use aether_core::{Commit, Expected, Head, Position, SaveError, Saved, Stored};
use uuid::Uuid;

use crate::draft::{Draft, conflict, is_stored, stored};
use crate::faulty::Faulty;
use crate::mutant::Mutant;
use crate::plain::Plain;

/// Does not recognise stored commits of some kind, and tells of a conflict.
fn blind(store: Faulty, to: impl Fn(&Plain, &Commit<'_>, &Draft) -> bool + Send + Sync + 'static) -> Faulty {
    store.on_save(move |plain, commit| {
        if is_stored(plain, commit) && to(plain, commit, &Draft::of(commit)) {
            return Err(conflict(plain, commit));
        }
        plain.save(commit)
    })
}

/// How many commits of the first actor are on top of the commit.
fn on_top(plain: &Plain, commit: &Commit<'_>) -> usize {
    let actor = &Draft::of(commit).terms[0].actor;
    match stored(plain, commit)[0].1 {
        Stored::All(at) => plain.commits(actor, at.head).items.len(),
        _ => 0,
    }
}

/// Remembers the ids of its own events, and knows nobody else's.
fn knowing_its_own(store: Faulty) -> Faulty {
    let own: Mutex<HashSet<Uuid>> = Mutex::default();
    store.on_save(move |plain, commit| {
        let mut own = own.lock().unwrap();
        if is_stored(plain, commit) && !own.contains(&commit.id()) {
            return Err(conflict(plain, commit));
        }
        own.insert(commit.id());
        plain.save(commit)
    })
}

/// On a conflict, saves what is not stored of a commit.
fn saving_the_rest(
    plain: &Plain,
    commit: &Commit<'_>,
    applies: impl Fn(&Draft) -> bool,
) -> Result<Saved, SaveError> {
    let answer = plain.save(commit);
    let mut draft = Draft::of(commit);
    let partly = || stored(plain, commit).iter().any(|(_, stored)| !matches!(stored, Stored::None));
    if answer.is_ok() || !applies(&draft) || !partly() {
        return answer;
    }
    let all = plain.all(aether_core::ReadFrom::Start, usize::MAX).items;
    draft.events.retain(|event| all.iter().all(|stored| stored.id() != event.id()));
    plain.save(&draft.commit())
}

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("resend::is_the_same_success", "tells whoever saves again of a conflict", |store| {
        blind(store, |_, _, _| true)
    }),
    Mutant::new("resend::is_found_below_others", "looks at the last commit only", |store| {
        blind(store, |plain, commit, _| on_top(plain, commit) > 0)
    }),
    Mutant::new(
        "resend::is_found_through_another_handle",
        "knows only what it saved itself",
        knowing_its_own,
    ),
    Mutant::new("resend::needs_no_expectation_any_more", "looks at the expectation first", |store| {
        blind(store, |_, _, draft| draft.terms[0].expected != Expected::Ascending)
    }),
    Mutant::new("resend::works_without_events", "does not look for commits without events", |store| {
        blind(store, |_, _, draft| draft.is_note())
    }),
    Mutant::new(
        "resend::works_for_several_actors",
        "does not look for commits over several actors",
        |store| blind(store, |_, _, draft| draft.terms.len() > 1),
    ),
    Mutant::new("resend::of_a_part_is_a_conflict", "saves the rest of an overlapping commit", |store| {
        store.on_save(|plain, commit| saving_the_rest(plain, commit, |draft| draft.terms.len() == 1))
    }),
    Mutant::new(
        "resend::of_a_part_of_the_actors_is_a_conflict",
        "saves the actors that are missing",
        |store| store.on_save(|plain, commit| saving_the_rest(plain, commit, |draft| draft.terms.len() > 1)),
    ),
    Mutant::new(
        "resend::of_other_events_is_a_conflict",
        "takes equal versions for the same events",
        |store| {
            store.on_save(|plain, commit| {
                let draft = Draft::of(commit);
                let there = |event: &aether_core::Event| {
                    let events = plain.events(event.actor(), event.version()).items;
                    events.first().is_some_and(|stored| stored.version() == event.version())
                };
                if !draft.is_note() && draft.events.iter().all(there) {
                    let actor = &draft.terms[0].actor;
                    return Ok(Saved::new(plain.head(actor), Position::new(1, 0)));
                }
                plain.save(commit)
            })
        },
    ),
    Mutant::new("resend::is_found_under_a_thousand_commits", "looks through 100 commits", |store| {
        // Told by the versions, since a real look through a thousand commits is slow here.
        store.on_save(|plain, commit| {
            let parts = commit.parts()?;
            let far =
                plain.head(parts[0].actor()).version().get().saturating_sub(parts[0].attempted().get()) > 100;
            if far { Err(conflict(plain, commit)) } else { plain.save(commit) }
        })
    }),
    Mutant::new(
        "concurrency::the_same_commit_from_many_is_saved_once",
        "tells all but the first of a conflict",
        |store| blind(store, |plain, commit, _| plain.head(&Draft::of(commit).terms[0].actor) != Head::NONE),
    ),
];
