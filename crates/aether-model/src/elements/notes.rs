//! The eight kinds of notes, each with the names of the notes that it mentions.

use super::{Note, references};
use crate::grammar::{Link, Role};
use crate::{Kind, Name, Reference};

/// Implements a kind of note: `new`, a builder method for each list of names, and [`Note`].
///
/// `method(list): Role` adds to a list that the grammar knows as `Role`; without a role, the grammar does not know the list.
/// `+` comes before more methods of [`Note`].
macro_rules! note {
    (
        $note:ident is $kind:ident by $name:ident;
        $($(#[$doc:meta])* $method:ident($list:ident)$(: $role:ident)?;)*
        $(+ { $($of_note:item)* })?
    ) => {
        impl $note {
            /// Returns a note of this name that says nothing else.
            #[must_use]
            pub fn new($name: impl Into<Name>) -> Self {
                Self { $name: $name.into(), ..Self::default() }
            }

            $(
                $(#[$doc])*
                #[must_use]
                pub fn $method<I>(mut self, names: I) -> Self
                where
                    I: IntoIterator,
                    I::Item: Into<Reference>,
                {
                    self.$list.extend(references(names));
                    self
                }
            )*
        }

        impl Note for $note {
            fn kind(&self) -> Kind {
                Kind::$kind
            }

            fn name(&self) -> &Name {
                &self.$name
            }

            fn links(&self) -> Vec<Link<'_>> {
                vec![$($(Link::new(Role::$role, &self.$list),)?)*]
            }

            $($($of_note)*)?
        }
    };
}

/// Implements `notes`, which all notes but hot spots have.
macro_rules! remarks {
    ($($note:ident),*) => {
        $(impl $note {
            /// Sets the remark.
            #[must_use]
            pub fn notes(mut self, notes: impl Into<String>) -> Self {
                self.notes = Some(notes.into());
                self
            }
        })*
    };
}

/// Implements `field`, which events and commands have.
macro_rules! fields {
    ($($note:ident),*) => {
        $(impl $note {
            /// Adds a field, with the kind of its value in words.
            #[must_use]
            pub fn field(mut self, name: impl Into<Name>, of: impl Into<String>) -> Self {
                self.fields.push(Field::new(name, of));
                self
            }
        })*
    };
}

remarks!(DomainEvent, Command, Person, Aggregate, Policy, ReadModel, ExternalSystem);
fields!(DomainEvent, Command);

/// An event: something that happened and that the business talks about, such as `Account opened`. An orange note.
///
/// An event that an aggregate or a system emits is on the board already. List it by itself to describe it, or while nothing
/// on the board emits it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DomainEvent {
    /// The name of the event, in the past tense.
    pub name: Name,
    /// A remark.
    pub notes: Option<String>,
    /// The data of the event.
    pub fields: Vec<Field>,
}

note! {
    DomainEvent is Event by name;
}

/// A command: a request for something to happen, such as `Open account`. A blue note.
///
/// A command that an aggregate or a system takes is on the board already. List it by itself to describe it, or while nothing
/// on the board takes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Command {
    /// The name of the command, as an order.
    pub name: Name,
    /// A remark.
    pub notes: Option<String>,
    /// The data of the command.
    pub fields: Vec<Field>,
}

note! {
    Command is Command by name;
}

/// A field of the data of an event or a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// The name of the field.
    pub name: Name,
    /// The kind of its value, in words: `cents`, `a date`.
    pub of: Option<String>,
}

impl Field {
    /// Returns a field, with the kind of its value in words.
    #[must_use]
    pub fn new(name: impl Into<Name>, of: impl Into<String>) -> Self {
        Self { name: name.into(), of: Some(of.into()) }
    }
}

/// A person who gives commands and looks at read models to decide: a customer, a clerk. A small yellow note.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Person {
    /// The name of the role, rather than of one person.
    pub name: Name,
    /// A remark.
    pub notes: Option<String>,
    /// The commands that the person gives.
    pub issue: Vec<Reference>,
    /// The read models that the person looks at.
    pub look_at: Vec<Reference>,
}

note! {
    Person is Person by name;
    /// Adds commands that the person gives.
    issues(issue): Issues;
    /// Adds read models that the person looks at.
    looks_at(look_at): LooksAt;
}

/// An aggregate: decides commands, and guards the rules between its own facts, such as an account. A large pale yellow note.
///
/// It is the boundary of consistency, and an actor in code: it decides its commands one after the other, each against
/// everything that happened to it before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Aggregate {
    /// The name of the aggregate.
    pub name: Name,
    /// A remark.
    pub notes: Option<String>,
    /// The commands that the aggregate decides.
    pub handles: Vec<Reference>,
    /// The events that the aggregate emits.
    pub emits: Vec<Reference>,
    /// The queries that the aggregate answers. A board need not show them.
    pub answers: Vec<Reference>,
}

note! {
    Aggregate is Aggregate by name;
    /// Adds commands that the aggregate decides.
    handles(handles): Handles;
    /// Adds events that the aggregate emits.
    emits(emits): Emits;
    /// Adds queries that the aggregate answers.
    answers(answers);
    + {
        fn answers(&self) -> &[Reference] {
            &self.answers
        }
    }
}

/// A policy: reacts to events with commands ("whenever *this* has happened, do *that*"). A lilac note.
///
/// A policy that has to remember its work is a process manager; it remembers by events, which it emits. A policy that waits
/// some time is a timer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// The name of the policy.
    pub name: Name,
    /// A remark.
    pub notes: Option<String>,
    /// The events that the policy reacts to.
    pub when: Vec<Reference>,
    /// The time that the policy waits before it sends, if any, in words: `a day`.
    pub after: Option<String>,
    /// The read models that the policy looks at.
    pub look_at: Vec<Reference>,
    /// The commands that the policy sends.
    pub then: Vec<Reference>,
    /// The events by which a process manager remembers its work.
    pub emits: Vec<Reference>,
}

note! {
    Policy is Policy by name;
    /// Adds events that the policy reacts to.
    when(when): When;
    /// Adds read models that the policy looks at.
    looks_at(look_at): LooksAt;
    /// Adds commands that the policy sends.
    then(then): Then;
    /// Adds events by which the policy, as a process manager, remembers its work.
    emits(emits): Emits;
    + {
        fn after(&self) -> Option<&str> {
            self.after.as_deref()
        }
    }
}

impl Policy {
    /// Sets the time that the policy waits before it sends, in words: `a day`.
    #[must_use]
    pub fn after(mut self, after: impl Into<String>) -> Self {
        self.after = Some(after.into());
        self
    }
}

/// A read model: data that a person or a policy looks at to decide, such as balances. A green note, and a projection in code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadModel {
    /// The name of the read model.
    pub name: Name,
    /// A remark.
    pub notes: Option<String>,
    /// The events that the read model is made from.
    pub from: Vec<Reference>,
}

note! {
    ReadModel is ReadModel by name;
    /// Adds events that the read model is made from.
    from_events(from): From;
}

/// A system of others that takes commands and emits events: a card scheme, the tax office, a calendar. A pink note.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExternalSystem {
    /// The name of the system.
    pub name: Name,
    /// A remark.
    pub notes: Option<String>,
    /// The commands that the system takes.
    pub receives: Vec<Reference>,
    /// The events that the system emits.
    pub emits: Vec<Reference>,
}

note! {
    ExternalSystem is ExternalSystem by name;
    /// Adds commands that the system takes.
    receives(receives): Receives;
    /// Adds events that the system emits.
    emits(emits): Emits;
}

/// A hot spot: an open question, a conflict or a risk, attached to the notes that it is about. A red note.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HotSpot {
    /// The open question.
    pub text: Name,
    /// The notes that the hot spot is about, of any kind. Without any, it is about its context or its board.
    pub about: Vec<Reference>,
}

note! {
    HotSpot is HotSpot by text;
    /// Adds notes that the hot spot is about.
    about(about): About;
}
