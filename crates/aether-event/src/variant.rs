//! [`Variant`]: one type of event, as its code knows it today.

use crate::Upcaster;

/// One type of event, as its code knows it today.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Variant {
    /// The stable name, without a version.
    pub name: &'static str,
    /// The version of its schema, from 1.
    pub version: u32,
    /// The type on the wire: the name for version 1, `name.v2` and so on for later ones.
    pub event_type: &'static str,
    /// Older names under which there may be events in logs.
    pub aliases: &'static [&'static str],
    /// The shape of the data.
    pub shape: Shape,
    /// The fields of the data, in order.
    pub fields: &'static [Field],
    /// The upcasters, one for each version before this one.
    pub upcasters: &'static [Upcaster],
}

impl Variant {
    /// A variant without data. `event_type` is `name` for version 1, and `name.v2` and so on for later ones.
    #[must_use]
    pub const fn new(name: &'static str, version: u32, event_type: &'static str) -> Self {
        Self { name, version, event_type, aliases: &[], shape: Shape::Unit, fields: &[], upcasters: &[] }
    }

    /// The same with older names.
    #[must_use]
    pub const fn with_aliases(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    /// The same with data.
    #[must_use]
    pub const fn with_data(self, shape: Shape, fields: &'static [Field]) -> Self {
        Self { shape, fields, ..self }
    }

    /// The same with upcasters.
    #[must_use]
    pub const fn with_upcasters(self, upcasters: &'static [Upcaster]) -> Self {
        Self { upcasters, ..self }
    }

    /// Its name, and then its older names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

/// The shape of the data of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Shape {
    /// No data: `Closed`.
    Unit,
    /// The data is that of the one field: `Renamed(Name)`.
    Newtype,
    /// The data is an array: `Moved(u32, u32)`.
    Tuple,
    /// The data is an object: `Opened { owner: String }`.
    Struct,
}

/// One field of an event's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// The name in the JSON object; the index, where the data is an array or the field itself.
    pub name: &'static str,
    /// The type, as it is written in the code.
    pub ty: &'static str,
    /// True if data without the field can be read.
    pub optional: bool,
}

impl Field {
    /// A field that has to be there.
    #[must_use]
    pub const fn new(name: &'static str, ty: &'static str) -> Self {
        Self { name, ty, optional: false }
    }

    /// A field that may be missing.
    #[must_use]
    pub const fn optional(name: &'static str, ty: &'static str) -> Self {
        Self { name, ty, optional: true }
    }
}
