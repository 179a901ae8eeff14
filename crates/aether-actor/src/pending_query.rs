//! [`PendingQuery`]: a query on its way to an actor.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use aether_core::ActorId;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::actor::{Actor, Answer, Query};
use crate::actor_ref::{ActorRef, Way};
use crate::delivery::Seen;
use crate::error::ActorError;
use crate::list::assert_query_listed;
use crate::outcome::{decode, to_json};
use crate::remote::router::RemoteQuery;
use crate::remote::sender::Remote;
use crate::runtime::query_item::{answer_from_memory, put_query};

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl<A: Actor> ActorRef<A> {
    /// Puts a query to the actor, answered from memory. While another process is at work on the same actor the answer may
    /// be of a moment ago, but never of one before what this caller has seen; see
    /// [`linearizable`](PendingQuery::linearizable). Await it, or say more first.
    ///
    /// # Errors
    /// [`ActorError`].
    ///
    /// # Cancel safety
    /// Can be dropped at any time.
    pub fn query<Q: Query>(&self, query: Q) -> PendingQuery<'_, A, Q>
    where
        A: Answer<Q>,
    {
        const { assert_query_listed::<A, Q>() };
        PendingQuery::new(self, query)
    }
}

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
        let Some((host, actor)) = self.actor.here() else { return Ok(None) };
        answer_from_memory(host, actor, query, self.actor.seen())
    }

    fn begin(&mut self) -> Result<Boxed<Result<A::Reply, ActorError>>, ActorError> {
        let deadline = Instant::now() + self.within.unwrap_or(self.actor.deadline());
        let query = self
            .query
            .take()
            .ok_or(ActorError::Internal { what: "a query was polled after it had ended" })?;
        let (seen, linearizable) = (self.actor.seen().clone(), self.linearizable);
        let (way, actor) = self.actor.way()?;
        let actor = actor.clone();
        match way {
            Way::Here(host, permit) => {
                let host = Arc::clone(host);
                Ok(Box::pin(put_query(host, actor, query, linearizable, seen, deadline, permit)))
            }
            Way::Remote(remote) => {
                let mut query = RemoteQuery::new(Q::NAME, to_json(&query, "a query")?, deadline);
                (query.linearizable, query.seen) = (linearizable, seen.get());
                Ok(Box::pin(query_remote(remote, actor, query, seen)))
            }
        }
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
        f.debug_struct("PendingQuery")
            .field("actor", &self.actor)
            .field("query", &Q::NAME)
            .finish_non_exhaustive()
    }
}
