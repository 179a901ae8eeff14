//! [`DomainEvent`]: the events of one kind of actor, as an enum.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Retired, Variant};

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
