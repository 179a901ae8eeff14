//! [`SchemaError`]: how a schema file and the code differ.

use std::fmt;
use std::path::{Path, PathBuf};

use aether_core::Source;

use super::WRITE_SCHEMAS;
use crate::InvalidEvents;

/// The differences between a schema file and the code, or the reason why they cannot be compared.
///
/// It is mostly seen where a test fails, so `{:?}` prints the message, too.
pub struct SchemaError {
    path: PathBuf,
    kind: Kind,
}

pub(super) enum Kind {
    /// Old events could not be read.
    Breaking(Vec<String>),
    /// The file lacks what is new.
    Outdated(Vec<String>),
    /// The enum itself makes no sense.
    Invalid(InvalidEvents),
    /// Two enums have one name.
    Twice(String),
    /// The file could not be read, written or understood.
    File(&'static str, Source),
}

impl SchemaError {
    pub(super) fn new(path: &Path, kind: Kind) -> Self {
        Self { path: path.to_owned(), kind }
    }

    /// Returns whether the code cannot read events that logs may contain. The code has to change.
    #[must_use]
    pub fn is_breaking(&self) -> bool {
        matches!(self.kind, Kind::Breaking(_))
    }

    /// Returns whether the code is right and only the file has to be written again.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        matches!(self.kind, Kind::Outdated(_))
    }
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.kind {
            Kind::Breaking(what) => {
                write!(f, "events that are in logs could not be read any more, as {path} says:")?;
                list(f, what)?;
                write!(f, "\nthen write the file anew, by {WRITE_SCHEMAS}=1 or write_schemas")
            }
            Kind::Outdated(what) => {
                write!(f, "{path} is out of date:")?;
                list(f, what)?;
                write!(f, "\nwrite the file anew, by {WRITE_SCHEMAS}=1 or write_schemas, and commit it")
            }
            Kind::Invalid(invalid) => invalid.fmt(f),
            Kind::Twice(name) => {
                write!(
                    f,
                    "two enums are called {name}; say another name on one of them by `#[event(name = \"…\")]`"
                )
            }
            Kind::File(what, _) => write!(f, "the schema file {path} {what}"),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, what: &[String]) -> fmt::Result {
    what.iter().try_for_each(|line| write!(f, "\n- {line}"))
}

impl fmt::Debug for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        match &self.kind {
            Kind::File(_, source) => write!(f, ": {source}"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for SchemaError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            Kind::File(_, source) => Some(&**source),
            _ => None,
        }
    }
}
