//! [`ProjectionScenario`]: which views a projection makes of events.

use std::collections::BTreeMap;
use std::fmt::Debug;

use aether_core::{ActorId, Event, Payload, Position, RecordedEvent, Version};
use aether_event::{DomainEvent, encode};
use aether_projection::Projection;
use serde_json::Value;
use time::OffsetDateTime;

use super::compare;
use super::history::{START, chain};

/// A scenario of this projection, which has seen nothing yet.
#[must_use]
pub fn projection<P: Projection>(projection: P) -> ProjectionScenario<P> {
    ProjectionScenario {
        projection,
        views: BTreeMap::new(),
        versions: BTreeMap::new(),
        position: 0,
        now: START,
    }
}

/// What a projection has seen.
///
/// ```
/// use aether_core::RecordedEvent;
/// use aether_projection::{ApplyError, Keys, Projection};
/// use aether_testkit::projection;
/// # use aether_actor::event::DomainEvent;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, DomainEvent)]
/// # enum AccountEvent { Deposited { cents: u64 } }
/// # struct Balances;
/// # impl Projection for Balances {
/// #     type View = u64;
/// #     fn name(&self) -> &str { "balances" }
/// #     fn keys<'a>(&self, event: &'a RecordedEvent) -> Keys<'a> { Keys::one(event.actor().as_str()) }
/// #     fn apply(&self, _: &str, view: &mut u64, event: &RecordedEvent) -> Result<(), ApplyError> {
/// #         *view += event.data::<serde_json::Value>()?["cents"].as_u64().unwrap_or(0);
/// #         Ok(())
/// #     }
/// # }
///
/// projection(Balances)
///     .given("account-ada", [AccountEvent::Deposited { cents: 5 }, AccountEvent::Deposited { cents: 2 }])
///     .then_view("account-ada", &7)
///     .then_view("account-bob", &0);
/// ```
#[derive(Debug)]
pub struct ProjectionScenario<P: Projection> {
    projection: P,
    views: BTreeMap<String, P::View>,
    versions: BTreeMap<ActorId, Version>,
    position: u64,
    now: OffsetDateTime,
}

impl<P: Projection> ProjectionScenario<P> {
    /// These events have happened to this actor; `account-ada` is an actor.
    ///
    /// # Panics
    /// If an event cannot be stored, or not be applied.
    #[must_use = "nothing is compared until it says `then`"]
    #[track_caller]
    pub fn given<E: DomainEvent>(mut self, actor: &str, events: impl IntoIterator<Item = E>) -> Self {
        for event in events {
            match encode(&event) {
                Ok((event_type, payload)) => self.see(actor, event_type, payload),
                Err(error) => panic!("an event cannot be stored: {}", chain(&error)),
            }
        }
        self
    }

    /// This event has happened to this actor, and is in the log as it was written then.
    ///
    /// # Panics
    /// As [`given`](Self::given).
    #[must_use = "nothing is compared until it says `then`"]
    #[track_caller]
    pub fn given_stored(mut self, actor: &str, event_type: &str, data: Value) -> Self {
        match Payload::json(&data) {
            Ok(payload) => self.see(actor, event_type, payload),
            Err(error) => panic!("{data} cannot be stored: {}", chain(&error)),
        }
        self
    }

    /// It is this time, for the events that are given next; [`START`], unless this is called.
    #[must_use = "nothing is compared until it says `then`"]
    pub fn at(mut self, now: OffsetDateTime) -> Self {
        self.now = now;
        self
    }

    /// The view of this key is so. One that no event has changed is the default.
    ///
    /// # Panics
    /// If it is not.
    #[track_caller]
    pub fn then_view(self, key: &str, expected: &P::View) -> Self
    where
        P::View: Debug + PartialEq,
    {
        let none = P::View::default();
        let view = self.views.get(key).unwrap_or(&none);
        compare::assert_same(&format!("the view {key:?} is another one"), view == expected, expected, view);
        self
    }

    /// There are views of these keys, and of no others.
    ///
    /// # Panics
    /// If it is not so.
    #[track_caller]
    pub fn then_keys<'k>(self, expected: impl IntoIterator<Item = &'k str>) -> Self {
        let mut expected: Vec<&str> = expected.into_iter().collect();
        expected.sort_unstable();
        let keys: Vec<&str> = self.views.keys().map(String::as_str).collect();
        compare::assert_same("there are other views", keys == expected, &expected, &keys);
        self
    }

    #[track_caller]
    fn see(&mut self, actor: &str, event_type: &str, payload: Payload) {
        let actor = match ActorId::new(actor) {
            Ok(actor) => actor,
            Err(error) => panic!("{actor:?} is no actor's id: {error}"),
        };
        let version = self.versions.entry(actor.clone()).or_default();
        *version = version.next();
        let event =
            Event::builder(&actor, *version, event_type.to_owned()).payload(payload).timestamp(self.now);
        let event = match event.build() {
            Ok(event) => event,
            Err(error) => panic!("an event cannot be stored: {}", chain(&error)),
        };
        self.position += 1;
        let event = RecordedEvent::new(event, Position::new(self.position, 0), self.now, None);
        if !self.projection.filter().matches(&event) {
            return;
        }
        for key in self.projection.keys(&event).iter() {
            let mut view = self.views.remove(key).unwrap_or_default();
            if let Err(error) = self.projection.apply(key, &mut view, &event) {
                panic!("{event_type} cannot be applied to the view {key:?}: {error:?}");
            }
            // A model keeps it as JSON.
            let view = compare::there_and_back("the view", &view);
            self.views.insert(key.to_owned(), view);
        }
    }
}
