//! [`DomainEvent`]: something that has happened.

use serde::{Deserialize, Serialize};

use super::Note;
use crate::serial::{Entry, entries};
use crate::{Kind, Name};

/// Something that has happened, and that the business speaks of: `Account opened`. An orange note.
///
/// An event that an aggregate or a system emits is on the board by that. It is listed by itself to say more of it, or while
/// nobody knows yet who emits it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct DomainEvent {
    /// What has happened, in the past tense.
    #[serde(skip)]
    pub name: Name,
    /// What else is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// What it says.
    #[serde(with = "entries", skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
}

impl DomainEvent {
    /// An event.
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

impl Note for DomainEvent {
    fn kind(&self) -> Kind {
        Kind::Event
    }

    fn name(&self) -> &Name {
        &self.name
    }
}

/// A piece of what an event or a command says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Field {
    /// What it is called.
    #[serde(skip)]
    pub name: Name,
    /// What kind of value it has, in words: `cents`, `a date`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

impl Field {
    /// A field, and what kind of value it has, in words.
    #[must_use]
    pub fn new(name: impl Into<Name>, of: impl Into<String>) -> Self {
        Self { name: name.into(), of: Some(of.into()) }
    }
}

impl Entry for Field {
    fn entry_name(&mut self) -> &mut Name {
        &mut self.name
    }

    fn entry_text(&mut self) -> &mut Option<String> {
        &mut self.of
    }
}
