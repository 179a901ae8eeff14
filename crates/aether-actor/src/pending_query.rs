//! [`PendingQuery`]: a query on its way to an actor.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use aether_core::ActorId;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::actor_ref::Way;
use crate::panic::caught;
use crate::query::{Answer, Query};
use crate::remote::route::Remote;
use crate::runtime::host::ActorHost;
use crate::runtime::observed::Observed;
use crate::runtime::mailbox_item::{QueryItem, Seen, decode, to_json};
use crate::{ActorError, ActorRef, Delivery, Permit, RemoteQuery};

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A query on its way to an actor. Await it for the answer.
#[must_use = "nothing is asked until it is awaited"]
pub struct PendingQuery<'a, A: Answer<Q>, Q: Query> {
    actor: &'a ActorRef<A>,
    query: Option<Q>,
    within: Option<Duration>,
    linearizable: bool,
    asked: Option<Boxed<Result<A::Reply, ActorError>>>,
}

// Nothing in it is pinned but the boxed future.
impl<A: Answer<Q>, Q: Query> Unpin for PendingQuery<'_, A, Q> {}

impl<'a, A: Answer<Q>, Q: Query> PendingQuery<'a, A, Q> {
    pub(crate) fn new(actor: &'a ActorRef<A>, query: Q) -> Self {
        Self { actor, query: Some(query), within: None, linearizable: false, asked: None }
    }

    /// How long to wait for the answer, instead of what the system's builder says.
    pub fn within(mut self, deadline: Duration) -> Self {
        self.within = Some(deadline);
        self
    }

    /// An answer that was true at a moment between question and answer, whoever else is at work on the actor. It costs a
    /// round trip to the store, which all who wait share.
    pub fn linearizable(mut self) -> Self {
        self.linearizable = true;
        self
    }

    /// Answers from memory, if this process acts for the actor, it is there, and has come to what the caller has seen.
    fn answer_from_memory(&mut self) -> Result<Option<A::Reply>, ActorError> {
        let (Some(query), false) = (&self.query, self.linearizable) else { return Ok(None) };
        let Some((kind, actor)) = self.actor.here() else { return Ok(None) };
        answer_from_memory(kind, actor, query, self.actor.seen())
    }

    fn begin(&mut self) -> Result<Boxed<Result<A::Reply, ActorError>>, ActorError> {
        let deadline = Instant::now() + self.within.unwrap_or(self.actor.deadline());
        let query = self.query.take().ok_or(ActorError::Stopped)?;
        let (seen, linearizable) = (self.actor.seen().clone(), self.linearizable);
        let (way, actor) = self.actor.way()?;
        let actor = actor.clone();
        match way {
            Way::Here(kind, permit) => {
                let kind = Arc::clone(kind);
                Ok(Box::pin(put_query(kind, actor, query, linearizable, seen, deadline, permit)))
            }
            Way::Remote(remote) => {
                let mut query = RemoteQuery::new(Q::NAME, to_json(&query, "a query")?, deadline);
                (query.linearizable, query.seen) = (linearizable, seen.get());
                Ok(Box::pin(query_remote(remote, actor, query, seen)))
            }
        }
    }
}

/// Answers a query from memory, if the actor is there and has come to what the caller has seen.
pub(crate) fn answer_from_memory<A: Answer<Q>, Q: Query>(
    kind: &ActorHost<A>,
    actor: &ActorId,
    query: &Q,
    seen: &Seen,
) -> Result<Option<A::Reply>, ActorError> {
    let answer = kind.find(actor, |cell| {
        let loaded = cell.loaded.read();
        let loaded = loaded.as_ref().filter(|loaded| loaded.head.sequence() >= seen.get())?;
        if cell.is_leaving() {
            return None;
        }
        cell.touch(kind.shared.residents.tick());
        seen.raise(loaded.head.sequence());
        Some(caught(|| loaded.state.answer(query)))
    });
    match answer.flatten() {
        Some(Ok(answer)) => Ok(Some(answer)),
        Some(Err(message)) => {
            kind.metrics.panicked(1);
            Err(ActorError::Panicked { message })
        }
        None => Ok(None),
    }
}

/// Puts a query to an actor in another process.
async fn query_remote<R: DeserializeOwned>(
    remote: Remote,
    actor: ActorId,
    query: RemoteQuery,
    seen: Seen,
) -> Result<R, ActorError> {
    let told = remote.query(&actor, query).await?;
    seen.raise(told.sequence);
    decode(&told.answer, "an answer")
}

/// Puts a query into the actor's mailbox.
pub(crate) async fn put_query<A: Answer<Q>, Q: Query>(
    kind: Arc<ActorHost<A>>,
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
    kind.submit(&actor, Box::new(queried)).await?;
    match timeout_at(deadline, answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(ActorError::Stopped),
        Err(_) => Err(kind.timed_out(id)),
    }
}

impl<A: Answer<Q>, Q: Query> Future for PendingQuery<'_, A, Q> {
    type Output = Result<A::Reply, ActorError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let inquiry = self.get_mut();
        loop {
            if let Some(asked) = inquiry.asked.as_mut() {
                return asked.as_mut().poll(context);
            }
            match inquiry.answer_from_memory().and_then(|answer| match answer {
                Some(answer) => Ok(Poll::Ready(answer)),
                None => inquiry.begin().map(|asked| {
                    inquiry.asked = Some(asked);
                    Poll::Pending
                }),
            }) {
                Ok(Poll::Ready(answer)) => return Poll::Ready(Ok(answer)),
                Ok(Poll::Pending) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl<A: Answer<Q>, Q: Query> fmt::Debug for PendingQuery<'_, A, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingQuery").field("actor", &self.actor).field("query", &Q::NAME).finish_non_exhaustive()
    }
}
