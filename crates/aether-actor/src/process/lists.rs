//! [`SourceList`] and [`SendList`]: what a process manager reacts to, and what it sends.

use aether_core::RecordedEvent;
use aether_event::{Decoded, DomainEvent, UnknownEvents, decode};
use aether_group::HandleError;
use serde_json::value::RawValue;

use super::context::{Cause, ReactContext};
use super::manager::{ProcessManager, React};
use super::reaction::Reaction;
use crate::actor::{Actor, Command, Handle};
use crate::list::{contains, for_each_arity};

/// The actors whose events a process manager reacts to: a tuple of up to 24 of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of actors that `{P}` reacts to",
    note = "`ProcessManager::Sources` is a tuple such as `(Account, Card)` or `(Account,)`, and `{P}` needs `React` for each of them"
)]
pub trait SourceList<P: ProcessManager> {
    /// Their categories.
    const CATEGORIES: &'static [&'static str];

    /// The names of the events that it reacts to.
    fn events() -> Vec<&'static str>;

    /// For the runtime: the processes that an event concerns.
    #[doc(hidden)]
    fn spot(event: &RecordedEvent, unknown: UnknownEvents) -> Result<Vec<Spotted>, HandleError>;

    /// For the runtime: reacts to an event, which was spotted before.
    #[doc(hidden)]
    fn react(process: &P, event: &RawValue, context: &ReactContext)
    -> Result<Reaction<P>, serde_json::Error>;
}

/// A process that an event concerns.
#[derive(Debug)]
pub struct Spotted {
    /// Which of the typed events that the saved one has become it is.
    pub(super) index: usize,
    pub(super) key: String,
    pub(super) event: Box<RawValue>,
}

macro_rules! source_lists {
    ($($actor:ident)*) => {
        impl<P: ProcessManager, $($actor: Actor),*> SourceList<P> for ($($actor,)*)
        where
            $(P: React<$actor>),*
        {
            const CATEGORIES: &'static [&'static str] = &[$($actor::CATEGORY),*];

            fn events() -> Vec<&'static str> {
                let events: Vec<Vec<&'static str>> = vec![$(events_of::<P, $actor>()),*];
                events.concat()
            }

            fn spot(event: &RecordedEvent, _unknown: UnknownEvents) -> Result<Vec<Spotted>, HandleError> {
                match event.actor().category() {
                    $(category if category == $actor::CATEGORY => spot::<P, $actor>(event, _unknown),)*
                    _ => Ok(Vec::new()),
                }
            }

            fn react(
                _process: &P,
                _event: &RawValue,
                context: &ReactContext,
            ) -> Result<Reaction<P>, serde_json::Error> {
                match context.cause.actor.category() {
                    $(category if category == $actor::CATEGORY => {
                        Ok(<P as React<$actor>>::react(_process, &serde_json::from_str(_event.get())?, context))
                    })*
                    _ => Ok(Reaction::nothing()),
                }
            }
        }
    };
}

for_each_arity!(source_lists);

/// The names of the events of an actor that a process manager reacts to.
fn events_of<P: React<A>, A: Actor>() -> Vec<&'static str> {
    let names = A::Event::VARIANTS.iter().map(|variant| variant.name);
    names.filter(|name| P::EVENTS.is_none_or(|events| events.contains(name))).collect()
}

fn spot<P: React<A>, A: Actor>(
    event: &RecordedEvent,
    unknown: UnknownEvents,
) -> Result<Vec<Spotted>, HandleError> {
    const { assert_events::<P, A>() };
    let events = match decode::<A::Event>(event).map_err(HandleError::poison)? {
        Decoded::Known(events) => events,
        Decoded::Unknown(_) if unknown == UnknownEvents::Fail => return Err(newer(event)),
        _ => return Ok(Vec::new()),
    };
    let cause = Cause::of(event);
    let mut spotted = Vec::new();
    for (index, event) in events.iter().enumerate() {
        let name = A::Event::VARIANTS.get(event.variant()).map_or("", |variant| variant.name);
        if P::EVENTS.is_some_and(|events| !events.contains(&name)) {
            continue;
        }
        if let Some(key) = P::key(event, &cause) {
            let event = serde_json::value::to_raw_value(event).map_err(HandleError::poison)?;
            spotted.push(Spotted { index, key, event });
        }
    }
    Ok(spotted)
}

fn newer(event: &RecordedEvent) -> HandleError {
    HandleError::unavailable(format!(
        "event {} of type {:?} was saved by a newer version of the program, and waits for a process of that version",
        event.id(),
        event.event_type()
    ))
}

/// Fails the build if a process manager names an event that the actor does not have.
const fn assert_events<P: React<A>, A: Actor>() {
    let Some(events) = P::EVENTS else { return };
    let variants = A::Event::VARIANTS;
    let mut event = 0;
    while event < events.len() {
        let mut found = false;
        let mut variant = 0;
        while variant < variants.len() {
            found |= contains(&[variants[variant].name], events[event]);
            variant += 1;
        }
        assert!(found, "`React::EVENTS` names an event that the actor does not have");
        event += 1;
    }
}

/// A command, with the actors that it goes to: `(Account, Credit)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command with the actors that it goes to",
    note = "`ProcessManager::Sends` is a tuple of pairs such as `((Account, Debit), (Account, Credit))`"
)]
pub trait Sendable {
    /// The category of the actors.
    const TARGET: &'static str;
    /// The name of the command.
    const COMMAND: &'static str;
}

impl<A: Handle<C>, C: Command> Sendable for (A, C) {
    const TARGET: &'static str = A::CATEGORY;
    const COMMAND: &'static str = C::NAME;
}

/// The commands that a process manager sends: a tuple of up to 24 [pairs](Sendable).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of commands with the actors that they go to",
    note = "`ProcessManager::Sends` is a tuple of pairs such as `((Account, Debit), (Account, Credit))` or `((Account, Credit),)`"
)]
pub trait SendList {
    /// The categories of the actors, for each command.
    const TARGETS: &'static [&'static str];
    /// The names of the commands.
    const COMMANDS: &'static [&'static str];
}

macro_rules! send_lists {
    ($($send:ident)*) => {
        impl<$($send: Sendable),*> SendList for ($($send,)*) {
            const TARGETS: &'static [&'static str] = &[$($send::TARGET),*];
            const COMMANDS: &'static [&'static str] = &[$($send::COMMAND),*];
        }
    };
}

for_each_arity!(send_lists);

/// Fails the build if the process manager does not list the command for these actors.
pub(super) const fn assert_sent<P: ProcessManager, A: Handle<C>, C: Command>() {
    let (targets, commands) = (<P::Sends as SendList>::TARGETS, <P::Sends as SendList>::COMMANDS);
    let mut index = 0;
    let mut listed = false;
    while index < targets.len() {
        listed |= contains(&[targets[index]], A::CATEGORY) && contains(&[commands[index]], C::NAME);
        index += 1;
    }
    assert!(listed, "this command, with these actors, is not listed in `ProcessManager::Sends`");
}
