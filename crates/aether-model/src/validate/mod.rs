//! Validation: what is wrong on a board, where, and what to do about it.

mod grammar;
mod references;
mod tense;

use crate::Sticky;
use crate::board::Board;
use crate::findings::{Place, Problem, Problems, Severity};
use crate::index::{Index, Scope};

impl Board {
    /// Checks that the board keeps to the grammar, and gives the warnings and hints if it does.
    ///
    /// - A person issues commands, and looks at read models.
    /// - A command is handled by exactly one aggregate, or received by exactly one external system.
    /// - An aggregate handles commands and emits events. An external system may do either.
    /// - An event is emitted by somebody.
    /// - A policy reacts to events and sends commands, and may look at read models. A process manager emits events, too.
    /// - A read model is made from events.
    /// - A hot spot may be about anything.
    /// - Whatever is mentioned is on the board, and nothing is on it twice.
    ///
    /// # Errors
    /// [`Problems`] with all that is wrong, not only the first, if any of it is an error.
    pub fn validate(&self) -> Result<Vec<Problem>, Problems> {
        let problems = self.problems();
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            Err(Problems::new(self.name.clone(), problems))
        } else {
            Ok(problems)
        }
    }

    /// All that is to be said about the board, in the order in which it has it: errors, warnings and hints. For a board that
    /// is still in the making, this is the list of what to talk about next.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let index = Index::of(self);
        let mut problems = Found { problems: Vec::new(), index: &index };
        references::check_names(self, &mut problems);
        references::check_references(self, &mut problems);
        grammar::check(self, &mut problems);
        tense::check(&mut problems);
        problems.problems
    }
}

/// What has been found so far.
struct Found<'a> {
    problems: Vec<Problem>,
    index: &'a Index,
}

impl Found<'_> {
    fn push(&mut self, severity: Severity, place: Place, what: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem { severity, place, what: what.into(), help: help.into() });
    }

    fn error(&mut self, note: &Sticky, what: impl Into<String>, help: impl Into<String>) {
        self.push(Severity::Error, Place::Note(note.clone()), what, help);
    }

    fn warning(&mut self, note: &Sticky, what: impl Into<String>, help: impl Into<String>) {
        self.push(Severity::Warning, Place::Note(note.clone()), what, help);
    }

    fn hint(&mut self, note: &Sticky, what: impl Into<String>, help: impl Into<String>) {
        self.push(Severity::Hint, Place::Note(note.clone()), what, help);
    }

    /// The note of an element.
    fn note(&self, scope: Scope, element: &dyn crate::elements::Note) -> Sticky {
        self.index.sticky(scope, element.kind(), element.name().clone())
    }
}
