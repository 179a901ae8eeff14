//! [`Sticky`] and [`Flow`]: one note on the board, and the arrow between two.

use std::fmt;

use crate::grammar::Role;
use crate::index::Index;
use crate::{Board, Kind, Name, Reference};

/// One sticky note: where it is, what it is and what stands on it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sticky {
    /// The context that it is in. `None` is on the board outside of all contexts.
    pub context: Option<Name>,
    /// The kind of the note.
    pub kind: Kind,
    /// The name on the note.
    pub name: Name,
}

impl fmt::Display for Sticky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(context) = &self.context {
            write!(f, "context `{context}`, ")?;
        }
        write!(f, "{} `{}`", self.kind, self.name)
    }
}

/// An arrow on the board: one note leads to another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Flow {
    /// The note at which the arrow begins.
    pub from: Sticky,
    /// The note to which the arrow leads.
    pub to: Sticky,
    /// The time that a policy waits, if it does: in words, as on the board.
    pub after: Option<String>,
}

impl Flow {
    /// Returns whether the arrow only shows or remarks on something, rather than makes something happen.
    #[must_use]
    pub fn is_information(&self) -> bool {
        matches!(self.from.kind, Kind::ReadModel | Kind::HotSpot)
    }
}

impl Board {
    /// All arrows on the board, in the order in which the notes are on it.
    ///
    /// A name that leads nowhere is followed all the same, to the note that it would lead to: a board is drawn before it is
    /// complete.
    #[must_use]
    pub fn flows(&self) -> Vec<Flow> {
        flows(self, &Index::of(self))
    }
}

pub(crate) fn flows(board: &Board, index: &Index) -> Vec<Flow> {
    let mut flows = Vec::new();
    for (scope, (_, elements)) in board.scopes().enumerate() {
        for note in elements.iter() {
            let here = index.sticky(scope, note.kind(), note.name().clone());
            for link in note.links() {
                let after = if link.role == Role::Then { note.after() } else { None };
                for reference in link.references {
                    for there in targets(index, scope, link.role.target(), reference) {
                        let (from, to) = if link.role.leads_here() {
                            (there, here.clone())
                        } else {
                            (here.clone(), there)
                        };
                        let flow = Flow { from, to, after: after.map(str::to_owned) };
                        if !flows.contains(&flow) {
                            flows.push(flow);
                        }
                    }
                }
            }
        }
    }
    flows
}

fn targets(index: &Index, scope: usize, kind: Option<Kind>, reference: &Reference) -> Vec<Sticky> {
    match kind {
        Some(kind) => vec![index.resolve(scope, kind, reference)],
        None => index.find_any(scope, reference).into_iter().map(|entry| entry.sticky.clone()).collect(),
    }
}
