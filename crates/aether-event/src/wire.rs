//! Types on the wire, and the variant or the upcaster that each of them leads to.

use std::borrow::Cow;

use crate::{DomainEvent, Upcaster};

/// The prefix of the types of Aether's own events, such as `aether.TimerSet`.
pub const SYSTEM_PREFIX: &str = "aether.";

/// Returns whether events of this type are Aether's own rather than domain events.
#[must_use]
pub fn is_system(event_type: &str) -> bool {
    event_type.starts_with(SYSTEM_PREFIX)
}

/// The type on the wire of version `version` of the events called `name`.
pub(crate) fn join(name: &'static str, version: u32) -> Cow<'static, str> {
    if version == 1 { Cow::Borrowed(name) } else { Cow::Owned(format!("{name}.v{version}")) }
}

/// The name and the version in a type on the wire.
pub(crate) fn split(event_type: &str) -> (&str, u32) {
    event_type
        .rsplit_once(".v")
        .and_then(|(name, digits)| Some((name, version(digits)?)))
        .unwrap_or((event_type, 1))
}

/// A version as [`join`] writes it: from 2 on, without zeros in front.
fn version(digits: &str) -> Option<u32> {
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|version| plain && *version >= 2)
}

/// All types that events of `E` have or had on the wire: of every version, also under older names, also retired ones.
///
/// Readers of all events of `E` ask a store for these types.
///
/// ```
/// # use aether_event::DomainEvent;
/// # use serde::{Serialize, Deserialize};
/// use aether_core::EventFilter;
///
/// #[derive(Serialize, Deserialize, DomainEvent)]
/// enum DoorEvent {
///     #[event(was = "DoorUnlocked")]
///     DoorOpened,
/// }
///
/// assert_eq!(aether_event::types::<DoorEvent>(), ["DoorOpened", "DoorUnlocked"]);
/// let doors = EventFilter::category("door").types(aether_event::types::<DoorEvent>());
/// # let _ = doors;
/// ```
#[must_use]
pub fn types<E: DomainEvent>() -> Vec<Cow<'static, str>> {
    let mut types = Vec::new();
    for variant in E::VARIANTS {
        for name in variant.names() {
            types.extend((1..=variant.version).map(|version| join(name, version)));
        }
    }
    for retired in E::RETIRED {
        types.extend(retired.upcasters.iter().map(|upcaster| join(retired.name, upcaster.from)));
    }
    types
}

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
    let (name, version) = split(event_type);
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
        Some(upcaster) => Found::Old { upcaster, next: join(name, version.saturating_add(1)) },
        None => Found::Stuck,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_joined_is_split() {
        assert_eq!(split("Deposited"), ("Deposited", 1));
        assert_eq!(split("Deposited.v2"), ("Deposited", 2));
        assert_eq!(split("bank.v1.Deposited.v12"), ("bank.v1.Deposited", 12));
        for plain in
            ["Deposited.v1", "Deposited.v02", "Deposited.v+2", "Deposited.v", "Deposited.v99999999999"]
        {
            assert_eq!(split(plain), (plain, 1));
        }
        for version in 1..12 {
            assert_eq!(split(&join("A", version)), ("A", version));
        }
    }
}
