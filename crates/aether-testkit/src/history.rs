//! [`History`]: what has happened to the actor of a scenario, as a store would have it.

use std::fmt::Debug;

use aether_actor::Actor;
use aether_core::{ActorId, Event, Payload, Version};
use aether_event::{DomainEvent, UnknownEvents, decode_with, encode};
use serde_json::Value;
use time::OffsetDateTime;
use time::macros::datetime;

use super::compare;

/// The time at which scenarios begin, unless they say otherwise.
pub const START: OffsetDateTime = datetime!(2026-01-01 00:00 UTC);

/// An actor's events, and the state that they add up to.
#[derive(Debug, Clone)]
pub(super) struct History<S, E> {
    evolve: fn(&mut S, &E),
    pub(super) actor: ActorId,
    pub(super) now: OffsetDateTime,
    pub(super) unknown: UnknownEvents,
    pub(super) state: S,
    pub(super) stored: Vec<Event>,
}

impl<A: Actor> History<A, A::Event> {
    #[track_caller]
    pub(super) fn of_actor(key: &str) -> Self {
        Self::new(id(A::CATEGORY, key), A::evolve)
    }
}

impl<S: Default, E: DomainEvent> History<S, E> {
    #[track_caller]
    pub(super) fn new(actor: ActorId, evolve: fn(&mut S, &E)) -> Self {
        if let Err(error) = aether_event::check::<E>() {
            panic!("the events cannot be used: {error}");
        }
        Self {
            evolve,
            actor,
            now: START,
            unknown: UnknownEvents::Fail,
            state: S::default(),
            stored: Vec::new(),
        }
    }

    pub(super) fn version(&self) -> Version {
        self.stored.last().map_or(Version::ZERO, Event::version)
    }

    /// Adds an event, which has to come back from its store as it was.
    #[track_caller]
    pub(super) fn add(&mut self, event: &E)
    where
        E: Debug + PartialEq,
    {
        let (event_type, payload) = match encode(event) {
            Ok(encoded) => encoded,
            Err(error) => panic!("{event:?} cannot be stored: {error}"),
        };
        let typed = self.store(event_type.to_owned(), payload);
        match &typed[..] {
            [read] => compare::assert_kept(&format!("an event of type {event_type}"), event, read),
            _ => panic!("{event:?} was stored as {event_type}, and read as {} events", typed.len()),
        }
        self.evolve(&typed);
    }

    /// Adds an event as it is in a log, maybe an old one.
    #[track_caller]
    pub(super) fn add_stored(&mut self, event_type: &str, data: &Value) {
        let payload = match data {
            Value::Null => Payload::absent(),
            data => match Payload::json(data) {
                Ok(payload) => payload,
                Err(error) => panic!("{data} cannot be stored: {error}"),
            },
        };
        let typed = self.store(event_type.to_owned(), payload);
        self.evolve(&typed);
    }

    /// Stores an event and reads it.
    #[track_caller]
    fn store(&mut self, event_type: String, payload: Payload) -> aether_event::Events<E> {
        let version = self.version().next();
        let event = Event::builder(&self.actor, version, event_type).payload(payload).timestamp(self.now);
        let event = match event.build() {
            Ok(event) => event,
            Err(error) => panic!("an event cannot be stored: {error}"),
        };
        let typed = match decode_with(&event, self.unknown) {
            Ok(typed) => typed,
            Err(error) => panic!("an event that was stored cannot be read: {}", chain(&error)),
        };
        self.stored.push(event);
        typed
    }

    fn evolve(&mut self, events: &[E]) {
        events.iter().for_each(|event| (self.evolve)(&mut self.state, event));
    }
}

/// The id of an actor.
#[track_caller]
pub(super) fn id(category: &str, key: &str) -> ActorId {
    match ActorId::new(format!("{category}-{key}")) {
        Ok(id) => id,
        Err(error) => panic!("the key {key:?} makes no actor's id: {error}"),
    }
}

/// An error with its causes.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
