//! [`Namespace`]: a tenant, or any other boundary that events do not cross.

use std::fmt;
use std::str::FromStr;

/// The name of a namespace: literal, whatever characters it has. Each namespace has storage of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Namespace(String);

impl Namespace {
    /// The longest namespace, in bytes.
    pub const MAX_LEN: usize = 128;

    /// Checks `name` and takes it.
    ///
    /// # Errors
    /// [`InvalidNamespace`] if the name is empty or longer than [`MAX_LEN`](Self::MAX_LEN) bytes.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidNamespace> {
        let name = name.into();
        if name.is_empty() {
            return Err(InvalidNamespace::Empty);
        }
        if name.len() > Self::MAX_LEN {
            return Err(InvalidNamespace::TooLong { length: name.len() });
        }
        Ok(Self(name))
    }

    /// The name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name with everything that NATS refuses, or that would act there, replaced by `_`: white space,
    /// control characters, dots, wildcards, slashes and backslashes.
    ///
    /// Different namespaces may have the same sanitised name, so a store keeps the raw name as well and refuses a
    /// stream of another namespace.
    #[must_use]
    pub fn sanitised(&self) -> String {
        sanitise(&self.0)
    }
}

/// `name` with everything that NATS refuses, or that would act there, replaced by `_`.
#[must_use]
pub fn sanitise(name: &str) -> String {
    name.chars()
        .map(|c| match c {
            '.' | '*' | '>' | '/' | '\\' => '_',
            c if c.is_whitespace() || c.is_control() => '_',
            c => c,
        })
        .collect()
}

/// The reason why a text is not a [`Namespace`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidNamespace {
    /// The name has no characters.
    #[error("a namespace must not be empty; leave it out to work without one")]
    Empty,
    /// The name is too long.
    #[error("a namespace may have {} bytes, this one has {length}", Namespace::MAX_LEN)]
    TooLong {
        /// Its length, in bytes.
        length: usize,
    },
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Namespace {
    type Err = InvalidNamespace;

    fn from_str(name: &str) -> Result<Self, InvalidNamespace> {
        Self::new(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nats_refuses_becomes_an_underscore() {
        let sanitised = |name: &str| Namespace::new(name).unwrap().sanitised();
        assert_eq!(sanitised("tenant-abc"), "tenant-abc");
        assert_eq!(sanitised("a.b c*>/\\\t\u{a0}"), "a_b_c______");
    }
}
