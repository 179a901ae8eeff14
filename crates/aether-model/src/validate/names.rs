//! Names: there are some, none is there twice, and none looks like a reference.

use std::collections::BTreeMap;

use super::Found;
use crate::problem::{Place, Severity};
use crate::{Board, Kind, Name};

pub(super) fn check(board: &Board, found: &mut Found<'_>) {
    contexts(board, found);
    for (scope, (_, elements)) in board.scopes().enumerate() {
        let mut seen: BTreeMap<_, Name> = BTreeMap::new();
        for element in elements.iter() {
            let note = found.note(scope, element);
            if let Some((what, help)) = unusable(&note.name, note.kind) {
                found.error(&note, what, help);
            }
            match seen.get(&(note.kind, note.name.key())) {
                Some(first) if *first == note.name => {
                    found.error(&note, "is there twice", "join the two, or give one another name");
                }
                Some(first) => {
                    let what = format!("is there twice: `{first}` is the same name");
                    found.error(
                        &note,
                        what,
                        "join the two, or give one a name that differs in letters or digits",
                    );
                }
                None => drop(seen.insert((note.kind, note.name.key()), note.name.clone())),
            }
        }
    }
}

fn contexts(board: &Board, found: &mut Found<'_>) {
    let mut seen: BTreeMap<_, &Name> = BTreeMap::new();
    for context in &board.contexts {
        let place = Place::Context(context.name.clone());
        if let Some((what, help)) = unusable(&context.name, Kind::Event) {
            found.push(Severity::Error, place.clone(), what, help);
        }
        if let Some(first) = seen.insert(context.name.key(), &context.name) {
            let what = format!("is there twice, the first time as `{first}`");
            found.push(Severity::Error, place, what, "join the two, or give one another name");
        }
    }
}

/// Why no reference could lead to a name.
fn unusable(name: &Name, kind: Kind) -> Option<(&'static str, &'static str)> {
    if name.key().is_empty() {
        Some(("has no name", "write at least one letter or digit on it"))
    } else if name.as_str().contains('.') && kind != Kind::HotSpot {
        Some(("has a dot in its name", "take it out: a dot stands between a context and what is in it"))
    } else {
        None
    }
}
