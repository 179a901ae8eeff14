//! [`Index`]: every note on the board by its name, and what a reference leads to.

use std::collections::{BTreeMap, btree_map};

use crate::{Board, Key, Kind, Name, Reference, Sticky};

/// Where a note is: 0 is the board outside of contexts, then the contexts in their order.
pub(crate) type Scope = usize;

/// A note that is on the board, and how it came there.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) sticky: Sticky,
    /// Who handles or emits it.
    pub(crate) by: Vec<Sticky>,
    /// In what order it was found.
    order: usize,
}

/// Every note on the board by where it is, what it is and its name's key.
#[derive(Debug, Default)]
pub(crate) struct Index {
    entries: BTreeMap<(Scope, Kind, Key), Entry>,
    contexts: Vec<Name>,
}

/// What a reference leads to.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// A note.
    One(&'a Entry),
    /// Several contexts have a note of that name, and none is nearer than the others.
    Several(Vec<&'a Entry>),
    /// There is no such context.
    NoContext(Name),
    /// There is no such note.
    Nothing,
}

impl Index {
    pub(crate) fn of(board: &Board) -> Self {
        let mut index = Self {
            entries: BTreeMap::new(),
            contexts: board.contexts.iter().map(|context| context.name.clone()).collect(),
        };
        for (scope, (_, elements)) in board.scopes().enumerate() {
            for note in elements.iter() {
                let by = index.sticky(scope, note.kind(), note.name().clone());
                index.declare(scope, by.clone());
                for link in note.links().iter().filter(|link| link.role.declares()) {
                    for reference in link.references {
                        let Some(kind) = link.role.target() else { continue };
                        let declared = index.sticky(scope, kind, reference.name());
                        let entry = index.declare(scope, declared);
                        if !entry.by.contains(&by) {
                            entry.by.push(by.clone());
                        }
                    }
                }
            }
        }
        index
    }

    fn declare(&mut self, scope: Scope, sticky: Sticky) -> &mut Entry {
        let order = self.entries.len();
        match self.entries.entry((scope, sticky.kind, sticky.name.key())) {
            btree_map::Entry::Occupied(there) => there.into_mut(),
            btree_map::Entry::Vacant(place) => place.insert(Entry { sticky, by: Vec::new(), order }),
        }
    }

    /// A note in a scope, whether it is on the board or not.
    pub(crate) fn sticky(&self, scope: Scope, kind: Kind, name: Name) -> Sticky {
        let context = scope.checked_sub(1).and_then(|context| self.contexts.get(context)).cloned();
        Sticky { context, kind, name }
    }

    /// All notes of a kind, in the order in which the board has them.
    pub(crate) fn all(&self, kind: Kind) -> Vec<(Scope, &Entry)> {
        let of_kind = self.entries.iter().filter(|((_, each, _), _)| *each == kind);
        let mut entries: Vec<_> = of_kind.map(|((scope, ..), entry)| (*scope, entry)).collect();
        entries.sort_by_key(|(_, entry)| entry.order);
        entries
    }

    pub(crate) fn get(&self, scope: Scope, kind: Kind, key: &Key) -> Option<&Entry> {
        self.entries.get(&(scope, kind, key.clone()))
    }

    /// The scope that a reference names, if it names one.
    fn named(&self, reference: &Reference) -> Result<Option<Scope>, Name> {
        let Some(context) = reference.context() else { return Ok(None) };
        let key = context.key();
        match self.contexts.iter().position(|each| each.key() == key) {
            Some(position) => Ok(Some(position + 1)),
            None => Err(context),
        }
    }

    /// What a reference in a scope leads to, if it is to a note of this kind.
    pub(crate) fn find(&self, from: Scope, kind: Kind, reference: &Reference) -> Found<'_> {
        let key = reference.key();
        match self.named(reference) {
            Err(context) => Found::NoContext(context),
            Ok(Some(scope)) => self.get(scope, kind, &key).map_or(Found::Nothing, Found::One),
            Ok(None) => {
                if let Some(entry) = self.get(from, kind, &key).or_else(|| self.get(0, kind, &key)) {
                    return Found::One(entry);
                }
                if from != 0 {
                    return Found::Nothing;
                }
                let mut everywhere = self.elsewhere(kind, &key);
                match everywhere.len() {
                    0 => Found::Nothing,
                    1 => everywhere.pop().map_or(Found::Nothing, Found::One),
                    _ => Found::Several(everywhere),
                }
            }
        }
    }

    /// The notes of a name in any context.
    pub(crate) fn elsewhere(&self, kind: Kind, key: &Key) -> Vec<&Entry> {
        (1..=self.contexts.len()).filter_map(|scope| self.get(scope, kind, key)).collect()
    }

    /// The notes of any kind that a reference in a scope leads to.
    pub(crate) fn find_any(&self, from: Scope, reference: &Reference) -> Vec<&Entry> {
        let found = Kind::ALL.iter().map(|kind| self.find(from, *kind, reference));
        found.filter_map(|found| if let Found::One(entry) = found { Some(entry) } else { None }).collect()
    }

    /// The note that a reference leads to, or the one that it would lead to if it were on the board.
    pub(crate) fn resolve(&self, from: Scope, kind: Kind, reference: &Reference) -> Sticky {
        match self.find(from, kind, reference) {
            Found::One(entry) => entry.sticky.clone(),
            Found::NoContext(context) => Sticky { context: Some(context), kind, name: reference.name() },
            Found::Several(_) | Found::Nothing => {
                let scope = self.named(reference).ok().flatten().unwrap_or(from);
                self.sticky(scope, kind, reference.name())
            }
        }
    }

    /// Whether a note is on the board.
    pub(crate) fn has(&self, sticky: &Sticky) -> bool {
        self.entries.values().any(|entry| entry.sticky == *sticky)
    }

    /// All references that could have been meant by one in a scope, each as it would have to be written there.
    pub(crate) fn candidates(&self, from: Scope, kind: Option<Kind>) -> Vec<String> {
        let entries = self.entries.iter().filter(|((_, each, _), _)| kind.is_none_or(|kind| *each == kind));
        let written = entries.map(|((scope, ..), entry)| match &entry.sticky.context {
            Some(context) if *scope != from => format!("{context}.{}", entry.sticky.name),
            _ => entry.sticky.name.to_string(),
        });
        written.collect()
    }

    /// The names of all contexts.
    pub(crate) fn contexts(&self) -> &[Name] {
        &self.contexts
    }
}
