//! [`Schema`]: what the events of an enum look like, kept in a file to compare later code with.

mod compare;
mod error;
mod file;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use error::SchemaError;
pub use file::{WRITE_SCHEMAS, check_schemas, write_schemas};

use crate::{DomainEvent, InvalidEvents, Shape, Variant, check};

/// The schema of an enum of events: its types with their names, versions and fields.
///
/// A field's type is the text of the code. What is inside of a type of the user's own is not seen: who changes such a type
/// so that old data does not fit raises the versions of the events that have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    name: &'static str,
    events: Types,
    /// What is wrong with the enum as such.
    invalid: Option<InvalidEvents>,
}

impl Schema {
    /// The schema of `E` as the code has it.
    #[must_use]
    pub fn of<E: DomainEvent>() -> Self {
        let variants = E::VARIANTS.iter().map(|variant| (variant.name.to_owned(), Type::of(variant)));
        let retired = E::RETIRED.iter().map(|retired| {
            let version = retired.upcasters.iter().map(|upcaster| upcaster.from).max().unwrap_or(0);
            (retired.name.to_owned(), Type { version, retired: true, ..Type::default() })
        });
        Self { name: E::NAME, events: variants.chain(retired).collect(), invalid: check::<E>().err() }
    }

    /// The name of the enum.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name
    }
}

/// The types of an enum's events by their names, as they are in a file.
type Types = BTreeMap<String, Type>;

/// What a file says of all enums.
type File = BTreeMap<String, Types>;

/// One type of event.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Type {
    /// The latest version.
    version: u32,
    /// Older names.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    was: BTreeSet<String>,
    /// Only in a file: the name that it has now. What stands here is from before it had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    now: Option<String>,
    /// There is no variant for it any more, only upcasters.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    retired: bool,
    /// What the data looks like, or looked like, in each version: in code only the latest, in a file all that it ever had.
    versions: BTreeMap<u32, Data>,
}

/// The data of one version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    shape: Shape,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Field {
    name: String,
    #[serde(rename = "type")]
    ty: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    optional: bool,
}

impl Type {
    fn of(variant: &Variant) -> Self {
        let field = |field: &crate::Field| Field {
            name: field.name.to_owned(),
            ty: field.ty.to_owned(),
            optional: field.optional,
        };
        let data = Data { shape: variant.shape, fields: variant.fields.iter().map(field).collect() };
        Self {
            version: variant.version,
            was: variant.aliases.iter().map(|&alias| alias.to_owned()).collect(),
            now: None,
            retired: false,
            versions: BTreeMap::from([(variant.version, data)]),
        }
    }
}
