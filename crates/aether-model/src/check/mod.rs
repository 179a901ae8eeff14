//! Board against code: what is in one and not in the other.

mod topic;

use crate::elements::Note;
use crate::findings::{Lacks, Mismatch, Mismatches};
use crate::index::{Index, Scope};
use crate::name::closest;
use crate::{Board, Component, Key, Kind, Name, Reference, Sticky};
use topic::Topic;

impl Board {
    /// Checks that the code does what the board says, and nothing else: in a test, so that the two stay together.
    ///
    /// Names are the same if their [`Key`]s are. Aggregates, policies and read models have to be there on both sides, with
    /// the same commands, events and reactions. This is left free:
    /// - Several components of one name are one note together.
    /// - Queries need not be on the board. Those that are must be in the code.
    /// - A policy need not be a component of its own: aggregates do its work if it waits (`after`) and they
    ///   [schedule](Component::schedules) its commands, or if its commands are [effects](Component::effects) of theirs.
    /// - People, external systems and hot spots are not in the code.
    ///
    /// The board is taken as it is; whether it is right is for [`Board::validate`] to say.
    ///
    /// # Errors
    /// [`Mismatches`] with all that differs, not only the first.
    pub fn check(&self, components: &[Component]) -> Result<(), Mismatches> {
        let index = Index::of(self);
        let mut check =
            Check { notes: notes(self, &index), index: &index, components, mismatches: Vec::new() };
        check.board();
        check.code();
        if check.mismatches.is_empty() { Ok(()) } else { Err(Mismatches::new(check.mismatches)) }
    }
}

/// A note that has to be in the code.
struct Coded<'a> {
    scope: Scope,
    note: Sticky,
    element: &'a dyn Note,
}

fn notes<'a>(board: &'a Board, index: &Index) -> Vec<Coded<'a>> {
    let all = board
        .scopes()
        .enumerate()
        .flat_map(|(scope, (_, elements))| elements.iter().map(move |each| (scope, each)));
    all.filter(|(_, element)| matches!(element.kind(), Kind::Aggregate | Kind::Policy | Kind::ReadModel))
        .map(|(scope, element)| Coded {
            scope,
            note: index.sticky(scope, element.kind(), element.name().clone()),
            element,
        })
        .collect()
}

struct Check<'a> {
    notes: Vec<Coded<'a>>,
    index: &'a Index,
    components: &'a [Component],
    mismatches: Vec<Mismatch>,
}

impl<'a> Check<'a> {
    fn lacks(&mut self, lacks: Lacks, note: &Sticky, what: String, help: String) {
        self.mismatches.push(Mismatch { lacks, note: note.clone(), what, help });
    }

    /// The notes that a component can be: one, if all is well.
    fn notes_of(&self, component: &Component) -> Vec<&Coded<'a>> {
        let context = component.context.as_ref().map(Name::key);
        let named = self.notes.iter().filter(|coded| {
            coded.note.kind == component.kind && coded.note.name.key() == component.name.key()
        });
        named
            .filter(|coded| context.is_none() || context == coded.note.context.as_ref().map(Name::key))
            .collect()
    }

    /// What the board has, and the code of each of its notes.
    fn board(&mut self) {
        for position in 0..self.notes.len() {
            let Some(Coded { scope, note, element }) = self.notes.get(position) else { continue };
            let (scope, note, element) = (*scope, note.clone(), *element);
            let (mut components, mut unclear) = (Vec::new(), false);
            for component in self.components {
                match &*self.notes_of(component) {
                    [one] if one.note == note => components.push(component),
                    several => unclear |= several.iter().any(|each| each.note == note),
                }
            }
            if !components.is_empty() {
                for topic in Topic::ALL {
                    self.compare(scope, &note, topic, &topic.on_board(element), &components);
                }
            } else if !unclear && !self.done_by_others(scope, &note, element) {
                self.no_code(&note);
            }
        }
    }

    /// Compares what board and code say of one note.
    fn compare(
        &mut self,
        scope: Scope,
        note: &Sticky,
        topic: Topic,
        board: &[&Reference],
        code: &[&Component],
    ) {
        let code: Vec<_> = code.iter().flat_map(|component| topic.in_code(component)).collect();
        let same = |on_board: &Reference, in_code: &Reference| {
            on_board.key() == in_code.key()
                && in_code
                    .context()
                    .is_none_or(|context| self.context(scope, topic, on_board) == Some(context.key()))
        };
        let no_code: Vec<_> =
            board.iter().filter(|each| !code.iter().any(|other| same(each, other))).collect();
        let no_board: Vec<_> =
            code.iter().filter(|each| !board.iter().any(|other| same(other, each))).collect();

        for reference in &no_code {
            let what = format!(
                "{} says that {} {} `{reference}`, the code has no such {}",
                the_board(note),
                short(note),
                topic.verb(),
                topic.noun()
            );
            let near = closest(reference.as_str(), no_board.iter().map(|each| each.as_str()));
            let help = format!("{}, or take it from the board{}", topic.to_code(), or_is_it("code", near));
            self.lacks(Lacks::Code, note, what, help);
        }
        if !topic.belongs_on_board() {
            return;
        }
        let mut said: Vec<Key> = Vec::new();
        for reference in &no_board {
            if said.contains(&reference.key()) {
                continue;
            }
            said.push(reference.key());
            let what = format!(
                "the code says that {} {} `{reference}`, {} does not",
                short(note),
                topic.verb(),
                the_board(note)
            );
            let near = closest(reference.as_str(), no_code.iter().map(|each| each.as_str()));
            let key = topic.key();
            let help = format!(
                "list it under `{key}` on the board, or take it from the code{}",
                or_is_it("board", near)
            );
            self.lacks(Lacks::Board, note, what, help);
        }
    }

    /// The context that a reference on the board leads to.
    fn context(&self, scope: Scope, topic: Topic, reference: &Reference) -> Option<Key> {
        let context = match topic.target() {
            Some(kind) => self.index.resolve(scope, kind, reference).context,
            None => reference.context(),
        };
        context.map(|context| context.key())
    }

    /// Whether the work of a policy that is no component is done by timers and effects of others. Says what of it is not.
    fn done_by_others(&mut self, scope: Scope, note: &Sticky, policy: &dyn Note) -> bool {
        let commands = Topic::Sends.on_board(policy);
        let by_timer = |component: &'a Component| &component.schedules;
        let by_effect = |component: &'a Component| &component.effects;
        let done = |check: &Self, command: &Reference| {
            let timers = check.components.iter().filter(|_| policy.after().is_some()).flat_map(by_timer);
            timers.chain(check.components.iter().flat_map(by_effect)).any(|each| {
                let context = each.context().map(|context| context.key());
                each.key() == command.key()
                    && (context.is_none() || context == check.context(scope, Topic::Sends, command))
            })
        };
        if policy.after().is_none() && !commands.iter().any(|command| done(self, command)) {
            return false;
        }
        for command in commands {
            if done(self, command) {
                continue;
            }
            let sends = format!("{} says that {} sends `{command}`", the_board(note), short(note));
            let (what, help) = match policy.after() {
                Some(after) => (
                    format!("{sends} after {after}, nothing in the code schedules it"),
                    "set a timer for it and say so with `Component::schedules`, or take it from the board",
                ),
                None => (
                    format!("{sends}, nothing in the code does it"),
                    "declare it as an effect and say so with `Component::effects`, or take it from the board",
                ),
            };
            self.lacks(Lacks::Code, note, what, help.to_owned());
        }
        true
    }

    fn no_code(&mut self, note: &Sticky) {
        let unknown = self
            .components
            .iter()
            .filter(|component| component.kind == note.kind && self.notes_of(component).is_empty());
        let near = closest(note.name.as_str(), unknown.map(|component| component.name.as_str()));
        let help = format!(
            "write {} and describe it to the check, or take it from the board{}",
            code_of(note.kind),
            or_is_it("code", near)
        );
        self.lacks(
            Lacks::Code,
            note,
            format!("{} has {}, the code has none", the_board(note), short(note)),
            help,
        );
    }

    /// What the code has, and its note on the board.
    fn code(&mut self) {
        for component in self.components {
            let notes: Vec<_> = self.notes_of(component).iter().map(|coded| coded.note.clone()).collect();
            let note = Sticky {
                context: component.context.clone(),
                kind: component.kind,
                name: component.name.clone(),
            };
            match &*notes {
                [] => {
                    let same_kind = self.notes.iter().filter(|coded| coded.note.kind == note.kind);
                    let near = closest(note.name.as_str(), same_kind.map(|coded| coded.note.name.as_str()));
                    let help =
                        format!("put it on the board, or take it from the code{}", or_is_it("board", near));
                    let what = format!("the code has {}, {} has none", short(&note), the_board(&note));
                    self.lacks(Lacks::Board, &note, what, help);
                }
                [_] => {}
                _ => {
                    let contexts: Vec<_> = notes.iter().map(in_context).collect();
                    let what = format!(
                        "the code has {}, the board has several: {}",
                        short(&note),
                        contexts.join(", ")
                    );
                    self.lacks(
                        Lacks::Board,
                        &note,
                        what,
                        String::from("say which with `Component::in_context`"),
                    );
                }
            }
            if component.kind != Kind::Policy {
                self.done_for_others(component, notes.first().unwrap_or(&note));
            }
        }
    }

    /// The timers and effects of a component that is no policy: some policy on the board sends their commands.
    fn done_for_others(&mut self, component: &Component, note: &Sticky) {
        let timers = component.schedules.iter().map(|command| (command, true));
        let effects = component.effects.iter().map(|command| (command, false));
        for (command, waits) in timers.chain(effects) {
            let (verb, policy) =
                if waits { ("schedules", "policy with `after`") } else { ("has the effect", "policy") };
            let policies = self.notes.iter().filter(|coded| !waits || coded.element.after().is_some());
            let mut sent = policies.flat_map(|coded| Topic::Sends.on_board(coded.element));
            if !sent.any(|each| each.key() == command.key()) {
                let what = format!(
                    "the code says that {} {verb} `{command}`, the board has no {policy} that sends it",
                    short(note)
                );
                let help =
                    format!("put a {policy} on the board that has it under `then`, or take it from the code");
                self.lacks(Lacks::Board, note, what, help);
            }
        }
    }
}

fn the_board(note: &Sticky) -> String {
    match &note.context {
        Some(context) => format!("the board's context `{context}`"),
        None => String::from("the board"),
    }
}

fn in_context(note: &Sticky) -> String {
    match &note.context {
        Some(context) => format!("in `{context}`"),
        None => String::from("outside of contexts"),
    }
}

fn short(note: &Sticky) -> String {
    format!("{} `{}`", note.kind, note.name)
}

/// The question whether it is there under another name.
fn or_is_it(side: &str, near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; or is it the {side}'s `{near}`? Then give both one name"))
}

/// What a kind of note is in code.
fn code_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Policy => "the process manager",
        Kind::ReadModel => "the projection",
        _ => "the actor",
    }
}
