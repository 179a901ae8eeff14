//! [`Command`]: what somebody wants to happen.

use serde::{Deserialize, Serialize};

use super::{Field, Note};
use crate::serial::entries;
use crate::{Kind, Name};

/// What somebody wants to happen: `Open account`. A blue note.
///
/// A command that an aggregate or a system takes is on the board by that. It is listed by itself to say more of it, or while
/// nobody knows yet who takes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Command {
    /// What is wanted, as an order.
    #[serde(skip)]
    pub name: Name,
    /// What else is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// What it says.
    #[serde(with = "entries", skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
}

impl Command {
    /// A command.
    #[must_use]
    pub fn new(name: impl Into<Name>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// With what else is known of it.
    #[must_use]
    pub fn notes(mut self, notes: impl Into<String>) -> Self {
        self.notes = Some(notes.into());
        self
    }

    /// With one more field, and what kind of value it has, in words.
    #[must_use]
    pub fn field(mut self, name: impl Into<Name>, of: impl Into<String>) -> Self {
        self.fields.push(Field::new(name, of));
        self
    }
}

impl Note for Command {
    fn kind(&self) -> Kind {
        Kind::Command
    }

    fn name(&self) -> &Name {
        &self.name
    }
}
