//! [`Reaction`]: what a process manager does about something; and [`Process`], a process as an actor, whose decisions
//! reactions are, with the commands that drive it.

use std::fmt;

use aether_core::ActorId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::context::{Answered, Cause, ProcessContext, ReactContext};
use super::event::{AnswerRecord, CommandAnswered, CommandSent, ProcessEvent};
use super::lists::{SourceList, assert_sent};
use super::manager::ProcessManager;
use crate::actor::{Actor, Command, CommandContext, Handle, Never};
use crate::command_id::CommandId;
use crate::decision::{Decision, Declaration, When};
use crate::effects::handler::Effect;
use crate::list::assert_command_listed;

/// What a process manager does about an event, an answer or a timer: what happens in it, what it sends, and its timers.
///
/// All of it is saved in one commit. The commands are sent once that stands, one after the other: each when the one before
/// it has been answered.
#[must_use = "a reaction does nothing until it is returned"]
pub struct Reaction<P: ProcessManager>(Decision<Process<P>>);

impl<P: ProcessManager> Reaction<P> {
    /// Nothing.
    pub fn nothing() -> Self {
        Self(Decision::nothing())
    }

    /// This happens.
    pub fn event(event: P::Event) -> Self {
        Self::nothing().and(event)
    }

    /// This happens, in this order.
    pub fn events(events: impl IntoIterator<Item = P::Event>) -> Self {
        Self(Decision::events(events.into_iter().map(ProcessEvent::Own)))
    }

    /// This happens too, after the others.
    pub fn and(self, event: P::Event) -> Self {
        Self(self.0.and(ProcessEvent::Own(event)))
    }

    /// Sends a command to the actor of this key.
    ///
    /// Whoever is answered, with a reply or a refusal, is told so: [`ProcessManager::answered`].
    pub fn send<A: Handle<C>, C: Command>(self, key: impl fmt::Display, command: C) -> Self {
        const {
            assert_sent::<P, A, C>();
            assert_command_listed::<A, C>();
        };
        let sent = ActorId::new(format!("{}-{key}", A::CATEGORY)).map_err(|error| error.to_string());
        let sent = sent.and_then(|actor| {
            let data = to_raw_value(&command).map_err(|error| error.to_string())?;
            // Which it is comes out when it is known what it is a reaction to.
            Ok(CommandSent {
                id: CommandId::from(uuid::Uuid::nil()),
                actor,
                command: C::NAME.to_owned(),
                data,
            })
        });
        let unsayable =
            |error| ProcessEvent::Unsayable(format!("{} to {}-{key}: {error}", C::NAME, A::CATEGORY));
        Self(self.0.and(sent.map_or_else(unsayable, ProcessEvent::Sent)))
    }

    /// Sets a timer of this process, for [`ProcessManager::timed_out`]; as [`Decision::schedule`].
    pub fn schedule(self, name: impl Into<String>, when: impl Into<When>) -> Self {
        let timer = name.into();
        Self(self.0.schedule(timer.clone(), when, TimeOut { timer }))
    }

    /// Cancels a timer of this process, if it is set.
    pub fn cancel(self, name: impl Into<String>) -> Self {
        Self(self.0.cancel(name))
    }

    /// Something to be done in the world, as [`Decision::effect`].
    pub fn effect<E: Effect>(self, effect: E) -> Self {
        Self(self.0.effect(effect))
    }

    /// The events of its own.
    pub fn as_events(&self) -> impl Iterator<Item = &P::Event> {
        self.0.as_events().iter().filter_map(|event| match event {
            ProcessEvent::Own(event) => Some(event),
            _ => None,
        })
    }

    /// The commands, in order. They have no ids yet.
    pub fn sends(&self) -> impl Iterator<Item = &CommandSent> {
        self.0.as_events().iter().filter_map(|event| match event {
            ProcessEvent::Sent(sent) => Some(sent),
            _ => None,
        })
    }

    /// The timers and effects, in order.
    pub fn declared(&self) -> impl Iterator<Item = Declaration<'_>> {
        self.0.declared()
    }

    /// As the decision about a command. Each command that is sent has an id that derives from that one's.
    pub(super) fn decision(mut self, command: CommandId) -> Decision<Process<P>> {
        let sent = self.0.events.iter_mut().filter_map(|event| match event {
            ProcessEvent::Sent(sent) => Some(sent),
            _ => None,
        });
        for (index, sent) in sent.enumerate() {
            sent.id = CommandId::caused_by(command.uuid(), &format!("send {index}"));
        }
        self.0
    }
}

impl<P: ProcessManager> fmt::Debug for Reaction<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sends: Vec<_> = self.sends().collect();
        let events = self.as_events().count();
        f.debug_struct("Reaction").field("events", &events).field("sends", &sends).finish_non_exhaustive()
    }
}

/// A process of a process manager, as the actor that it is: its history can be read like that of any other
/// ([`ActorSystem::state_at_version`](crate::ActorSystem::state_at_version)).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Process<P>(P);

impl<P> Process<P> {
    /// The state.
    pub fn state(&self) -> &P {
        &self.0
    }
}

impl<P: ProcessManager> Actor for Process<P> {
    const CATEGORY: &'static str = P::NAME;
    type Event = ProcessEvent<P::Event>;
    type Error = Never;
    type Commands = (ReactTo, TakeAnswer, TimeOut);
    type Queries = ();
    const STATE_VERSION: u32 = P::STATE_VERSION;

    fn evolve(&mut self, event: &Self::Event) {
        if let ProcessEvent::Own(event) = event {
            self.0.evolve(event);
        }
    }

    fn upcast_state(version: u32, state: Value) -> Option<Value> {
        P::upcast_state(version, state)
    }
}

impl<P: ProcessManager> Handle<ReactTo> for Process<P> {
    type Reply = ();

    fn decide(&self, command: &ReactTo, context: &CommandContext) -> Result<Decision<Self>, Never> {
        let react = ReactContext::new(context.actor.clone(), command.cause.clone(), context.now);
        let reaction = <P::Sources as SourceList<P>>::react(&self.0, &command.event, &react);
        Ok(match reaction {
            Ok(reaction) => reaction.decision(context.command_id),
            // Nothing is saved, so it can be tried again with another program.
            Err(error) => Decision::event(ProcessEvent::Unsayable(error.to_string())),
        })
    }
}

impl<P: ProcessManager> Handle<TakeAnswer> for Process<P> {
    type Reply = ();

    fn decide(&self, command: &TakeAnswer, context: &CommandContext) -> Result<Decision<Self>, Never> {
        let TakeAnswer { sent, answer } = command;
        let answered = Answered { sent: sent.clone(), answer: answer.clone() };
        let process = ProcessContext::new(context.actor.clone(), context.now);
        let mut decision = self.0.answered(&answered, &process).decision(context.command_id);
        let record = CommandAnswered { id: sent.id, answer: answer.clone() };
        decision.events.insert(0, ProcessEvent::Answered(record));
        Ok(decision)
    }
}

impl<P: ProcessManager> Handle<TimeOut> for Process<P> {
    type Reply = ();

    fn decide(&self, command: &TimeOut, context: &CommandContext) -> Result<Decision<Self>, Never> {
        let process = ProcessContext::new(context.actor.clone(), context.now);
        Ok(self.0.timed_out(&command.timer, &process).decision(context.command_id))
    }
}

/// To a process: an event that concerns it.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReactTo {
    pub(super) cause: Cause,
    pub(super) event: Box<RawValue>,
}

/// To a process: the answer to a command that it has sent.
#[derive(Debug, Serialize, Deserialize)]
pub struct TakeAnswer {
    pub(super) sent: CommandSent,
    pub(super) answer: AnswerRecord,
}

/// To a process, from itself: a timer.
#[derive(Debug, Serialize, Deserialize)]
pub struct TimeOut {
    pub(super) timer: String,
}

impl Command for ReactTo {
    const NAME: &'static str = "process.React";
}

impl Command for TakeAnswer {
    const NAME: &'static str = "process.TakeAnswer";
}

impl Command for TimeOut {
    const NAME: &'static str = "process.TimeOut";
}
