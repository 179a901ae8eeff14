//! Faults in the rule of versions.

use aether_core::{Commit, Head, Position, SaveError, Saved, Version, VersionConflict};

use crate::draft::{Draft, conflict, remade};
use crate::mutant::Mutant;
use crate::plain::Plain;

/// Says that a conflict was a success, if it is one that `lies` picks.
fn lying(
    plain: &Plain,
    commit: &Commit<'_>,
    lies: impl Fn(&VersionConflict) -> bool,
) -> Result<Saved, SaveError> {
    match plain.save(commit) {
        Err(SaveError::VersionConflict(conflict)) if lies(&conflict) => {
            Ok(Saved::new(plain.head(&conflict.actor), Position::new(1, 0)))
        }
        answer => answer,
    }
}

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("versions::first_is_above_zero", "counts versions from 0", |store| {
        store.on_head(|plain, actor| {
            let head = plain.head(actor);
            Head::new(head.sequence(), Version::new(head.version().get().saturating_sub(1)))
        })
    }),
    Mutant::new("versions::equal_is_refused", "takes the same version again and drops it", |store| {
        store.on_save(|plain, commit| lying(plain, commit, |conflict| conflict.attempted == conflict.current))
    }),
    Mutant::new("versions::lower_is_refused", "takes lower versions and drops them", |store| {
        store.on_save(|plain, commit| lying(plain, commit, |conflict| conflict.attempted < conflict.current))
    }),
    Mutant::new("versions::gaps_are_allowed", "wants versions without gaps", |store| {
        store.on_save(|plain, commit| {
            let parts = commit.parts()?;
            let dense =
                parts.iter().all(|part| part.attempted() == plain.head(part.actor()).version().next());
            if dense { plain.save(commit) } else { Err(conflict(plain, commit)) }
        })
    }),
    Mutant::new("versions::each_actor_has_its_own", "has one sequence of versions for all actors", |store| {
        store.on_save(|plain, commit| {
            let highest = plain.everybody().iter().map(|actor| plain.head(actor).version()).max();
            let first = commit.parts()?[0].attempted();
            if highest.is_some_and(|highest| first <= highest) {
                return Err(conflict(plain, commit));
            }
            plain.save(commit)
        })
    }),
    Mutant::new("versions::go_up_to_the_highest", "keeps 32 bits of a version", |store| {
        store.on_each_event(|event| {
            remade(event, |fields| fields.version = Version::new((fields.version.get() & 0xffff_ffff).max(1)))
        })
    }),
    Mutant::new("versions::conflicts_name_all_three", "mixes up current and attempted", |store| {
        store.on_save(|plain, commit| match plain.save(commit) {
            Err(SaveError::VersionConflict(conflict)) => {
                let VersionConflict { actor, current, attempted, .. } = conflict;
                Err(VersionConflict::new(actor, attempted, current).into())
            }
            answer => answer,
        })
    }),
    Mutant::new("versions::what_is_refused_leaves_nothing", "leaves a note of what it refused", |store| {
        store.on_save(|plain, commit| {
            let answer = plain.save(commit);
            if let Err(SaveError::VersionConflict(conflict)) = &answer {
                let head = plain.head(&conflict.actor);
                plain.save(&Commit::note_only(&conflict.actor, head, b"refused"))?;
            }
            answer
        })
    }),
    Mutant::new("model::random_operations", "forgets the note of every commit of two events", |store| {
        store.on_save(|plain, commit| {
            let mut draft = Draft::of(commit);
            if draft.events.len() != 2 {
                return plain.save(commit);
            }
            draft.terms.iter_mut().for_each(|terms| terms.note = None);
            plain.save(&draft.commit())
        })
    }),
    Mutant::new(
        "model::random_operations_over_several_actors",
        "stores the actors of a commit in reverse order",
        |store| {
            store.on_save(|plain, commit| {
                let draft = Draft::of(commit);
                if draft.is_note() || draft.terms.len() == 1 {
                    return plain.save(commit);
                }
                let events = draft.by_actor().into_iter().rev().flat_map(|draft| draft.events).collect();
                plain.save(&Draft { events, ..draft }.commit())
            })
        },
    ),
];
