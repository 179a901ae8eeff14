//! Faults in the proof that a head is the last.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aether_core::{ActorId, Commit, Head};

use crate::faulty::Faulty;
use crate::mutant::Mutant;

/// A handle that takes what it saved last itself for the last there is.
fn trusting_itself(store: Faulty) -> Faulty {
    let own: Arc<Mutex<HashMap<ActorId, Head>>> = Arc::default();
    let saved_last = own.clone();
    store
        .on_save(move |plain, commit| {
            let saved = plain.save(commit)?;
            saved_last.lock().unwrap().insert(commit.parts()?[0].actor().clone(), saved.head);
            Ok(saved)
        })
        .on_confirm(move |plain, actor, head| {
            own.lock().unwrap().get(actor) == Some(&head) || plain.confirm(actor, head)
        })
}

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("confirm::is_true_while_the_head_is_last", "confirms nothing", |store| {
        store.on_confirm(|_, _, _| false)
    }),
    Mutant::new("confirm::is_false_after_an_event", "confirms any head that there ever was", |store| {
        store.on_confirm(|plain, actor, head| {
            head == plain.head(actor) || plain.commits(actor, Head::NONE).items.iter().any(|c| c.head == head)
        })
    }),
    Mutant::new("confirm::is_false_after_a_commit_without_events", "compares versions only", |store| {
        store.on_confirm(|plain, actor, head| head.version() == plain.head(actor).version())
    }),
    Mutant::new(
        "confirm::knows_an_actor_without_commits",
        "confirms that an actor has none, always",
        |store| store.on_confirm(|plain, actor, head| head == Head::NONE || plain.confirm(actor, head)),
    ),
    Mutant::new("confirm::leaves_no_trace", "confirms by a commit of its own", |store| {
        store.on_confirm(|plain, actor, head| plain.save(&Commit::note_only(actor, head, b"barrier")).is_ok())
    }),
    Mutant::new(
        "confirm::sees_the_saves_of_other_handles",
        "takes what it saved last for the last there is",
        trusting_itself,
    ),
    Mutant::new(
        "confirm::is_never_true_behind_racing_writers",
        "takes what it saved last for the last there is",
        trusting_itself,
    ),
];
