//! [`QueryItem`]: a typed query in a mailbox; and queries that are answered from memory, without one.

use std::fmt;
use std::sync::Arc;

use aether_core::ActorId;
use aether_telemetry::panic::caught;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::host::ActorHost;
use super::mailbox_item::{MailboxItem, Observed, Verdict};
use super::turn;
use crate::actor::{Answer, CommandContext, Query};
use crate::delivery::{Delivery, Seen};
use crate::error::ActorError;
use crate::outcome::Outcome;
use crate::remote::drain_gate::Permit;

/// Answers a query from memory, if the actor is there and has come to what the caller has seen.
pub(crate) fn answer_from_memory<A: Answer<Q>, Q: Query>(
    host: &ActorHost<A>,
    actor: &ActorId,
    query: &Q,
    seen: &Seen,
) -> Result<Option<A::Reply>, ActorError> {
    let answer = host.find(actor, |cell| {
        let loaded = cell.loaded.read();
        let loaded = loaded.as_ref().filter(|loaded| loaded.head.sequence() >= seen.get())?;
        if cell.is_leaving() {
            return None;
        }
        cell.touch(host.shared.residents.tick());
        seen.raise(loaded.head.sequence());
        Some(caught(|| loaded.state.answer(query)))
    });
    match answer.flatten() {
        Some(Ok(answer)) => Ok(Some(answer)),
        Some(Err(message)) => {
            host.metrics.panicked(1);
            Err(ActorError::Panicked { message })
        }
        None => Ok(None),
    }
}

/// Puts a query into the actor's mailbox.
pub(crate) async fn put_query<A: Answer<Q>, Q: Query>(
    host: Arc<ActorHost<A>>,
    actor: ActorId,
    query: Q,
    linearizable: bool,
    seen: Seen,
    deadline: Instant,
    permit: Option<Permit>,
) -> Result<A::Reply, ActorError> {
    let (reply, answer) = oneshot::channel();
    let delivery = Delivery::fresh(deadline);
    let id = delivery.id;
    let observed = Observed::query(A::CATEGORY, Q::NAME, &delivery);
    let queried = QueryItem::<A, Q> {
        query,
        delivery,
        observed,
        linearizable,
        seen,
        reply,
        answered: None,
        _permit: permit,
    };
    turn::submit(&host, &actor, Box::new(queried)).await?;
    match timeout_at(deadline, answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(ActorError::Stopped),
        Err(_) => Err(host.timed_out(id)),
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
        let _ = self.reply.send(
            self.answered.ok_or(ActorError::Internal { what: "a query was settled before it was answered" }),
        );
    }

    fn recall(self: Box<Self>, _: Outcome, _: u64) {
        let what = "a query was taken for a command that was executed before";
        let _ = self.reply.send(Err(ActorError::Internal { what }));
    }

    fn fail(self: Box<Self>, error: ActorError) {
        let _ = self.reply.send(Err(error));
    }
}
