//! Faults with commits of several events.

use aether_core::{Commit, Position, Rule, SaveError, Saved};

use crate::draft::{Draft, broken_rule};
use crate::faulty::Faulty;
use crate::mutant::Mutant;
use crate::plain::Plain;

/// Saves some of the events of a commit, and speaks of all.
fn keeping(
    plain: &Plain,
    commit: &Commit<'_>,
    keep: impl Fn(usize, &aether_core::Event) -> bool,
) -> Result<Saved, SaveError> {
    let mut draft = Draft::of(commit);
    if draft.is_note() {
        return plain.save(commit);
    }
    let mut index = 0;
    draft.events.retain(|event| {
        index += 1;
        keep(index - 1, event)
    });
    plain.save(&draft.commit())
}

/// Reports a success where a rule is broken that is known beforehand.
fn accepting(store: Faulty, accepts: fn(&Rule) -> bool) -> Faulty {
    store.on_save(move |plain, commit| {
        let answer = plain.save(commit);
        match broken_rule(&answer) {
            Some(rule) if accepts(rule) => Ok(Saved::new(aether_core::Head::NONE, Position::new(1, 0))),
            _ => answer,
        }
    })
}

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("atomicity::several_events_are_one_commit", "saves events one by one", |store| {
        store.on_save(|plain, commit| {
            let draft = Draft::of(commit);
            if draft.events.len() < 2 {
                return plain.save(commit);
            }
            let saved: Result<Vec<Saved>, _> =
                draft.events.iter().map(|event| plain.save(&Commit::event(event))).collect();
            Ok(saved?.remove(draft.events.len() - 1))
        })
    }),
    Mutant::new("atomicity::follow_each_other", "reads all events actor by actor", |store| {
        store.on_all(|plain, from, limit| {
            plain.all(from, limit).map(|mut events| {
                events.sort_by(|a, b| a.actor().cmp(b.actor()));
                events
            })
        })
    }),
    Mutant::new("atomicity::many_events_fit_in_one", "keeps 100 events of a commit", |store| {
        store.on_save(|plain, commit| keeping(plain, commit, |index, _| index < 100))
    }),
    Mutant::new("atomicity::invalid_last_event_saves_nothing", "drops events that do not ascend", |store| {
        accepting(store, |rule| *rule == Rule::VersionsNotAscending)
    }),
    Mutant::new("atomicity::duplicate_ids_are_invalid", "drops events of one id", |store| {
        accepting(store, |rule| *rule == Rule::DuplicateId)
    }),
    Mutant::new("atomicity::nothing_is_no_commit", "saves nothing with success", |store| {
        accepting(store, |rule| *rule == Rule::EmptyCommit)
    }),
    Mutant::new("atomicity::without_events_a_head_is_needed", "drops notes that have no head", |store| {
        accepting(store, |rule| *rule == Rule::NoEventsWithoutHead)
    }),
    Mutant::new(
        "atomicity::partly_late_events_save_nothing",
        "saves those events that are not late",
        |store| {
            store.on_save(|plain, commit| {
                let answer = plain.save(commit);
                if matches!(answer, Err(SaveError::VersionConflict(_))) {
                    let _ = keeping(plain, commit, |_, event| {
                        event.version() > plain.head(event.actor()).version()
                    });
                }
                answer
            })
        },
    ),
];
