//! [`Role`]: what one note has to do with those that it mentions. This is the grammar of the board.

use crate::{Kind, Reference};

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
