//! [`Topic`]: what both board and code say of a note, and how to speak of it.

use crate::elements::Note;
use crate::grammar::Role;
use crate::{Component, Kind, Reference};

/// What both board and code say of a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    Handles,
    Emits,
    Answers,
    ReactsTo,
    Sends,
    MadeFrom,
}

impl Topic {
    pub(crate) const ALL: [Self; 6] =
        [Self::Handles, Self::Emits, Self::Answers, Self::ReactsTo, Self::Sends, Self::MadeFrom];

    /// What the board says.
    pub(crate) fn on_board(self, note: &dyn Note) -> Vec<&Reference> {
        let role = match self {
            Self::Handles => Role::Handles,
            Self::Emits => Role::Emits,
            Self::Answers => return note.answers().iter().collect(),
            Self::ReactsTo => Role::When,
            Self::Sends => Role::Then,
            Self::MadeFrom => Role::From,
        };
        note.links().into_iter().filter(|link| link.role == role).flat_map(|link| link.references).collect()
    }

    /// What the code says.
    pub(crate) fn in_code(self, component: &Component) -> Vec<&Reference> {
        match self {
            Self::Handles => component.handles.iter().collect(),
            Self::Emits => component.emits.iter().collect(),
            Self::Answers => component.answers.iter().collect(),
            Self::ReactsTo => component.reacts_to.iter().collect(),
            // A policy's timers and effects are its own way of sending; any other's are those of a policy on the board.
            Self::Sends if component.kind == Kind::Policy => {
                component.sends.iter().chain(&component.schedules).chain(&component.effects).collect()
            }
            Self::Sends => component.sends.iter().collect(),
            Self::MadeFrom => component.from.iter().collect(),
        }
    }

    /// What is mentioned has to be of this kind, if it is on the board at all.
    pub(crate) fn target(self) -> Option<Kind> {
        match self {
            Self::Handles | Self::Sends => Some(Kind::Command),
            Self::Emits | Self::ReactsTo | Self::MadeFrom => Some(Kind::Event),
            Self::Answers => None,
        }
    }

    /// Whether what the code says has to be on the board as well.
    pub(crate) fn belongs_on_board(self) -> bool {
        self != Self::Answers
    }

    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::Handles => "handles",
            Self::Emits => "emits",
            Self::Answers => "answers",
            Self::ReactsTo => "reacts to",
            Self::Sends => "sends",
            Self::MadeFrom => "is made from",
        }
    }

    /// What is missing, after "no such".
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Handles => "command",
            Self::Emits => "event",
            Self::Answers => "query",
            Self::ReactsTo => "reaction",
            Self::Sends => "command to send",
            Self::MadeFrom => "event in its projection",
        }
    }

    /// How code comes to have it.
    pub(crate) fn to_code(self) -> &'static str {
        match self {
            Self::Handles => "add it to the actor's commands",
            Self::Emits => "add it to the enum of its events",
            Self::Answers => "add it to the actor's queries",
            Self::ReactsTo => "let the code react to it",
            Self::Sends => "let the code send it",
            Self::MadeFrom => "let the projection take it in",
        }
    }

    /// Where on the board it has to stand.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Handles => "handles",
            Self::Emits => "emits",
            Self::Answers => "answers",
            Self::ReactsTo => "when",
            Self::Sends => "then",
            Self::MadeFrom => "from",
        }
    }
}
