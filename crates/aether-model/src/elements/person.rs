//! [`Person`]: somebody who decides.

use serde::{Deserialize, Serialize};

use super::{Note, references};
use crate::role::{Link, Role};
use crate::serial::many;
use crate::{Kind, Name, Reference};

/// Somebody who decides, by what read models show, to give commands: a customer, a clerk. A small yellow note.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Person {
    /// Who it is: a role, rather than one person.
    #[serde(skip)]
    pub name: Name,
    /// What else is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// The commands that the person gives.
    #[serde(with = "many", skip_serializing_if = "Vec::is_empty")]
    pub issue: Vec<Reference>,
    /// The read models that the person decides by.
    #[serde(with = "many", skip_serializing_if = "Vec::is_empty")]
    pub look_at: Vec<Reference>,
}

impl Person {
    /// A person.
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

    /// Gives these commands.
    #[must_use]
    pub fn issues<I>(mut self, commands: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Reference>,
    {
        self.issue.extend(references(commands));
        self
    }

    /// Looks at these read models.
    #[must_use]
    pub fn looks_at<I>(mut self, read_models: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Reference>,
    {
        self.look_at.extend(references(read_models));
        self
    }
}

impl Note for Person {
    fn kind(&self) -> Kind {
        Kind::Person
    }

    fn name(&self) -> &Name {
        &self.name
    }

    fn links(&self) -> Vec<Link<'_>> {
        vec![Link::new(Role::Issues, &self.issue), Link::new(Role::LooksAt, &self.look_at)]
    }
}
