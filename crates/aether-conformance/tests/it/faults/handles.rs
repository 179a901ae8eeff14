//! Faults of a handle that trusts what it remembers, and of namespaces.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aether_core::{ActorId, Expected, Head, sanitise};

use crate::draft::{Draft, conflict};
use crate::faulty::Faulty;
use crate::mutant::Mutant;

type Cache = Arc<Mutex<HashMap<ActorId, Head>>>;

/// Reads the head of an actor once.
fn reading_once(store: Faulty) -> Faulty {
    let cache = Cache::default();
    store.on_head(move |plain, actor| {
        *cache.lock().unwrap().entry(actor.clone()).or_insert_with(|| plain.head(actor))
    })
}

/// Holds expectations against what it remembers, and then saves by the plain rule.
fn checking_its_cache(store: Faulty) -> Faulty {
    let cache = Cache::default();
    let read = cache.clone();
    store
        .on_head(move |plain, actor| {
            let head = plain.head(actor);
            read.lock().unwrap().insert(actor.clone(), head);
            head
        })
        .on_save(move |plain, commit| {
            let mut draft = Draft::of(commit);
            if draft.is_note() {
                return plain.save(commit);
            }
            for terms in &mut draft.terms {
                let known = cache.lock().unwrap().get(&terms.actor).copied();
                let met = known.is_some_and(|known| match terms.expected {
                    Expected::Exact(version) => version == known.version(),
                    Expected::At(head) => head == known,
                    _ => false,
                });
                if met {
                    terms.expected = Expected::Ascending;
                }
            }
            plain.save(&draft.commit())
        })
}

/// Refuses a save whenever somebody else has saved since its own last.
fn never_looking_again(store: Faulty) -> Faulty {
    let cache = Cache::default();
    store.on_save(move |plain, commit| {
        let actor = commit.parts()?[0].actor().clone();
        let stale = cache.lock().unwrap().get(&actor).is_some_and(|known| *known != plain.head(&actor));
        if stale {
            return Err(conflict(plain, commit));
        }
        let saved = plain.save(commit)?;
        cache.lock().unwrap().insert(actor, saved.head);
        Ok(saved)
    })
}

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("handles::see_each_other", "reads a head once and remembers it", reading_once),
    Mutant::new("handles::never_save_from_a_stale_cache", "checks what it remembers", checking_its_cache),
    Mutant::new(
        "handles::save_over_each_other",
        "does not look again when its cache is stale",
        never_looking_again,
    ),
    Mutant::new("handles::opened_again_find_everything", "keeps everything in the handle", |store| store)
        .sharing_nothing(),
    Mutant::naming("namespaces::are_apart", "ignores the namespace", |_, stream, _| stream.to_owned()),
    Mutant::naming("namespaces::have_streams_that_are_apart", "ignores the stream", |namespace, _, _| {
        namespace.to_owned()
    }),
    Mutant::naming(
        "namespaces::of_one_name_are_one",
        "makes a new one at each opening",
        |namespace, _, opened| format!("{namespace} {opened}"),
    ),
    Mutant::naming(
        "namespaces::of_colliding_names_are_apart",
        "goes by sanitised names",
        |namespace, stream, _| format!("{:?}", (sanitise(namespace), stream)),
    ),
    Mutant::naming(
        "namespaces::and_streams_of_colliding_names_are_apart",
        "joins namespace and stream by _",
        |namespace, stream, _| format!("{namespace}_{stream}"),
    ),
    Mutant::naming("snapshot_store::of_namespaces_are_apart", "ignores the namespace", |_, stream, _| {
        stream.to_owned()
    }),
];
