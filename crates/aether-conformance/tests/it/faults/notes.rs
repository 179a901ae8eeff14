//! Faults with notes.

use aether_core::{Commit, Head, Position, RecordedCommit, Saved};
use bytes::Bytes;

use crate::draft::{Draft, conflict};
use crate::faulty::Faulty;
use crate::mutant::Mutant;
use crate::plain::Plain;

/// Changes each commit on its way out.
fn each_commit(store: Faulty, change: fn(RecordedCommit) -> RecordedCommit) -> Faulty {
    store.on_commits(move |plain, actor, after| {
        plain.commits(actor, after).map(|commits| commits.into_iter().map(change).collect())
    })
}

fn is_note(commit: &Commit<'_>) -> bool {
    Draft::of(commit).is_note() && commit.parts().is_ok()
}

/// The actor and head of a commit without events.
fn head(plain: &Plain, commit: &Commit<'_>) -> Head {
    plain.head(&Draft::of(commit).terms[0].actor)
}

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("notes::come_back_unchanged", "takes notes for UTF-8", |store| {
        each_commit(store, |mut commit| {
            commit.note = commit.note.map(|note| String::from_utf8_lossy(&note).into_owned().into());
            commit
        })
    }),
    Mutant::new("notes::empty_is_not_absent", "takes an empty note for none", |store| {
        each_commit(store, |mut commit| {
            commit.note = commit.note.filter(|note: &Bytes| !note.is_empty());
            commit
        })
    }),
    Mutant::new("notes::are_invisible_to_readers_of_events", "counts notes against the limit", |store| {
        store.on_all(|plain, from, limit| {
            let notes = plain
                .everybody()
                .into_iter()
                .flat_map(|actor| plain.commits(&actor, Head::NONE).items)
                .filter(|commit| commit.events.is_empty());
            plain.all(from, limit.saturating_sub(notes.count()))
        })
    }),
    Mutant::new("notes::alone_move_the_head_and_not_the_version", "drops commits without events", |store| {
        store.on_save(|plain, commit| {
            if is_note(commit) {
                return Ok(Saved::new(head(plain, commit), Position::new(u64::MAX, 0)));
            }
            plain.save(commit)
        })
    }),
    Mutant::new("notes::can_be_an_actors_first", "notes only what it knows", |store| {
        store.on_save(|plain, commit| {
            if is_note(commit) && head(plain, commit) == Head::NONE {
                return Err(conflict(plain, commit));
            }
            plain.save(commit)
        })
    }),
    Mutant::new(
        "notes::of_several_actors_stay_with_theirs",
        "gives the first actor's note to all",
        |store| {
            store.on_save(|plain, commit| {
                let mut draft = Draft::of(commit);
                if draft.is_note() {
                    return plain.save(commit);
                }
                let note = draft.terms[0].note.clone();
                draft.terms.iter_mut().for_each(|terms| terms.note = note.clone());
                plain.save(&draft.commit())
            })
        },
    ),
];
