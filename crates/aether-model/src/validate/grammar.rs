//! The grammar: every note has what leads to it and what it leads to.

use std::collections::BTreeSet;

use super::Found;
use crate::elements::Note;
use crate::flow::flows;
use crate::grammar::Role;
use crate::index::{Entry, Index, Scope};
use crate::{Board, Kind, Sticky};

pub(super) fn check(board: &Board, found: &mut Found<'_>) {
    let index = found.index;
    let flow = Ends::of(board, index);
    for (scope, (_, elements)) in board.scopes().enumerate() {
        for element in elements.iter() {
            parts(found, scope, element, &flow);
        }
    }
    for (_, command) in index.all(Kind::Command) {
        handled(found, command, &flow);
    }
    for (_, event) in index.all(Kind::Event) {
        emitted(found, event, &flow);
    }
}

/// Where arrows begin and end.
struct Ends {
    begin: BTreeSet<Sticky>,
    end: BTreeSet<Sticky>,
}

impl Ends {
    /// The ends of all arrows that make something happen or show something. Remarks do neither.
    fn of(board: &Board, index: &Index) -> Self {
        let arrows: Vec<_> =
            flows(board, index).into_iter().filter(|flow| flow.from.kind != Kind::HotSpot).collect();
        Self {
            begin: arrows.iter().map(|flow| flow.from.clone()).collect(),
            end: arrows.into_iter().map(|flow| flow.to).collect(),
        }
    }
}

/// Whether a note has all that its kind needs.
fn parts(found: &mut Found<'_>, scope: Scope, element: &dyn Note, flow: &Ends) {
    let note = found.note(scope, element);
    let links = element.links();
    let has = |role| links.iter().any(|link| link.role == role && !link.references.is_empty());
    match note.kind {
        Kind::Aggregate => {
            if !has(Role::Handles) {
                found.error(&note, "handles no command", "list under `handles` what it decides about");
            }
            if !has(Role::Emits) {
                let help =
                    "list under `emits` what can come of its commands; if nothing can, it is no aggregate";
                found.error(&note, "emits no event", help);
            }
        }
        Kind::Policy => {
            if !has(Role::When) {
                let help =
                    "list under `when` what it reacts to; if time makes it act, let a calendar emit an event";
                found.error(&note, "reacts to no event", help);
            }
            if !has(Role::Then) && !has(Role::Emits) {
                let help = "list under `then` what it does; if it only shows something, it is a read model";
                found.error(&note, "sends no command", help);
            }
        }
        Kind::ReadModel => {
            if !has(Role::From) {
                found.error(&note, "is made from no event", "list under `from` the events that change it");
            }
            if !flow.begin.contains(&note) {
                let help = "list it under `look_at` of whoever decides by it, or take it from the board";
                found.warning(&note, "nobody looks at it", help);
            }
        }
        Kind::Person if !has(Role::Issues) && !has(Role::LooksAt) => {
            let help = "list under `issue` the commands of this person, or take the person from the board";
            found.warning(&note, "does nothing", help);
        }
        Kind::ExternalSystem if !has(Role::Receives) && !has(Role::Emits) => {
            let help =
                "list under `receives` and `emits` what goes in and comes out, or take it from the board";
            found.warning(&note, "does nothing", help);
        }
        _ => {}
    }
}

fn handled(found: &mut Found<'_>, command: &Entry, flow: &Ends) {
    let note = &command.sticky;
    match &*command.by {
        [] => found.error(
            note,
            "nobody handles it",
            "list it under `handles` of the aggregate that decides about it, or under `receives` of an external system",
        ),
        [_] => {}
        several => found.error(
            note,
            format!("is handled by {}", listed(several)),
            "let one of them decide; if another has something to do then, let a policy react to the event",
        ),
    }
    if !flow.end.contains(note) {
        let help = "list it under `issue` of a person or `then` of a policy, or take it from the board";
        found.warning(note, "nobody issues it", help);
    }
}

fn emitted(found: &mut Found<'_>, event: &Entry, flow: &Ends) {
    let note = &event.sticky;
    match &*event.by {
        [] => found.error(note, "nobody emits it", "list it under `emits` of whoever makes it happen"),
        [only] if only.kind == Kind::ExternalSystem && !flow.begin.contains(note) => {
            let help =
                "list it under `when` of a policy or `from` of a read model, or take it from the board";
            found.warning(note, "comes from outside, and nobody follows it", help);
        }
        [_] => {}
        several => {
            let help = "give each its own event, unless it really makes no difference who did it";
            found.hint(note, format!("is emitted by {}", listed(several)), help);
        }
    }
}

fn listed(notes: &[Sticky]) -> String {
    let names: Vec<_> = notes.iter().map(|note| format!("{} `{}`", note.kind, note.name)).collect();
    names.join(" and ")
}
