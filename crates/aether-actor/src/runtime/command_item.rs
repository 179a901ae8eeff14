//! [`CommandItem`]: a typed command in a mailbox, and its [`Caller`], who waits for the answer.

use std::fmt;

use aether_telemetry::metrics::Answered;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use super::mailbox_item::{MailboxItem, Observed, Verdict};
use crate::actor::{Command, CommandContext, Handle};
use crate::decision::Decision;
use crate::delivery::{Delivery, Seen};
use crate::error::{ActorError, AskError};
use crate::outcome::{Outcome, decoded, encode, to_json};
use crate::remote::drain_gate::Permit;
use crate::remote::router::Replied;

/// Who waits for an answer.
pub(crate) enum Caller<R, E: std::error::Error + 'static> {
    /// Somebody with an [`ActorRef`](crate::ActorRef).
    Typed { reply: oneshot::Sender<Result<R, AskError<E>>>, seen: Seen },
    /// Somebody who sent it by name.
    Encoded(oneshot::Sender<Result<Replied, ActorError>>),
    /// Nobody.
    Nobody,
}

impl<R: Serialize + DeserializeOwned, E: std::error::Error + Serialize + DeserializeOwned> Caller<R, E> {
    fn is_gone(&self) -> bool {
        match self {
            Self::Typed { reply, .. } => reply.is_closed(),
            Self::Encoded(reply) => reply.is_closed(),
            Self::Nobody => false,
        }
    }

    /// Whoever has gone away meanwhile has no use for the answer.
    fn answer(self, decided: Result<R, E>, sequence: u64, recorded: bool) {
        match self {
            Self::Typed { reply, seen } => {
                seen.raise(sequence);
                let _ = reply.send(decided.map_err(AskError::Refused));
            }
            Self::Encoded(reply) => {
                let _ = reply.send(encode(&decided).map(|outcome| Replied { outcome, sequence, recorded }));
            }
            Self::Nobody => {}
        }
    }

    fn recall(self, outcome: Outcome, delivery: &Delivery, sequence: u64) {
        match self {
            Self::Typed { reply, seen } => {
                seen.raise(sequence);
                let _ = reply.send(decoded(&outcome, delivery.id));
            }
            Self::Encoded(reply) => {
                let _ = reply.send(Ok(Replied { outcome, sequence, recorded: true }));
            }
            Self::Nobody => {}
        }
    }

    fn fail(self, error: ActorError) {
        match self {
            Self::Typed { reply, .. } => {
                let _ = reply.send(Err(error.into()));
            }
            Self::Encoded(reply) => {
                let _ = reply.send(Err(error));
            }
            Self::Nobody => {}
        }
    }
}

/// A command that waits.
pub(crate) struct CommandItem<A: Handle<C>, C: Command> {
    pub(crate) command: C,
    pub(crate) delivery: Delivery,
    pub(crate) caller: Caller<A::Reply, A::Error>,
    observed: Observed,
    decided: Option<Result<A::Reply, A::Error>>,
    /// Whether what was decided is recorded under its id once it stands.
    recorded: bool,
    /// The right to act for the actor, until this is settled.
    _permit: Option<Permit>,
}

impl<A: Handle<C>, C: Command> CommandItem<A, C> {
    pub(crate) fn new(
        command: C,
        delivery: Delivery,
        caller: Caller<A::Reply, A::Error>,
        permit: Option<Permit>,
    ) -> Self {
        let observed = Observed::command(A::CATEGORY, C::NAME, &delivery);
        Self { command, delivery, caller, observed, decided: None, recorded: false, _permit: permit }
    }
}

impl<A: Handle<C>, C: Command> fmt::Debug for CommandItem<A, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandItem")
            .field("command", &C::NAME)
            .field("delivery", &self.delivery)
            .finish_non_exhaustive()
    }
}

impl<A: Handle<C>, C: Command> MailboxItem<A> for CommandItem<A, C> {
    fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    fn observed(&self) -> &Observed {
        &self.observed
    }

    fn answered(&self) -> Answered {
        if matches!(self.decided, Some(Err(_))) { Answered::Refused } else { Answered::Done }
    }

    fn name(&self) -> &'static str {
        C::NAME
    }

    fn is_abandoned(&self) -> bool {
        self.caller.is_gone()
    }

    /// A timer's command rests on a commit of its own actor.
    fn at_least(&self) -> u64 {
        match self.delivery.timer {
            Some(_) => self.delivery.since.sequence(),
            None => 0,
        }
    }

    fn decide(&mut self, state: &A, context: &CommandContext) -> Result<Verdict<A>, ActorError> {
        let decided = state.decide(&self.command, context);
        let saves = decided.as_ref().is_ok_and(|decision| !decision.is_empty());
        if saves || self.delivery.recorded {
            let outcome = match &decided {
                Ok(decision) => Outcome::Done(to_json(&decision.reply, "a reply")?),
                Err(error) => Outcome::Refused(to_json(error, "an error")?),
            };
            return Ok(self.keep(decided, Some(outcome)));
        }
        Ok(self.keep(decided, None))
    }

    fn settle(self: Box<Self>, sequence: u64) {
        match self.decided {
            Some(decided) => self.caller.answer(decided, sequence, self.recorded),
            None => {
                self.caller
                    .fail(ActorError::Internal { what: "a command was settled before it was decided" });
            }
        }
    }

    fn recall(self: Box<Self>, outcome: Outcome, sequence: u64) {
        self.caller.recall(outcome, &self.delivery, sequence);
    }

    fn fail(self: Box<Self>, error: ActorError) {
        self.caller.fail(error);
    }
}

impl<A: Handle<C>, C: Command> CommandItem<A, C> {
    /// Keeps the reply for when it stands, and gives out the rest.
    fn keep(
        &mut self,
        decided: Result<Decision<A, A::Reply>, A::Error>,
        outcome: Option<Outcome>,
    ) -> Verdict<A> {
        self.recorded = outcome.as_ref().is_some_and(Outcome::is_recordable);
        match decided {
            Ok(decision) => {
                let empty = decision.is_empty();
                self.decided = Some(Ok(decision.reply));
                match outcome {
                    Some(outcome) if !empty => {
                        Verdict::Saves { events: decision.events, declared: decision.declared, outcome }
                    }
                    outcome => Verdict::Nothing { outcome },
                }
            }
            Err(error) => {
                self.decided = Some(Err(error));
                Verdict::Nothing { outcome }
            }
        }
    }
}
