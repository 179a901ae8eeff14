//! [`RecordedEvent`] and [`RecordedCommit`]: what a store gives back.

use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{ActorId, Event, Head, Position};

/// An event as a store recorded it: the event, where it stands, and when it was recorded.
///
/// Derefs to its [`Event`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RecordedEvent {
    /// The event as it was saved.
    pub event: Event,
    /// The position of the event among all events of the store.
    pub position: Position,
    /// The time at which the store recorded it, by the store's clock.
    pub recorded_at: OffsetDateTime,
    /// The commit over several actors that it is part of; `None` if its commit has one actor.
    pub marks: Option<Arc<CommitMarks>>,
}

impl RecordedEvent {
    /// Returns, for stores, an event with the place at which it was recorded.
    #[must_use]
    pub fn new(
        event: Event,
        position: Position,
        recorded_at: OffsetDateTime,
        marks: Option<Arc<CommitMarks>>,
    ) -> Self {
        Self { event, position, recorded_at, marks }
    }
}

impl Deref for RecordedEvent {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.event
    }
}

/// The marks that tie the parts of one commit over several actors together.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommitMarks {
    /// The id of the whole commit: the same in all its parts.
    pub id: Uuid,
    /// The index of this part's actor in `actors`.
    pub index: u32,
    /// All actors of the commit, in the order in which their parts are stored.
    pub actors: Vec<ActorId>,
}

impl CommitMarks {
    /// Returns, for stores, the marks of the part `index` of the commit `id` over these actors.
    #[must_use]
    pub fn new(id: Uuid, index: u32, actors: Vec<ActorId>) -> Self {
        Self { id, index, actors }
    }
}

/// One commit of one actor: what was saved in one go. It may have no events.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RecordedCommit {
    /// The actor's head once this commit stood.
    pub head: Head,
    /// Its events, in order.
    pub events: Vec<RecordedEvent>,
    /// The note of the layer above.
    pub note: Option<Bytes>,
    /// The id of the commit; only commits without events and commits over several actors have one.
    pub id: Option<Uuid>,
    /// The time at which the store recorded it, by the store's clock.
    pub recorded_at: OffsetDateTime,
}

impl RecordedCommit {
    /// Returns, for stores, a commit after which the actor is at `head`.
    #[must_use]
    pub fn new(
        head: Head,
        events: Vec<RecordedEvent>,
        note: Option<Bytes>,
        id: Option<Uuid>,
        recorded_at: OffsetDateTime,
    ) -> Self {
        Self { head, events, note, id, recorded_at }
    }
}
