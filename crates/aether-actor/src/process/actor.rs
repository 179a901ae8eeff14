//! [`Process`]: a process of a process manager, as an actor.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answered::Answered;
use super::context::{ProcessContext, ReactContext};
use super::event::ProcessEvent;
use super::lists::SourceList;
use super::manager::ProcessManager;
use super::record::{CommandAnswered, ReactTo, TakeAnswer, TimeOut};
use crate::{Actor, CommandContext, Decision, Handle, Never};

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
