//! The grammar of a board: the kinds of notes, and the roles in which one note mentions others.

use std::fmt;

use crate::Reference;

/// The kind of a sticky note. On a wall it is shown by the colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// Something that has happened. Orange.
    Event,
    /// A request for something to happen. Blue.
    Command,
    /// A person who decides. A small yellow note.
    Person,
    /// An aggregate, which decides commands and guards rules. Large and pale yellow.
    Aggregate,
    /// A policy, which reacts to events with commands. Lilac.
    Policy,
    /// Data that a person looks at to decide. Green.
    ReadModel,
    /// A system of others. Pink.
    ExternalSystem,
    /// A question, a conflict, a risk. Red.
    HotSpot,
}

impl Kind {
    /// All kinds, in the order in which boards are read and drawn.
    pub const ALL: [Self; 8] = [
        Self::Event,
        Self::Command,
        Self::Person,
        Self::Aggregate,
        Self::Policy,
        Self::ReadModel,
        Self::ExternalSystem,
        Self::HotSpot,
    ];

    /// The kind in words: `read model`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Command => "command",
            Self::Person => "person",
            Self::Aggregate => "aggregate",
            Self::Policy => "policy",
            Self::ReadModel => "read model",
            Self::ExternalSystem => "external system",
            Self::HotSpot => "hot spot",
        }
    }

    /// The kind in words, with its article.
    pub(crate) fn with_article(self) -> String {
        let article =
            if matches!(self, Self::Event | Self::Aggregate | Self::ExternalSystem) { "an" } else { "a" };
        format!("{article} {self}")
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a note has to do with those that it mentions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// A person gives a command.
    Issues,
    /// A person or a policy decides by what a read model shows.
    LooksAt,
    /// An aggregate takes a command.
    Handles,
    /// An external system takes a command.
    Receives,
    /// An aggregate, an external system or a process manager makes an event happen.
    Emits,
    /// A policy reacts to an event.
    When,
    /// A policy sends a command.
    Then,
    /// A read model is made from an event.
    From,
    /// A hot spot is about any note.
    About,
}

impl Role {
    /// What is mentioned has to be of this kind. `None` is any.
    pub(crate) fn target(self) -> Option<Kind> {
        match self {
            Self::Issues | Self::Handles | Self::Receives | Self::Then => Some(Kind::Command),
            Self::Emits | Self::When | Self::From => Some(Kind::Event),
            Self::LooksAt => Some(Kind::ReadModel),
            Self::About => None,
        }
    }

    /// Whether mentioning it puts it on the board.
    pub(crate) fn declares(self) -> bool {
        matches!(self, Self::Handles | Self::Receives | Self::Emits)
    }

    /// Whether the arrow leads from what is mentioned to who mentions it.
    pub(crate) fn leads_here(self) -> bool {
        matches!(self, Self::LooksAt | Self::Handles | Self::Receives | Self::When | Self::From)
    }

    /// What somebody of this role does: "issues".
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::Issues => "issues",
            Self::LooksAt => "looks at",
            Self::Handles => "handles",
            Self::Receives => "receives",
            Self::Emits => "emits",
            Self::When => "reacts to",
            Self::Then => "sends",
            Self::From => "is made from",
            Self::About => "is about",
        }
    }

    /// What the grammar says about this role.
    pub(crate) fn rule(self) -> &'static str {
        match self {
            Self::Issues => "a person issues commands",
            Self::LooksAt => "people and policies look at read models",
            Self::Handles => "an aggregate handles commands",
            Self::Receives => "an external system receives commands",
            Self::Emits => "what is emitted are events",
            Self::When => "a policy reacts to events",
            Self::Then => "a policy sends commands",
            Self::From => "a read model is made from events",
            Self::About => "a hot spot is about a note on the board",
        }
    }
}

/// All notes that one note mentions in one role.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link<'a> {
    pub(crate) role: Role,
    pub(crate) references: &'a [Reference],
}

impl<'a> Link<'a> {
    pub(crate) fn new(role: Role, references: &'a [Reference]) -> Self {
        Self { role, references }
    }
}
