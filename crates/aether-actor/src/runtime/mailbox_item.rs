//! [`MailboxItem`]: a command or a query that waits in a mailbox, whatever its type.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aether_telemetry::metrics::Answered;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use smallvec::SmallVec;
use tokio::sync::oneshot;

use super::observed::Observed;
use crate::command::Handle;
use crate::decision::Declared;
use crate::delivery::Delivery;
use crate::error::{ActorError, AskError};
use crate::outcome::Outcome;
use crate::query::{Answer, Query};
use crate::{Actor, Command, CommandContext, CommandId, Permit, Replied};

/// What a command or a query came to, before it stands.
pub(crate) enum Verdict<A: Actor> {
    /// This is to be saved, and answered so.
    Saves { events: SmallVec<[A::Event; 1]>, declared: Vec<Declared>, outcome: Outcome },
    /// Nothing is to be saved; the outcome is there if it has to be recorded.
    Nothing { outcome: Option<Outcome> },
}

/// A command or a query that waits for its turn.
pub(crate) trait MailboxItem<A: Actor>: Send + fmt::Debug {
    /// How it came.
    fn delivery(&self) -> &Delivery;

    /// What metrics and traces know of it.
    fn observed(&self) -> &Observed;

    /// How it is answered, once it was decided.
    fn answered(&self) -> Answered {
        Answered::Done
    }

    /// Its name.
    fn name(&self) -> &'static str;

    /// Whether nobody waits for the answer any more, so that it need not be begun.
    fn is_abandoned(&self) -> bool;

    /// The sequence that the state must have come to: what its caller has seen.
    fn at_least(&self) -> u64 {
        0
    }

    /// Whether its answer, if it saves nothing, has to be proved to be true now.
    fn needs_proof(&self) -> bool {
        true
    }

    /// Decides. Called again after a conflict; panics are for the caller to catch.
    fn decide(&mut self, state: &A, context: &CommandContext) -> Result<Verdict<A>, ActorError>;

    /// Answers what was decided last, which stands now; the actor is at this sequence.
    fn settle(self: Box<Self>, sequence: u64);

    /// Answers what was recorded when it was executed before.
    fn recall(self: Box<Self>, outcome: Outcome, sequence: u64);

    /// There is no answer.
    fn fail(self: Box<Self>, error: ActorError);
}

/// A piece of work, whatever its type.
pub(crate) type BoxedItem<A> = Box<dyn MailboxItem<A>>;

/// The highest sequence that a caller has seen of an actor.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen(Arc<AtomicU64>);

impl Seen {
    /// Of somebody who has seen the actor at this sequence.
    pub(crate) fn of(sequence: u64) -> Self {
        Self(Arc::new(AtomicU64::new(sequence)))
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn raise(&self, sequence: u64) {
        self.0.fetch_max(sequence, Ordering::AcqRel);
    }
}

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

/// What was decided, from how it was recorded or has travelled.
pub(crate) fn decoded<R, E>(outcome: &Outcome, id: CommandId) -> Result<R, AskError<E>>
where
    R: DeserializeOwned,
    E: std::error::Error + DeserializeOwned,
{
    match outcome {
        Outcome::Done(json) => Ok(decode(json, "a recorded reply")?),
        Outcome::Refused(json) => Err(AskError::Refused(decode(json, "a recorded error")?)),
        Outcome::DoneTooLarge => Err(ActorError::AlreadyDone { id }.into()),
    }
}

/// What was decided, as it is recorded.
fn encode<R: Serialize, E: Serialize>(decided: &Result<R, E>) -> Result<Outcome, ActorError> {
    Ok(match decided {
        Ok(reply) => Outcome::Done(to_json(reply, "a reply")?),
        Err(error) => Outcome::Refused(to_json(error, "an error")?),
    })
}

pub(crate) fn to_json<T: Serialize>(value: &T, what: &'static str) -> Result<Bytes, ActorError> {
    serde_json::to_vec(value).map(Bytes::from).map_err(|error| ActorError::convert(what, error))
}

pub(crate) fn decode<T: DeserializeOwned>(json: &[u8], what: &'static str) -> Result<T, ActorError> {
    serde_json::from_slice(json).map_err(|error| ActorError::convert(what, error))
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
            None => self.caller.fail(ActorError::Stopped),
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
        decided: Result<crate::Decision<A, A::Reply>, A::Error>,
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

/// A query that waits: one that must be linearizable, or that the state in memory is too old for.
pub(crate) struct QueryItem<A: Answer<Q>, Q: Query> {
    pub(crate) query: Q,
    pub(crate) delivery: Delivery,
    pub(crate) observed: Observed,
    pub(crate) linearizable: bool,
    pub(crate) seen: Seen,
    pub(crate) reply: oneshot::Sender<Result<A::Reply, ActorError>>,
    pub(crate) answered: Option<A::Reply>,
    /// The right to answer for the actor, until this is settled.
    pub(crate) _permit: Option<Permit>,
}

impl<A: Answer<Q>, Q: Query> fmt::Debug for QueryItem<A, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryItem")
            .field("query", &Q::NAME)
            .field("delivery", &self.delivery)
            .finish_non_exhaustive()
    }
}

impl<A: Answer<Q>, Q: Query> MailboxItem<A> for QueryItem<A, Q> {
    fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    fn observed(&self) -> &Observed {
        &self.observed
    }

    fn name(&self) -> &'static str {
        Q::NAME
    }

    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn at_least(&self) -> u64 {
        self.seen.get()
    }

    fn needs_proof(&self) -> bool {
        self.linearizable
    }

    fn decide(&mut self, state: &A, _: &CommandContext) -> Result<Verdict<A>, ActorError> {
        self.answered = Some(state.answer(&self.query));
        Ok(Verdict::Nothing { outcome: None })
    }

    fn settle(self: Box<Self>, sequence: u64) {
        self.seen.raise(sequence);
        let _ = self.reply.send(self.answered.ok_or(ActorError::Stopped));
    }

    fn recall(self: Box<Self>, _: Outcome, _: u64) {
        let _ = self.reply.send(Err(ActorError::Stopped));
    }

    fn fail(self: Box<Self>, error: ActorError) {
        let _ = self.reply.send(Err(error));
    }
}
