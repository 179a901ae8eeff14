//! [`Policy`]: what reacts to events with commands.

use serde::{Deserialize, Serialize};

use super::{Note, references};
use crate::role::{Link, Role};
use crate::serial::many;
use crate::{Kind, Name, Reference};

/// What reacts to events with commands: whenever *this* has happened, then *that* is to be done. A lilac note.
///
/// One that has to remember what it waits for is a process manager; what it remembers are events, which it emits. One that
/// waits some time is a timer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Policy {
    /// What it is called.
    #[serde(skip)]
    pub name: Name,
    /// What else is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// The events that it reacts to.
    #[serde(with = "many", skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Reference>,
    /// How long it waits before it sends, if it does: in words, `a day`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The read models that it decides by.
    #[serde(with = "many", skip_serializing_if = "Vec::is_empty")]
    pub look_at: Vec<Reference>,
    /// The commands that it sends.
    #[serde(with = "many", skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<Reference>,
    /// The events that it remembers its work by, if it is a process manager.
    #[serde(with = "many", skip_serializing_if = "Vec::is_empty")]
    pub emits: Vec<Reference>,
}

impl Policy {
    /// A policy.
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

    /// Reacts to these events.
    #[must_use]
    pub fn when<I>(mut self, events: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Reference>,
    {
        self.when.extend(references(events));
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

    /// Sends these commands.
    #[must_use]
    pub fn then<I>(mut self, commands: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Reference>,
    {
        self.then.extend(references(commands));
        self
    }

    /// Remembers its work by these events, as a process manager.
    #[must_use]
    pub fn emits<I>(mut self, events: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Reference>,
    {
        self.emits.extend(references(events));
        self
    }

    /// Waits before it sends: in words, `a day`.
    #[must_use]
    pub fn after(mut self, after: impl Into<String>) -> Self {
        self.after = Some(after.into());
        self
    }
}

impl Note for Policy {
    fn kind(&self) -> Kind {
        Kind::Policy
    }

    fn name(&self) -> &Name {
        &self.name
    }

    fn links(&self) -> Vec<Link<'_>> {
        vec![
            Link::new(Role::When, &self.when),
            Link::new(Role::LooksAt, &self.look_at),
            Link::new(Role::Then, &self.then),
            Link::new(Role::Emits, &self.emits),
        ]
    }

    fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }
}
