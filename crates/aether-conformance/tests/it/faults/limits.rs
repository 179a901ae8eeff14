//! Faults of a store that is full or forgets with age.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aether_core::{ActorId, Head, ReadError, ReadFrom, SaveError, Version};

use crate::faulty::Faulty;
use crate::mutant::Mutant;

/// Remembers where actors were, though their events have expired.
fn remembering(store: Faulty) -> Faulty {
    let known: Arc<Mutex<HashMap<ActorId, Head>>> = Arc::default();
    let saved_at = known.clone();
    store
        .on_save(move |plain, commit| {
            let saved = plain.save(commit)?;
            saved_at.lock().unwrap().insert(commit.parts()?[0].actor().clone(), saved.head);
            Ok(saved)
        })
        .on_head(move |plain, actor| match plain.head(actor) {
            Head::NONE => known.lock().unwrap().get(actor).copied().unwrap_or_default(),
            head => head,
        })
}

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("retention::lets_versions_start_over", "remembers versions that have expired", remembering),
    Mutant::new(
        "retention::keeps_versions_above_the_snapshots",
        "does not look into the snapshots",
        |store| {
            store.on_save(|plain, commit| {
                let parts = commit.parts()?;
                if plain.commits(parts[0].actor(), Head::NONE).items.is_empty() {
                    let snapshot = plain.any_snapshot(parts[0].actor());
                    plain.forget_snapshot(parts[0].actor());
                    let answer = plain.save(commit);
                    if let Some(snapshot) = snapshot {
                        plain.put_snapshot(&snapshot);
                    }
                    return answer;
                }
                plain.save(commit)
            })
        },
    ),
    Mutant::new("retention::leaves_no_hole_unsaid", "leaves out expired events in silence", |store| {
        store.on_events(|plain, actor, from| {
            let read = plain.events(actor, from);
            match &read.error {
                Some(ReadError::HistoryIncomplete(incomplete)) => {
                    plain.events(actor, incomplete.first_available.unwrap_or(Version::MAX))
                }
                _ => read,
            }
        })
    }),
    Mutant::new("retention::stops_a_reader_backward_at_the_hole", "ends at the hole in silence", |store| {
        store.on_backward(|plain, actor, from| {
            let mut read = plain.events_backward(actor, from);
            read.error = None;
            read
        })
    }),
    Mutant::new(
        "retention::tells_readers_of_all_what_they_miss",
        "skips expired events in silence",
        |store| {
            store.on_all(|plain, from, limit| {
                let read = plain.all(from, limit);
                if read.error.is_some() { plain.all(ReadFrom::Start, limit) } else { read }
            })
        },
    ),
    Mutant::new("capacity::full_refuses_and_loses_nothing", "drops the oldest to make room", |store| {
        store.on_save(|plain, commit| {
            loop {
                match plain.save(commit) {
                    Err(SaveError::StoreFull { .. }) => plain.drop_oldest(),
                    answer => return answer,
                }
            }
        })
    }),
    Mutant::new("capacity::full_keeps_nothing_of_the_refused", "keeps what it says it refused", |store| {
        store.on_save(|plain, commit| {
            let answer = plain.save(commit);
            if matches!(answer, Err(SaveError::StoreFull { .. })) {
                plain.save_beyond_capacity(commit)?;
            }
            answer
        })
    }),
];
