//! Names and references: every note has a usable name that is there once, and every reference leads to a note of its kind.

use std::collections::BTreeMap;

use super::Found;
use crate::elements::Note;
use crate::findings::{Place, Severity};
use crate::grammar::{Link, Role};
use crate::index::{self, Scope};
use crate::name::closest;
use crate::{Board, Kind, Name, Reference};

pub(super) fn check_names(board: &Board, found: &mut Found<'_>) {
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

pub(super) fn check_references(board: &Board, found: &mut Found<'_>) {
    for (scope, (_, elements)) in board.scopes().enumerate() {
        for element in elements.iter() {
            for link in element.links() {
                for (position, reference) in link.references.iter().enumerate() {
                    if link.references.iter().take(position).any(|earlier| same(earlier, reference)) {
                        let what = format!("{} `{reference}` twice", link.role.verb());
                        found.warning(&found.note(scope, element), what, "once is enough");
                    } else {
                        lead(found, scope, element, link, reference);
                    }
                }
            }
        }
    }
}

fn same(one: &Reference, other: &Reference) -> bool {
    one.key() == other.key() && one.context().map(|name| name.key()) == other.context().map(|name| name.key())
}

/// Says what is wrong with one reference, if anything is.
fn lead(found: &mut Found<'_>, scope: Scope, element: &dyn Note, link: Link<'_>, reference: &Reference) {
    let (role, index) = (link.role, found.index);
    let note = found.note(scope, element);
    let mentions = format!("{} `{reference}`", role.verb());
    if reference.key().is_empty() {
        let what = format!("{mentions}, which is no name");
        return found.error(&note, what, "write at least one letter or digit, or take it out");
    }
    if role.declares() {
        if reference.context().is_some() {
            let what = format!("{mentions}, and that is in another context");
            let help = format!(
                "what {} {} belongs to its own context: take the context from the name, or let a policy there do it",
                note.kind.with_article(),
                role.verb()
            );
            found.error(&note, what, help);
        }
        return;
    }
    let result = match role.target() {
        Some(kind) => index.find(scope, kind, reference),
        None => match index.find_any(scope, reference).first() {
            Some(entry) => index::Found::One(entry),
            None => index::Found::Nothing,
        },
    };
    match result {
        index::Found::One(_) => {}
        index::Found::Several(entries) => {
            let choices: Vec<_> = entries
                .iter()
                .filter_map(|entry| {
                    Some(format!("`{}.{}`", entry.sticky.context.as_ref()?, entry.sticky.name))
                })
                .collect();
            found.error(
                &note,
                format!("{mentions}, which is in several contexts"),
                format!("say which: {}", choices.join(" or ")),
            );
        }
        index::Found::NoContext(context) => {
            let what = format!("{mentions}, and there is no context `{context}`");
            let help = match closest(context.as_str(), index.contexts().iter().map(crate::Name::as_str)) {
                Some(meant) => format!("did you mean `{meant}.{}`?", reference.name()),
                None => String::from("add the context, or name one that is on the board"),
            };
            found.error(&note, what, help);
        }
        index::Found::Nothing => {
            let (what, help) = nothing(found, scope, role, reference);
            found.error(&note, format!("{mentions}, {what}"), help);
        }
    }
}

/// What to say of a reference to a note that is not there.
fn nothing(found: &Found<'_>, scope: Scope, role: Role, reference: &Reference) -> (String, String) {
    if let Some(kind) = role.target()
        && let Some(other) = found.index.find_any(scope, reference).first().map(|entry| entry.sticky.kind)
    {
        let help = format!("{}: name {} here", role.rule(), kind.with_article());
        return (format!("which is {}", other.with_article()), help);
    }
    let candidates = found.index.candidates(scope, role.target());
    let meant = closest(reference.as_str(), candidates.iter().map(String::as_str));
    let add = match role.target() {
        Some(Kind::Command) => {
            "list it under `handles` of the aggregate, or `receives` of the system, that takes it"
        }
        Some(Kind::Event) => "list it under `emits` of whoever makes it happen",
        Some(Kind::ReadModel) => "add it to the `read_models`",
        _ => "name a note that is there",
    };
    let help = match meant {
        Some(meant) => format!("did you mean `{meant}`? If not, {add}"),
        None => add.to_owned(),
    };
    (String::from("which is not on the board"), help)
}
