//! How boards are written down: forms that are pleasant to write by hand, whatever the format.

mod board;
pub(crate) mod entries;
pub(crate) mod many;
mod text_or;

pub(crate) use entries::Entry;
pub(crate) use text_or::TextOr;

use crate::Name;
use crate::elements::{Aggregate, Command, DomainEvent, ExternalSystem, Person, Policy, ReadModel};

/// Notes are entries of their section, and the text that says all is their notes.
macro_rules! entry {
    ($($type:ident),*) => {
        $(impl Entry for $type {
            fn entry_name(&mut self) -> &mut Name {
                &mut self.name
            }

            fn entry_text(&mut self) -> &mut Option<String> {
                &mut self.notes
            }
        })*
    };
}

entry!(Aggregate, Command, DomainEvent, ExternalSystem, Person, Policy, ReadModel);
