//! Faults with commits over several actors, and with an actor's commits.

use std::sync::Arc;

use aether_conformance::store::Capability;
use aether_core::{
    ActorId, Commit, CommitMarks, Expected, Head, MAX_ACTORS, RecordedEvent, SaveError, Saved, Unsupported,
};

use crate::draft::Draft;
use crate::mutant::Mutant;
use crate::plain::Plain;

/// Saves a commit over several actors as something else.
fn several(
    plain: &Plain,
    commit: &Commit<'_>,
    save: impl FnOnce(Draft) -> Result<Saved, SaveError>,
) -> Result<Saved, SaveError> {
    let draft = Draft::of(commit);
    if draft.terms.len() < 2 || draft.is_note() { plain.save(commit) } else { save(draft) }
}

fn marked(mut event: RecordedEvent, marks: Option<Arc<CommitMarks>>) -> RecordedEvent {
    event.marks = marks;
    event
}

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("actors::are_stored_one_by_one", "stores the actors in reverse order", |store| {
        store.on_save(|plain, commit| {
            several(plain, commit, |draft| {
                let events = draft.by_actor().into_iter().rev().flat_map(|draft| draft.events).collect();
                plain.save(&Draft { events, ..draft }.commit())
            })
        })
    }),
    Mutant::new("actors::are_all_there", "drops the last actor", |store| {
        store.on_save(|plain, commit| {
            several(plain, commit, |mut draft| {
                let last = draft.terms.pop().map(|terms| terms.actor);
                draft.events.retain(|event| Some(event.actor()) != last.as_ref());
                plain.save(&draft.commit())
            })
        })
    }),
    Mutant::new("actors::are_marked", "does not mark what it reads backward", |store| {
        store.on_backward(|plain, actor, from| {
            plain
                .events_backward(actor, from)
                .map(|events| events.into_iter().map(|e| marked(e, None)).collect())
        })
    }),
    Mutant::new("actors::alone_are_not_marked", "marks every commit", |store| {
        store.on_each_event(|event| {
            let marks = CommitMarks::new(event.id(), 0, vec![event.actor().clone()]);
            marked(event, Some(Arc::new(marks)))
        })
    }),
    Mutant::new("actors::in_conflict_save_nothing", "saves the actors one after the other", |store| {
        store.on_save(|plain, commit| {
            several(plain, commit, |draft| {
                let saved: Result<Vec<Saved>, _> =
                    draft.by_actor().iter().map(|draft| plain.save(&draft.commit())).collect();
                Ok(saved?.remove(0))
            })
        })
    }),
    Mutant::new(
        "actors::have_expectations_of_their_own",
        "heeds the first actor's expectation only",
        |store| {
            store.on_save(|plain, commit| {
                several(plain, commit, |mut draft| {
                    for terms in draft.terms.iter_mut().skip(1) {
                        terms.expected = Expected::Ascending;
                    }
                    plain.save(&draft.commit())
                })
            })
        },
    ),
    Mutant::new("actors::may_take_part_without_events", "forgets actors without events", |store| {
        store.on_save(|plain, commit| {
            several(plain, commit, |mut draft| {
                let events = draft.events.clone();
                draft.terms.retain(|terms| events.iter().any(|event| *event.actor() == terms.actor));
                plain.save(&draft.commit())
            })
        })
    }),
    Mutant::new("actors::get_their_heads_back", "says the first actor's head for all", |store| {
        store.on_save(|plain, commit| {
            let saved = plain.save(commit)?;
            let heads: Vec<(ActorId, Head)> =
                Draft::of(commit).terms.into_iter().map(|terms| (terms.actor, saved.head)).collect();
            Ok(if heads.len() < 2 { saved } else { Saved::of_actors(heads, saved.position).unwrap() })
        })
    }),
    Mutant::new("actors::are_a_hundred_at_most", "takes half as many", |store| {
        store.on_save(|plain, commit| match commit.parts() {
            Ok(parts) if parts.len() > MAX_ACTORS / 2 => {
                Err(SaveError::TooLarge { size: parts.len(), limit: MAX_ACTORS / 2 })
            }
            _ => plain.save(commit),
        })
    }),
    Mutant::new(
        "actors::unsupported_are_refused_as_such",
        "saves the first actor, then says that it cannot save several",
        |store| {
            store.on_save(|plain, commit| {
                several(plain, commit, |draft| {
                    plain.save(&draft.by_actor()[0].commit())?;
                    Err(Unsupported::new("a commit over several actors", "another store").into())
                })
            })
        },
    )
    .declining(&[Capability::SeveralActors]),
    Mutant::new("commits::are_read_as_they_were_saved", "leaves out commits without events", |store| {
        store.on_commits(|plain, actor, after| {
            plain.commits(actor, after).map(|mut commits| {
                commits.retain(|commit| !commit.events.is_empty());
                commits
            })
        })
    }),
    Mutant::new("commits::are_read_after_a_head", "reads the commit of the head once more", |store| {
        store.on_commits(|plain, actor, after| {
            let from = Head::new(after.sequence().saturating_sub(1), after.version());
            plain.commits(actor, from)
        })
    }),
    Mutant::new("commits::end_with_the_head", "has the last commit with events for the head", |store| {
        store.on_head(|plain, actor| {
            let commits = plain.commits(actor, Head::NONE).items;
            let last = commits.iter().rev().find(|commit| !commit.events.is_empty());
            last.map_or(Head::NONE, |commit| commit.head)
        })
    }),
];
