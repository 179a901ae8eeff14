//! [`Element`] and [`Elements`]: the notes that a board or a context holds.

mod notes;

pub use notes::{Aggregate, Command, DomainEvent, ExternalSystem, Field, HotSpot, Person, Policy, ReadModel};

use crate::grammar::Link;
use crate::{Kind, Name, Reference};

/// Any note, for [`Board::with`](crate::Board::with) and [`BoundedContext::with`](crate::BoundedContext::with).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Element {
    /// An event: something that happened.
    Event(DomainEvent),
    /// A command: a request for something to happen.
    Command(Command),
    /// A person who decides.
    Person(Person),
    /// An aggregate, which decides commands.
    Aggregate(Aggregate),
    /// A policy, which reacts to events.
    Policy(Policy),
    /// A read model, which a person looks at.
    ReadModel(ReadModel),
    /// A system of others.
    ExternalSystem(ExternalSystem),
    /// An open question.
    HotSpot(HotSpot),
}

/// The notes of a board or of a context, each kind in the order in which it was written.
///
/// Commands that an aggregate or a system takes, and events that it emits, are on the board by that. They need be among
/// `commands` and `events` only where there is more to say of them, or where nobody takes or emits them yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Elements {
    /// Events that more is said of, or that nobody emits yet.
    pub events: Vec<DomainEvent>,
    /// Commands that more is said of, or that nobody takes yet.
    pub commands: Vec<Command>,
    /// People.
    pub people: Vec<Person>,
    /// Aggregates.
    pub aggregates: Vec<Aggregate>,
    /// Policies and process managers.
    pub policies: Vec<Policy>,
    /// Read models.
    pub read_models: Vec<ReadModel>,
    /// External systems.
    pub external_systems: Vec<ExternalSystem>,
    /// Hot spots.
    pub hot_spots: Vec<HotSpot>,
}

impl Elements {
    /// Adds a note.
    pub fn push(&mut self, element: impl Into<Element>) {
        match element.into() {
            Element::Event(event) => self.events.push(event),
            Element::Command(command) => self.commands.push(command),
            Element::Person(person) => self.people.push(person),
            Element::Aggregate(aggregate) => self.aggregates.push(aggregate),
            Element::Policy(policy) => self.policies.push(policy),
            Element::ReadModel(read_model) => self.read_models.push(read_model),
            Element::ExternalSystem(system) => self.external_systems.push(system),
            Element::HotSpot(hot_spot) => self.hot_spots.push(hot_spot),
        }
    }

    /// All notes, kind after kind.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &dyn Note> {
        fn notes<T: Note>(elements: &[T]) -> impl Iterator<Item = &dyn Note> {
            elements.iter().map(|element| element as &dyn Note)
        }
        notes(&self.events)
            .chain(notes(&self.commands))
            .chain(notes(&self.people))
            .chain(notes(&self.aggregates))
            .chain(notes(&self.policies))
            .chain(notes(&self.read_models))
            .chain(notes(&self.external_systems))
            .chain(notes(&self.hot_spots))
    }
}

/// What all notes have.
pub(crate) trait Note {
    /// The kind of the note.
    fn kind(&self) -> Kind;

    /// The name on the note.
    fn name(&self) -> &Name;

    /// The notes that it mentions.
    fn links(&self) -> Vec<Link<'_>> {
        Vec::new()
    }

    /// The queries that it answers.
    fn answers(&self) -> &[Reference] {
        &[]
    }

    /// How long it waits, in words.
    fn after(&self) -> Option<&str> {
        None
    }
}

/// `Element` of each of its kinds.
macro_rules! into_element {
    ($($variant:ident($type:ident)),* $(,)?) => {
        $(impl From<$type> for Element {
            fn from(element: $type) -> Self {
                Self::$variant(element)
            }
        })*
    };
}

into_element! {
    Event(DomainEvent),
    Command(Command),
    Person(Person),
    Aggregate(Aggregate),
    Policy(Policy),
    ReadModel(ReadModel),
    ExternalSystem(ExternalSystem),
    HotSpot(HotSpot),
}

/// References of anything that can be one.
pub(crate) fn references<I>(references: I) -> impl Iterator<Item = Reference>
where
    I: IntoIterator,
    I::Item: Into<Reference>,
{
    references.into_iter().map(Into::into)
}
