//! Actors, versions and events to save.

use aether_core::{ActorId, Event, Payload, Version};

use super::OrFail;

/// The actor with this id.
#[track_caller]
pub(crate) fn actor(id: impl AsRef<str>) -> ActorId {
    let id = id.as_ref();
    ActorId::new(id).or_fail(format_args!("making the actor id {id:?}"))
}

/// A version.
pub(crate) fn v(number: u64) -> Version {
    Version::new(number)
}

/// An event that says its version.
#[track_caller]
pub(crate) fn event(actor: &ActorId, version: u64) -> Event {
    Event::new(actor, v(version), "Happened", &version)
        .or_fail(format_args!("making version {version} of {actor}"))
}

/// An event of this type that says its version.
#[track_caller]
pub(crate) fn typed(actor: &ActorId, version: u64, event_type: &'static str) -> Event {
    Event::new(actor, v(version), event_type, &version)
        .or_fail(format_args!("making version {version} of {actor}"))
}

/// An event with this payload.
#[track_caller]
pub(crate) fn payload_event(actor: &ActorId, version: u64, payload: Payload) -> Event {
    Event::builder(actor, v(version), "Happened")
        .payload(payload)
        .build()
        .or_fail(format_args!("making version {version} of {actor}"))
}

/// Events of these versions.
#[track_caller]
pub(crate) fn series(actor: &ActorId, versions: impl IntoIterator<Item = u64>) -> Vec<Event> {
    versions.into_iter().map(|version| event(actor, version)).collect()
}

/// JSON data from its text, byte by byte.
#[track_caller]
pub(crate) fn json(text: impl Into<String>) -> Payload {
    Payload::new(aether_core::JSON, text.into()).or_fail("making JSON data")
}
