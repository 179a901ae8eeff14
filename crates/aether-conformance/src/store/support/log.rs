//! Events to save, and logs of them.

use aether_core::{
    ActorId, Commit, Event, EventFilter, Payload, Position, ReadFrom, RecordedEvent, Saved, Version,
};
use futures_util::future::join_all;

use super::{OrFail, Store};
use crate::store::{Capability, Fixture};

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

/// A log whose events are known.
pub(crate) struct Known {
    /// All events, as they are read.
    pub(crate) all: Vec<RecordedEvent>,
    /// Where the last commit stands, which may have no events.
    pub(crate) last: Position,
}

impl Known {
    /// The events that a filter lets through.
    pub(crate) fn matching(&self, filter: &EventFilter) -> Vec<RecordedEvent> {
        matching(&self.all, filter)
    }
}

/// The events that a filter lets through.
pub(crate) fn matching(events: &[RecordedEvent], filter: &EventFilter) -> Vec<RecordedEvent> {
    events.iter().filter(|event| filter.matches(event)).cloned().collect()
}

/// Saves commits of one event and of several, without events, and of several actors where the store has them; of two
/// categories, and of the types `Placed` and `Paid`. The last one has no events.
pub(crate) async fn a_log(fixture: &dyn Fixture, store: &Store) -> Known {
    let several = fixture.declines(Capability::SeveralActors).is_none();
    for _ in 0..3 {
        more_of_a_log(store, several).await;
    }
    let last = note(store, "order-a").await.position;
    Known { all: store.all().await, last }
}

/// Saves hundreds of commits of two events each, of two categories; each event has this much data, in bytes.
pub(crate) async fn a_long_log(store: &Store, data: usize) -> Known {
    let data = format!("\"{}\"", "x".repeat(data));
    join_all((0..20).map(|n| {
        let category = if n % 2 == 0 { "order" } else { "parcel" };
        let (actor, data) = (actor(format!("{category}-{n}")), &data);
        async move {
            for first in (1..60).step_by(2) {
                let next = |version| payload_event(&actor, version, json(data.clone()));
                store.save_events(&[next(first), next(first + 1)]).await;
            }
        }
    }))
    .await;
    let all = store.all().await;
    let last = all.last().or_fail("finding the last event").position;
    Known { all, last }
}

async fn more_of_a_log(store: &Store, several: bool) {
    save_next(store, &[("order-a", "Placed")]).await;
    save_next(store, &[("order-b", "Placed"), ("order-b", "Paid"), ("order-b", "Placed")]).await;
    note(store, "order-b").await;
    save_next(store, &[("invoice-a", "Paid")]).await;
    if several {
        save_next(store, &[("order-a", "Paid"), ("invoice-a", "Paid"), ("order-a", "Placed")]).await;
        save_next(store, &[("invoice-b", "Placed"), ("order-b", "Paid"), ("order-b", "Paid")]).await;
    }
    save_next(store, &[("order-a", "Paid"), ("order-a", "Placed")]).await;
}

/// Saves a commit of the next events of these actors, of these types.
pub(crate) async fn save_next(store: &Store, what: &[(&str, &'static str)]) -> Saved {
    store.save_events(&next_events(store, what).await).await
}

/// The next events of these actors, of these types.
pub(crate) async fn next_events(store: &Store, what: &[(&str, &'static str)]) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    for (id, event_type) in what {
        let actor = actor(id);
        let before = events.iter().rev().find(|event| *event.actor() == actor);
        let version = match before {
            Some(before) => before.version().get(),
            None => store.version(&actor).await,
        };
        events.push(typed(&actor, version + 1, event_type));
    }
    events
}

/// Saves a commit without events.
pub(crate) async fn note(store: &Store, id: &str) -> Saved {
    let actor = actor(id);
    let head = store.head(&actor).await;
    store.save(&Commit::note_only(&actor, head, b"note")).await
}

/// Saves one more event of an actor of its own; whoever has read up to it has read all before it.
pub(crate) async fn mark(store: &Store) -> RecordedEvent {
    let end = actor("end");
    let saved = store.save_event(&event(&end, store.version(&end).await + 1)).await;
    store.events_from(&end, saved.version).await.remove(0)
}

/// All events after a position.
pub(crate) async fn after(store: &Store, position: Position) -> Vec<RecordedEvent> {
    store.all_from(ReadFrom::After(position), usize::MAX).await
}
