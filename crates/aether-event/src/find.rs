//! Finding what stands for a type on the wire in today's code.

use std::borrow::Cow;

use crate::{DomainEvent, Upcaster, wire};

/// What a type on the wire is today.
pub(crate) enum Found {
    /// The variant of this index, as it is.
    Current(usize),
    /// An older version, to be upcast.
    Old {
        upcaster: &'static Upcaster,
        /// The next version, where the upcaster leads if it says nothing else.
        next: Cow<'static, str>,
    },
    /// An older version that nothing brings up to date. A derived enum has none.
    Stuck,
    /// A later version than the code's, which is this.
    Newer(u32),
    /// Nothing that the code knows.
    Unknown,
}

pub(crate) fn find<E: DomainEvent>(event_type: &str) -> Found {
    if let Some(index) = E::VARIANTS.iter().position(|variant| variant.event_type == event_type) {
        return Found::Current(index);
    }
    let (name, version) = wire::split(event_type);
    for (index, variant) in E::VARIANTS.iter().enumerate() {
        if variant.names().any(|known| known == name) {
            return match version {
                _ if version > variant.version => Found::Newer(variant.version),
                _ if version == variant.version => Found::Current(index),
                _ => old(variant.name, version, variant.upcasters),
            };
        }
    }
    for retired in E::RETIRED {
        if retired.name == name {
            let last = retired.upcasters.iter().map(|upcaster| upcaster.from).max().unwrap_or(0);
            return match version {
                _ if version > last => Found::Newer(last),
                _ => old(retired.name, version, retired.upcasters),
            };
        }
    }
    Found::Unknown
}

fn old(name: &'static str, version: u32, upcasters: &'static [Upcaster]) -> Found {
    match upcasters.iter().find(|upcaster| upcaster.from == version) {
        Some(upcaster) => Found::Old { upcaster, next: wire::join(name, version.saturating_add(1)) },
        None => Found::Stuck,
    }
}
