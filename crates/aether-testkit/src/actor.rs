//! [`Scenario`]: what has happened to an actor before it is asked something.

use std::fmt::Debug;

use aether_actor::event::UnknownEvents;
use aether_actor::{
    Actor, Answer, Command, CommandContext, CommandId, CommandList, Handle, Query, QueryList,
};
use serde_json::Value;
use time::OffsetDateTime;

use super::history::{History, id};
use super::{Decided, compare};

/// A scenario of an actor of this type, to which nothing has happened yet.
///
/// # Panics
/// If the types of its events are not valid ([`aether_event::check`](aether_actor::event::check)).
#[must_use]
#[track_caller]
pub fn scenario<A: Actor>() -> Scenario<A>
where
    A::Event: Debug + PartialEq,
{
    Scenario { history: History::of_actor("1") }
}

/// What has happened to an actor before it is asked something.
#[derive(Debug, Clone)]
pub struct Scenario<A: Actor> {
    pub(super) history: History<A, A::Event>,
}

impl<A: Actor> Scenario<A>
where
    A::Event: Debug + PartialEq,
{
    /// These events have happened.
    ///
    /// # Panics
    /// If an event cannot be stored, or does not come back as it was.
    #[must_use = "nothing is compared until it says `then`"]
    #[track_caller]
    pub fn given(mut self, events: impl IntoIterator<Item = A::Event>) -> Self {
        for event in events {
            self.history.add(&event);
        }
        self
    }

    /// This event has happened, and is in the log as it was written then: its type on the wire, and its data;
    /// [`Null`](Value::Null) for an event without. It is upcast.
    ///
    /// # Panics
    /// If the event cannot be read by today's code.
    #[must_use = "nothing is compared until it says `then`"]
    #[track_caller]
    pub fn given_stored(mut self, event_type: &str, data: Value) -> Self {
        self.history.add_stored(event_type, &data);
        self
    }

    /// It is this time; [`START`](super::START), unless this is called.
    #[must_use = "nothing is compared until it says `then`"]
    pub fn at(mut self, now: OffsetDateTime) -> Self {
        self.history.now = now;
        self
    }

    /// The actor has this key; `1`, unless this is called.
    ///
    /// # Panics
    /// If the key makes no valid id.
    #[must_use = "nothing is compared until it says `then`"]
    #[track_caller]
    pub fn as_actor(mut self, key: &str) -> Self {
        self.history.actor = id(A::CATEGORY, key);
        self
    }

    /// What is done about given events of unknown types: it fails the scenario, unless this is called.
    #[must_use = "nothing is compared until it says `then`"]
    pub fn unknown_events(mut self, policy: UnknownEvents) -> Self {
        self.history.unknown = policy;
        self
    }

    /// This command comes.
    ///
    /// # Panics
    /// If the actor does not list the command, or the command, its reply or its error cannot be written and read again, or
    /// what happens cannot be stored.
    #[must_use = "nothing is compared until it says `then`"]
    #[track_caller]
    pub fn when<C: Command>(mut self, command: C) -> Decided<A, C>
    where
        A: Handle<C>,
    {
        assert!(
            <A::Commands as CommandList<A>>::NAMES.contains(&C::NAME),
            "the command {} is not listed in `Actor::Commands`",
            C::NAME
        );
        let command = compare::there_and_back(C::NAME, &command);
        let history = &mut self.history;
        let id = CommandId::from_key(&format!("{}.{}", history.actor, history.version()));
        let context = CommandContext::new(history.actor.clone(), id, history.version(), history.now);
        let decided = history.state.decide(&command, &context);
        if let Ok(decision) = &decided {
            decision.as_events().iter().for_each(|event| history.add(event));
        }
        Decided { scenario: self, decided }
    }

    /// The answer to this query is so.
    ///
    /// # Panics
    /// If it is not, or the actor does not list the query.
    #[track_caller]
    pub fn then_answer<Q: Query>(self, query: Q, expected: &A::Reply) -> Self
    where
        A: Answer<Q>,
        A::Reply: Debug + PartialEq,
    {
        assert!(
            <A::Queries as QueryList<A>>::NAMES.contains(&Q::NAME),
            "the query {} is not listed in `Actor::Queries`",
            Q::NAME
        );
        let query = compare::there_and_back(Q::NAME, &query);
        let answer = compare::there_and_back("an answer", &self.history.state.answer(&query));
        compare::assert_same("it answers otherwise", answer == *expected, expected, &answer);
        self
    }

    /// The state is so, as the closure asserts.
    pub fn then_state(self, look: impl FnOnce(&A)) -> Self {
        look(&self.history.state);
        self
    }
}
