//! [`Ask`] and [`Inquiry`]: a command or a query on its way to an actor.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use aether_core::ActorId;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::command::{Command, Handle};
use crate::panic::caught;
use crate::query::{Answer, Query};
use crate::runtime::kind::Kind;
use crate::runtime::observed::Observed;
use crate::runtime::work::{Asked, BoxedWork, Caller, Queried, Seen};
use crate::{ActorError, ActorRef, AskError, CommandId, Delivery, Since};

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
/// What an ask comes to.
type Asking<R, E> = Boxed<Result<R, AskError<E>>>;

/// A command on its way to an actor. Await it for the reply.
#[must_use = "nothing is asked until it is awaited"]
pub struct Ask<'a, A: Handle<C>, C: Command> {
    actor: &'a ActorRef<A>,
    command: Option<C>,
    within: Option<Duration>,
    id: Option<CommandId>,
    since: Since,
    recorded: bool,
    timer: Option<String>,
    asked: Option<Asking<A::Reply, A::Error>>,
}

// Nothing in it is pinned but the boxed future.
impl<A: Handle<C>, C: Command> Unpin for Ask<'_, A, C> {}

impl<'a, A: Handle<C>, C: Command> Ask<'a, A, C> {
    pub(crate) fn new(actor: &'a ActorRef<A>, command: C) -> Self {
        let command = Some(command);
        Self {
            actor,
            command,
            within: None,
            id: None,
            since: Since::Ever,
            recorded: false,
            timer: None,
            asked: None,
        }
    }

    /// How long to wait for the answer, instead of what the system's builder says.
    pub fn within(mut self, deadline: Duration) -> Self {
        self.within = Some(deadline);
        self
    }

    /// The command's id, for a command that is sent again until it is answered: one of an id that was executed before is not
    /// executed again, but answered with what it was answered then. That is looked for through all of the actor's log, as
    /// far as the limit of 1,024 commits behind what is remembered, unless [`since`](Self::since) says that it cannot be so
    /// long ago.
    ///
    /// Its outcome is recorded also if nothing is saved: so the answer is the same from then on, and an earlier attempt that
    /// is still under way somewhere cannot stand any more.
    pub fn id(mut self, id: CommandId) -> Self {
        self.id = Some(id);
        self.recorded = true;
        self
    }

    /// Since when the command may have been executed: [`ActorRef::since`], as it was when the id was made.
    pub fn since(mut self, since: Since) -> Self {
        self.since = since;
        self
    }

    /// This is the first time that the command is sent, so an answer that saves nothing need not be recorded, which saves a
    /// commit. If there is no answer, later attempts must not say so.
    pub fn first_attempt(mut self) -> Self {
        self.recorded = false;
        self
    }

    /// Puts the command into the actor's mailbox without waiting for the answer. Its id.
    ///
    /// # Errors
    /// [`ActorError`] if there was no room until the deadline, or the system is stopping. Nothing was begun then.
    ///
    /// # Cancel safety
    /// The command is in the mailbox or not.
    pub async fn tell(mut self) -> Result<CommandId, ActorError> {
        let (kind, actor) = self.actor.target()?;
        let delivery = self.delivery(kind.shared.deadline);
        let id = delivery.id;
        let Some(command) = self.command.take() else { return Ok(id) };
        kind.submit(actor, Box::new(Asked::<A, C>::new(command, delivery, Caller::Nobody))).await?;
        Ok(id)
    }

    fn delivery(&mut self, deadline: Duration) -> Delivery {
        let deadline = Instant::now() + self.within.unwrap_or(deadline);
        let mut delivery = match self.id {
            Some(id) => Delivery::new(id, self.since, deadline),
            None => Delivery::fresh(deadline),
        };
        delivery.recorded = self.recorded;
        delivery.timer = self.timer.take();
        delivery
    }

    fn begin(&mut self) -> Result<Asking<A::Reply, A::Error>, ActorError> {
        let (kind, actor) = self.actor.target()?;
        let delivery = self.delivery(kind.shared.deadline);
        let command = self.command.take().ok_or(ActorError::Stopped)?;
        let (reply, answer) = oneshot::channel();
        let caller = Caller::Typed { reply, seen: self.actor.seen().clone() };
        let (id, deadline) = (delivery.id, delivery.deadline);
        let work: BoxedWork<A> = Box::new(Asked::<A, C>::new(command, delivery, caller));
        let (kind, actor) = (Arc::clone(kind), actor.clone());
        Ok(Box::pin(async move {
            kind.submit(&actor, work).await?;
            match timeout_at(deadline, answer).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Err(ActorError::Stopped.into()),
                Err(_) => Err(kind.timed_out(id).into()),
            }
        }))
    }
}

impl<A: Handle<C>, C: Command> Future for Ask<'_, A, C> {
    type Output = Result<A::Reply, AskError<A::Error>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let ask = self.get_mut();
        loop {
            if let Some(asked) = ask.asked.as_mut() {
                return asked.as_mut().poll(context);
            }
            match ask.begin() {
                Ok(asked) => ask.asked = Some(asked),
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }
}

impl<A: Handle<C>, C: Command> fmt::Debug for Ask<'_, A, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").field("actor", &self.actor).field("command", &C::NAME).finish_non_exhaustive()
    }
}

/// A query on its way to an actor. Await it for the answer.
#[must_use = "nothing is asked until it is awaited"]
pub struct Inquiry<'a, A: Answer<Q>, Q: Query> {
    actor: &'a ActorRef<A>,
    query: Option<Q>,
    within: Option<Duration>,
    linearizable: bool,
    asked: Option<Boxed<Result<A::Reply, ActorError>>>,
}

// Nothing in it is pinned but the boxed future.
impl<A: Answer<Q>, Q: Query> Unpin for Inquiry<'_, A, Q> {}

impl<'a, A: Answer<Q>, Q: Query> Inquiry<'a, A, Q> {
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

    /// Answers from memory, if the actor is there and has come to what the caller has seen.
    fn recollect(&mut self) -> Result<Option<A::Reply>, ActorError> {
        let (kind, actor) = self.actor.target()?;
        let (Some(query), false) = (&self.query, self.linearizable) else { return Ok(None) };
        let seen = self.actor.seen();
        let answer = kind.find(actor, |cell| {
            let loaded = cell.loaded.read();
            let loaded = loaded.as_ref().filter(|loaded| loaded.head.sequence() >= seen.get())?;
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

    fn begin(&mut self) -> Result<Boxed<Result<A::Reply, ActorError>>, ActorError> {
        let (kind, actor) = self.actor.target()?;
        let deadline = Instant::now() + self.within.unwrap_or(kind.shared.deadline);
        let query = self.query.take().ok_or(ActorError::Stopped)?;
        let asked = inquire(
            Arc::clone(kind),
            actor.clone(),
            query,
            self.linearizable,
            self.actor.seen().clone(),
            deadline,
        );
        Ok(Box::pin(asked))
    }
}

/// Puts a query into the actor's mailbox.
async fn inquire<A: Answer<Q>, Q: Query>(
    kind: Arc<Kind<A>>,
    actor: ActorId,
    query: Q,
    linearizable: bool,
    seen: Seen,
    deadline: Instant,
) -> Result<A::Reply, ActorError> {
    let (reply, answer) = oneshot::channel();
    let delivery = Delivery::fresh(deadline);
    let id = delivery.id;
    let observed = Observed::query(A::CATEGORY, Q::NAME, &delivery);
    let queried = Queried::<A, Q> { query, delivery, observed, linearizable, seen, reply, answered: None };
    kind.submit(&actor, Box::new(queried)).await?;
    match timeout_at(deadline, answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(ActorError::Stopped),
        Err(_) => Err(kind.timed_out(id)),
    }
}

impl<A: Answer<Q>, Q: Query> Future for Inquiry<'_, A, Q> {
    type Output = Result<A::Reply, ActorError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let inquiry = self.get_mut();
        loop {
            if let Some(asked) = inquiry.asked.as_mut() {
                return asked.as_mut().poll(context);
            }
            match inquiry.recollect().and_then(|answer| match answer {
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

impl<A: Answer<Q>, Q: Query> fmt::Debug for Inquiry<'_, A, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inquiry").field("actor", &self.actor).field("query", &Q::NAME).finish_non_exhaustive()
    }
}
