//! [`Aggregate`]: what decides about commands.

use serde::{Deserialize, Serialize};

use super::{Note, references};
use crate::role::{Link, Role};
use crate::serial::many;
use crate::{Kind, Name, Reference};

/// What decides about commands and guards the rules between its own facts: an account. A large pale yellow note.
///
/// It is the boundary of consistency, and an actor in code: its commands are decided one after the other, each against all
/// that has happened to it before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Aggregate {
    /// What it is.
    #[serde(skip)]
    pub name: Name,
    /// What else is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// The commands that it decides about.
    #[serde(with = "many", skip_serializing_if = "Vec::is_empty")]
    pub handles: Vec<Reference>,
    /// The events that come of it.
    #[serde(with = "many", skip_serializing_if = "Vec::is_empty")]
    pub emits: Vec<Reference>,
    /// The queries that it answers. A board need not show them.
    #[serde(with = "many", skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Reference>,
}

impl Aggregate {
    /// An aggregate.
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

    /// Decides about these commands.
    #[must_use]
    pub fn handles<I>(mut self, commands: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Reference>,
    {
        self.handles.extend(references(commands));
        self
    }

    /// These events come of it.
    #[must_use]
    pub fn emits<I>(mut self, events: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Reference>,
    {
        self.emits.extend(references(events));
        self
    }

    /// Answers these queries.
    #[must_use]
    pub fn answers<I>(mut self, queries: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Reference>,
    {
        self.answers.extend(references(queries));
        self
    }
}

impl Note for Aggregate {
    fn kind(&self) -> Kind {
        Kind::Aggregate
    }

    fn name(&self) -> &Name {
        &self.name
    }

    fn links(&self) -> Vec<Link<'_>> {
        vec![Link::new(Role::Handles, &self.handles), Link::new(Role::Emits, &self.emits)]
    }

    fn answers(&self) -> &[Reference] {
        &self.answers
    }
}
