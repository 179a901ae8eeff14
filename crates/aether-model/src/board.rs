//! [`Board`] and [`BoundedContext`]: all that is on the wall.

use crate::Name;
use crate::elements::{Element, Elements};

/// An EventStorming board: the notes, most of them in contexts, and by their mentioning each other the flow between them.
///
/// A board is written in Rust, as here, or by hand in YAML, as `docs/eventstorming.md` shows.
///
/// ```
/// use aether_model::{Aggregate, Board, BoundedContext, Person, ReadModel};
///
/// let board = Board::new("Bank")
///     .with(Person::new("Customer").issues(["Open account"]).looks_at(["Balances"]))
///     .context(
///         BoundedContext::new("banking")
///             .with(Aggregate::new("Account").handles(["Open account"]).emits(["Account opened"]))
///             .with(ReadModel::new("Balances").from_events(["Account opened"])),
///     );
/// assert!(board.validate()?.is_empty(), "no advice either");
/// # Ok::<(), aether_model::Problems>(())
/// ```
///
/// # How names are found
/// A note mentions another by its name, in any spelling with the same [`Key`](crate::Key). What is in the note's own context is found
/// first, then what is on the board outside of all contexts. What is in another context is mentioned with it:
/// `banking.Account opened`. Notes outside of all contexts find a name in any context, if only one has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Board {
    /// The subject of the board.
    pub name: Name,
    /// The description of the board.
    pub description: Option<String>,
    /// The notes outside of all contexts: people and systems that many contexts know, and all notes of a board on which no
    /// context has been found yet.
    pub elements: Elements,
    /// The contexts, in the order in which they were written.
    pub contexts: Vec<BoundedContext>,
}

impl Board {
    /// Returns an empty board.
    #[must_use]
    pub fn new(name: impl Into<Name>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Sets the description.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Adds a note outside of all contexts.
    #[must_use]
    pub fn with(mut self, element: impl Into<Element>) -> Self {
        self.elements.push(element);
        self
    }

    /// Adds a context.
    #[must_use]
    pub fn context(mut self, context: BoundedContext) -> Self {
        self.contexts.push(context);
        self
    }

    /// All places that notes are in: the board outside of contexts first, as `None`.
    pub(crate) fn scopes(&self) -> impl Iterator<Item = (Option<&BoundedContext>, &Elements)> {
        std::iter::once((None, &self.elements))
            .chain(self.contexts.iter().map(|context| (Some(context), &context.elements)))
    }
}

/// A bounded context: a part of the board in which every word has one meaning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BoundedContext {
    /// The name of the context.
    pub name: Name,
    /// The purpose of the context.
    pub description: Option<String>,
    /// The notes in it.
    pub elements: Elements,
}

impl BoundedContext {
    /// Returns an empty context.
    #[must_use]
    pub fn new(name: impl Into<Name>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Sets the purpose of the context.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Adds a note.
    #[must_use]
    pub fn with(mut self, element: impl Into<Element>) -> Self {
        self.elements.push(element);
        self
    }
}
