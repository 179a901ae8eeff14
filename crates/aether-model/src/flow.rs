//! The flow between the notes: who leads to whom.

use crate::index::Index;
use crate::role::Role;
use crate::sticky::Flow;
use crate::{Board, Kind, Sticky};

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

fn targets(index: &Index, scope: usize, kind: Option<Kind>, reference: &crate::Reference) -> Vec<Sticky> {
    match kind {
        Some(kind) => vec![index.resolve(scope, kind, reference)],
        None => index.find_any(scope, reference).into_iter().map(|entry| entry.sticky.clone()).collect(),
    }
}
