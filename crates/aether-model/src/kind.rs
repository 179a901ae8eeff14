//! [`Kind`]: what a sticky note is.

use std::fmt;

/// What a sticky note is. On a wall its colour says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// Something that has happened. Orange.
    Event,
    /// What somebody wants to happen. Blue.
    Command,
    /// Somebody who decides. A small yellow note.
    Person,
    /// What decides about commands, and guards its rules. Large and pale yellow.
    Aggregate,
    /// What reacts to events with commands. Lilac.
    Policy,
    /// What somebody looks at before deciding. Green.
    ReadModel,
    /// What is not ours. Pink.
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
