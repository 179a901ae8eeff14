//! [`HotSpot`]: a question, a conflict, a risk.

use serde::{Deserialize, Serialize};

use super::{Note, references};
use crate::role::{Link, Role};
use crate::serial::{TextOr, many};
use crate::{Kind, Name, Reference};

/// A question, a conflict or a risk that nobody has settled yet, stuck to what it is about. A red note.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "TextOr<Written>")]
#[non_exhaustive]
pub struct HotSpot {
    /// What is open.
    pub text: Name,
    /// The notes that it is about, of any kind. None: what it stands in, the context or the board.
    #[serde(with = "many", skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<Reference>,
}

/// A hot spot as it is written with all that belongs to it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    text: Name,
    #[serde(default, with = "many")]
    about: Vec<Reference>,
}

impl From<TextOr<Written>> for HotSpot {
    fn from(written: TextOr<Written>) -> Self {
        match written {
            TextOr::Text(text) => Self { text: text.into(), about: Vec::new() },
            TextOr::Full(Written { text, about }) => Self { text, about },
        }
    }
}

impl HotSpot {
    /// A hot spot, and what is open.
    #[must_use]
    pub fn new(text: impl Into<Name>) -> Self {
        Self { text: text.into(), about: Vec::new() }
    }

    /// Is about these notes.
    #[must_use]
    pub fn about<I>(mut self, notes: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Reference>,
    {
        self.about.extend(references(notes));
        self
    }
}

impl Note for HotSpot {
    fn kind(&self) -> Kind {
        Kind::HotSpot
    }

    fn name(&self) -> &Name {
        &self.text
    }

    fn links(&self) -> Vec<Link<'_>> {
        vec![Link::new(Role::About, &self.about)]
    }
}
