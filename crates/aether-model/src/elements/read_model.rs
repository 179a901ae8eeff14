//! [`ReadModel`]: what somebody looks at before deciding.

use serde::{Deserialize, Serialize};

use super::{Note, references};
use crate::role::{Link, Role};
use crate::serial::many;
use crate::{Kind, Name, Reference};

/// What somebody looks at before deciding: balances, a list of open transfers. A green note, and a projection in code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ReadModel {
    /// What it shows.
    #[serde(skip)]
    pub name: Name,
    /// What else is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// The events that it is made from.
    #[serde(with = "many", skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<Reference>,
}

impl ReadModel {
    /// A read model.
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

    /// Is made from these events.
    #[must_use]
    pub fn from_events<I>(mut self, events: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Reference>,
    {
        self.from.extend(references(events));
        self
    }
}

impl Note for ReadModel {
    fn kind(&self) -> Kind {
        Kind::ReadModel
    }

    fn name(&self) -> &Name {
        &self.name
    }

    fn links(&self) -> Vec<Link<'_>> {
        vec![Link::new(Role::From, &self.from)]
    }
}
