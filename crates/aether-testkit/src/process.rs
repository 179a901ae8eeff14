//! [`ProcessScenario`]: what has happened in a process before it is told something.

use std::fmt::Debug;

use aether_actor::{
    Actor, Answered, Cause, Command, Handle, ProcessContext, ProcessManager, React, ReactContext, Reaction,
};
use aether_core::{ActorId, Event, Position, RecordedEvent, Version};
use aether_event::{DomainEvent, UnknownEvents, decode_with, encode};
use time::OffsetDateTime;

use super::Reacted;
use super::history::{History, chain, id};

/// A scenario of a process of this process manager, in which nothing has happened yet.
///
/// ```
/// # use aether_actor::{event::DomainEvent, *};
/// # use serde::{Serialize, Deserialize};
/// use aether_testkit::process;
/// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
/// # enum AccountEvent { TransferAsked { transfer: String, to: String, cents: u64 } }
/// # #[derive(Debug, Serialize, Deserialize, Command)]
/// # struct Credit { cents: u64 }
/// # #[derive(Debug, Default, Clone, Serialize, Deserialize)]
/// # struct Account;
/// # impl Actor for Account {
/// #     const CATEGORY: &'static str = "account";
/// #     type Event = AccountEvent;
/// #     type Error = Never;
/// #     type Commands = (Credit,);
/// #     type Queries = ();
/// #     fn evolve(&mut self, _: &AccountEvent) {}
/// # }
/// # impl Handle<Credit> for Account {
/// #     type Reply = ();
/// #     fn decide(&self, _: &Credit, _: &CommandContext) -> Result<Decision<Self>, Never> { Ok(Decision::nothing()) }
/// # }
/// # #[derive(Debug, Default, Clone, Serialize, Deserialize)]
/// # struct Transfer { done: bool }
/// # #[derive(Debug, PartialEq, Serialize, Deserialize, DomainEvent)]
/// # enum TransferEvent { Begun { to: String }, Done }
/// # impl ProcessManager for Transfer {
/// #     const NAME: &'static str = "transfer";
/// #     type Event = TransferEvent;
/// #     type Sources = (Account,);
/// #     type Sends = ((Account, Credit),);
/// #     fn evolve(&mut self, event: &TransferEvent) { self.done |= matches!(event, TransferEvent::Done); }
/// #     fn answered(&self, _: &Answered, _: &ProcessContext) -> Reaction<Self> { Reaction::event(TransferEvent::Done) }
/// # }
/// # impl React<Account> for Transfer {
/// #     fn key(event: &AccountEvent, _: &Cause) -> Option<String> {
/// #         let AccountEvent::TransferAsked { transfer, .. } = event;
/// #         Some(transfer.clone())
/// #     }
/// #     fn react(&self, event: &AccountEvent, _: &ReactContext) -> Reaction<Self> {
/// #         let AccountEvent::TransferAsked { to, cents, .. } = event;
/// #         Reaction::event(TransferEvent::Begun { to: to.clone() }).send::<Account, _>(to, Credit { cents: *cents })
/// #     }
/// # }
///
/// process::<Transfer>()
///     .when::<Account>("ada", AccountEvent::TransferAsked { transfer: "7".into(), to: "bob".into(), cents: 5 })
///     .then_process("7")
///     .then([TransferEvent::Begun { to: "bob".into() }])
///     .then_sends::<Account, _>("bob", Credit { cents: 5 })
///     .when_answered::<Account, _>("bob", Credit { cents: 5 }, Ok(()))
///     .then([TransferEvent::Done])
///     .then_sends_nothing();
/// ```
///
/// # Panics
/// If the types of its events are not valid.
#[must_use]
#[track_caller]
pub fn process<P: ProcessManager>() -> ProcessScenario<P>
where
    P::Event: Debug + PartialEq,
{
    ProcessScenario { history: History::new(id(P::NAME, "1"), P::evolve), is_known: false, position: 0 }
}

/// What has happened in a process before it is told something.
#[derive(Debug, Clone)]
pub struct ProcessScenario<P: ProcessManager> {
    pub(super) history: History<P, P::Event>,
    /// Whether it is known which process it is.
    is_known: bool,
    position: u64,
}

impl<P: ProcessManager> ProcessScenario<P>
where
    P::Event: Debug + PartialEq,
{
    /// These events of its own have happened.
    ///
    /// # Panics
    /// If an event cannot be stored, or does not come back as it was.
    #[must_use = "nothing is compared until it says `then`"]
    #[track_caller]
    pub fn given(mut self, events: impl IntoIterator<Item = P::Event>) -> Self {
        events.into_iter().for_each(|event| self.history.add(&event));
        self
    }

    /// It is this time; [`START`](super::START), unless this is called.
    #[must_use = "nothing is compared until it says `then`"]
    pub fn at(mut self, now: OffsetDateTime) -> Self {
        self.history.now = now;
        self
    }

    /// It is the process of this key: that of the first event, or `1`, unless this is called.
    ///
    /// # Panics
    /// If the key makes no valid id.
    #[must_use = "nothing is compared until it says `then`"]
    #[track_caller]
    pub fn as_process(mut self, key: &str) -> Self {
        self.history.actor = id(P::NAME, key);
        self.is_known = true;
        self
    }

    /// This has happened to the actor of this key.
    ///
    /// # Panics
    /// If the event cannot be stored, or is one of another process.
    #[must_use = "nothing is compared until it says `then`"]
    #[track_caller]
    pub fn when<A: Actor>(mut self, key: &str, event: A::Event) -> Reacted<P>
    where
        P: React<A>,
    {
        self.position += 1;
        let (event, cause) = self.happened::<A>(id(A::CATEGORY, key), &event);
        let name = A::Event::VARIANTS.get(event.variant()).map_or("", |variant| variant.name);
        let is_of_concern = P::EVENTS.is_none_or(|events| events.contains(&name));
        let Some(process) = is_of_concern.then(|| P::key(&event, &cause)).flatten() else {
            return Reacted { scenario: self, reaction: None };
        };
        let process = id(P::NAME, &process);
        if !self.is_known {
            (self.is_known, self.history.actor) = (true, process.clone());
        }
        assert!(
            process == self.history.actor,
            "the event belongs to {process}, and the scenario is of {}",
            self.history.actor
        );
        let context = ReactContext::new(process, cause, self.history.now);
        let reaction = self.history.state.react(&event, &context);
        self.react(reaction)
    }

    /// A command that it has sent was answered by the actor of this key.
    ///
    /// # Panics
    /// If the command or the answer cannot be written as JSON.
    #[must_use = "nothing is compared until it says `then`"]
    #[track_caller]
    pub fn when_answered<A: Handle<C>, C: Command>(
        self,
        key: &str,
        command: C,
        answer: Result<A::Reply, A::Error>,
    ) -> Reacted<P> {
        let answered = match Answered::new::<A, C>(key, &command, answer) {
            Ok(answered) => answered,
            Err(error) => panic!("{} cannot be answered so: {}", C::NAME, chain(&error)),
        };
        let reaction = self.history.state.answered(&answered, &self.context());
        self.react(reaction)
    }

    /// A timer that it has set has come.
    #[must_use = "nothing is compared until it says `then`"]
    #[track_caller]
    pub fn when_timed_out(self, timer: &str) -> Reacted<P> {
        let reaction = self.history.state.timed_out(timer, &self.context());
        self.react(reaction)
    }

    fn context(&self) -> ProcessContext {
        ProcessContext::new(self.history.actor.clone(), self.history.now)
    }

    #[track_caller]
    fn react(mut self, reaction: Reaction<P>) -> Reacted<P> {
        reaction.as_events().for_each(|event| self.history.add(event));
        Reacted { scenario: self, reaction: Some(reaction) }
    }

    /// An event as it comes from the store, and as a cause.
    #[track_caller]
    fn happened<A: Actor>(&self, actor: ActorId, event: &A::Event) -> (A::Event, Cause) {
        let (event_type, payload) = match encode(event) {
            Ok(encoded) => encoded,
            Err(error) => panic!("an event cannot be stored: {}", chain(&error)),
        };
        let stored = Event::builder(&actor, Version::new(self.position), event_type)
            .payload(payload)
            .timestamp(self.history.now)
            .build();
        let stored = match stored {
            Ok(stored) => stored,
            Err(error) => panic!("an event cannot be stored: {}", chain(&error)),
        };
        let read = match decode_with::<A::Event>(&stored, UnknownEvents::Fail) {
            Ok(read) => read.into_iter().next(),
            Err(error) => panic!("an event that was stored cannot be read: {}", chain(&error)),
        };
        let Some(read) = read else { panic!("{event_type} was stored, and read as nothing") };
        let position = Position::new(self.position, 0);
        (read, Cause::of(&RecordedEvent::new(stored, position, self.history.now, None)))
    }
}
