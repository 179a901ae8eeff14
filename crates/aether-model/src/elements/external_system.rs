//! [`ExternalSystem`]: what is not ours.

use serde::{Deserialize, Serialize};

use super::{Note, references};
use crate::role::{Link, Role};
use crate::serial::many;
use crate::{Kind, Name, Reference};

/// What is not ours, takes commands and makes events happen: a card scheme, the tax office, a calendar. A pink note.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ExternalSystem {
    /// What it is called.
    #[serde(skip)]
    pub name: Name,
    /// What else is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// The commands that it takes.
    #[serde(with = "many", skip_serializing_if = "Vec::is_empty")]
    pub receives: Vec<Reference>,
    /// The events that come from it.
    #[serde(with = "many", skip_serializing_if = "Vec::is_empty")]
    pub emits: Vec<Reference>,
}

impl ExternalSystem {
    /// An external system.
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

    /// Takes these commands.
    #[must_use]
    pub fn receives<I>(mut self, commands: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Reference>,
    {
        self.receives.extend(references(commands));
        self
    }

    /// These events come from it.
    #[must_use]
    pub fn emits<I>(mut self, events: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Reference>,
    {
        self.emits.extend(references(events));
        self
    }
}

impl Note for ExternalSystem {
    fn kind(&self) -> Kind {
        Kind::ExternalSystem
    }

    fn name(&self) -> &Name {
        &self.name
    }

    fn links(&self) -> Vec<Link<'_>> {
        vec![Link::new(Role::Receives, &self.receives), Link::new(Role::Emits, &self.emits)]
    }
}
