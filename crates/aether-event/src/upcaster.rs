//! [`Upcaster`]: where an old version leads, and [`Retired`]: the types that are not written any more.

use crate::{Old, Upcast, UpcastError};

/// Brings the data of one old version up to date, one step.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Upcaster {
    /// The version of the data that it takes.
    pub from: u32,
    /// The function that upcasts.
    pub upcast: fn(Old) -> Result<Upcast, UpcastError>,
    /// The types on the wire that it may lead to; if there are none, the next version of the same name.
    pub into: &'static [&'static str],
}

impl Upcaster {
    /// From version `from` to the next version of the same name.
    #[must_use]
    pub const fn new(from: u32, upcast: fn(Old) -> Result<Upcast, UpcastError>) -> Self {
        Self { from, upcast, into: &[] }
    }

    /// The same, leading to these types on the wire instead.
    #[must_use]
    pub const fn leading_to(self, into: &'static [&'static str]) -> Self {
        Self { into, ..self }
    }
}

/// A type of events that is in logs and not written any more: there is no variant for it, but upcasters to others.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Retired {
    /// The name that the events had, without a version.
    pub name: &'static str,
    /// The upcasters, one for each version that existed.
    pub upcasters: &'static [Upcaster],
}

impl Retired {
    /// Events called `name`, and what becomes of each version of them.
    #[must_use]
    pub const fn new(name: &'static str, upcasters: &'static [Upcaster]) -> Self {
        Self { name, upcasters }
    }
}
