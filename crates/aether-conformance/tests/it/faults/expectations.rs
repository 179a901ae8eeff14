//! Faults in what a save expects.

use aether_core::{Commit, Expected, Head, Position, SaveError, Saved, Version};

use crate::draft::{Draft, conflict};
use crate::mutant::Mutant;
use crate::plain::Plain;

/// Saves the commit with other expectations than it has.
fn expecting(
    plain: &Plain,
    commit: &Commit<'_>,
    other: impl Fn(Expected, Head) -> Expected,
) -> Result<Saved, SaveError> {
    let mut draft = Draft::of(commit);
    if draft.is_note() {
        return plain.save(commit);
    }
    for terms in &mut draft.terms {
        terms.expected = other(terms.expected, plain.head(&terms.actor));
    }
    plain.save(&draft.commit())
}

/// Refuses the commits that `refuses` picks.
fn refusing(
    plain: &Plain,
    commit: &Commit<'_>,
    refuses: impl Fn(Expected, Head) -> bool,
) -> Result<Saved, SaveError> {
    let draft = Draft::of(commit);
    if draft.terms.iter().any(|terms| refuses(terms.expected, plain.head(&terms.actor))) {
        return Err(conflict(plain, commit));
    }
    plain.save(commit)
}

/// Whether the last commit of the first actor has no events.
fn ends_with_a_note(plain: &Plain, commit: &Commit<'_>) -> bool {
    let draft = Draft::of(commit);
    let commits = plain.commits(&draft.terms[0].actor, Head::NONE).items;
    commits.last().is_some_and(|commit| commit.events.is_empty())
}

const NEVER: Expected = Expected::Exact(Version::MAX);

pub(super) const ALL: &[Mutant] = &[
    Mutant::new(
        "expectations::ascending_saves_over_what_it_has_not_seen",
        "takes the plain rule for Exact of the version before",
        |store| {
            store.on_save(|plain, commit| {
                let first = commit.parts()?[0].attempted().get();
                expecting(plain, commit, |expected, _| match expected {
                    Expected::Ascending => Expected::Exact(Version::new(first - 1)),
                    other => other,
                })
            })
        },
    ),
    Mutant::new("expectations::exact_saves_at_its_version", "wants the next version after Exact", |store| {
        store.on_save(|plain, commit| {
            let first = commit.parts()?[0].attempted().get();
            refusing(
                plain,
                commit,
                |expected, _| matches!(expected, Expected::Exact(v) if v.get() + 1 != first),
            )
        })
    }),
    Mutant::new("expectations::exact_refuses_any_other_version", "ignores Exact", |store| {
        store.on_save(|plain, commit| {
            expecting(plain, commit, |expected, _| match expected {
                Expected::Exact(_) => Expected::Ascending,
                other => other,
            })
        })
    }),
    Mutant::new("expectations::no_events_saves_the_first", "never finds that there are no events", |store| {
        store.on_save(|plain, commit| {
            expecting(
                plain,
                commit,
                |expected, _| if expected == Expected::NoEvents { NEVER } else { expected },
            )
        })
    }),
    Mutant::new("expectations::no_events_refuses_a_second", "ignores NoEvents", |store| {
        store.on_save(|plain, commit| {
            expecting(plain, commit, |expected, _| match expected {
                Expected::NoEvents => Expected::Ascending,
                other => other,
            })
        })
    }),
    Mutant::new("expectations::at_saves_on_its_head", "knows no head of an actor without commits", |store| {
        store.on_save(|plain, commit| {
            refusing(plain, commit, |expected, _| expected == Expected::At(Head::NONE))
        })
    }),
    Mutant::new("expectations::at_refuses_any_other_head", "ignores At", |store| {
        store.on_save(|plain, commit| {
            expecting(plain, commit, |expected, head| match expected {
                Expected::At(_) => Expected::At(head),
                other => other,
            })
        })
    }),
    Mutant::new(
        "expectations::at_sees_commits_without_events",
        "takes At for Exact of its version",
        |store| {
            store.on_save(|plain, commit| {
                expecting(plain, commit, |expected, _| match expected {
                    Expected::At(head) => Expected::Exact(head.version()),
                    other => other,
                })
            })
        },
    ),
    Mutant::new(
        "expectations::exact_saves_over_a_commit_without_events",
        "takes a commit without events for another version",
        |store| {
            store.on_save(|plain, commit| {
                let noted = ends_with_a_note(plain, commit);
                refusing(plain, commit, |expected, _| noted && matches!(expected, Expected::Exact(_)))
            })
        },
    ),
    Mutant::new(
        "expectations::no_events_saves_over_a_commit_without_events",
        "takes a commit without events for an event",
        |store| {
            store.on_save(|plain, commit| {
                refusing(plain, commit, |expected, head| expected == Expected::NoEvents && head != Head::NONE)
            })
        },
    ),
    Mutant::new(
        "expectations::the_plain_rule_always_holds",
        "forgets the plain rule over At and Exact",
        |store| {
            store.on_save(|plain, commit| {
                let parts = commit.parts()?;
                let head = plain.head(parts[0].actor());
                let met = match parts[0].expected() {
                    Expected::Exact(version) => version == head.version(),
                    Expected::At(at) => at == head,
                    _ => false,
                };
                match plain.save(commit) {
                    Err(SaveError::VersionConflict(_)) if met => Ok(Saved::new(head, Position::new(1, 0))),
                    answer => answer,
                }
            })
        },
    ),
];
