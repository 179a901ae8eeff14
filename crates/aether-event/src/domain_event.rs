//! [`DomainEvent`], the trait that the derive implements, and the descriptions that it is made of.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Old, Upcast, UpcastError};

/// The events of one kind of actor: an enum, each variant one type of event with a stable name and a version.
///
/// Derived: `#[derive(Serialize, Deserialize, DomainEvent)]`; see the [crate's guide](crate).
///
/// By hand: the variants are in [`VARIANTS`](Self::VARIANTS) in the order in which they are declared, since that is how
/// serde counts them, and serde writes the enum the way it does by default. [`check`](crate::check()) finds out whether the
/// names, versions and upcasters make sense.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a domain event",
    label = "not an enum with `#[derive(DomainEvent)]`",
    note = "add `#[derive(Serialize, Deserialize, DomainEvent)]` to the enum `{Self}` of your events"
)]
pub trait DomainEvent: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name of the enum: its key in a schema file, and what errors call it.
    const NAME: &'static str;

    /// The variants, in the order in which they are declared.
    const VARIANTS: &'static [Variant];

    /// The types of events that there is no variant for any more.
    const RETIRED: &'static [Retired] = &[];

    /// Returns the index of this event in [`VARIANTS`](Self::VARIANTS).
    fn variant(&self) -> usize;
}

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
