//! [`Sticky`] and [`Flow`]: one note on the board, and the arrow between two.

use std::fmt;

use crate::{Kind, Name};

/// One sticky note: where it is, what it is and what stands on it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sticky {
    /// The context that it is in. `None` is on the board outside of all contexts.
    pub context: Option<Name>,
    /// What it is.
    pub kind: Kind,
    /// What stands on it.
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
    /// Where it begins.
    pub from: Sticky,
    /// Where it leads.
    pub to: Sticky,
    /// How long after, if a policy waits: in words, as on the board.
    pub after: Option<String>,
}

impl Flow {
    /// Whether this is a look at something, or a remark about it, rather than something that makes something happen.
    #[must_use]
    pub fn is_information(&self) -> bool {
        matches!(self.from.kind, Kind::ReadModel | Kind::HotSpot)
    }
}
