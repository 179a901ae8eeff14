//! [`Ask`]: a command on its way to an actor.

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

use crate::actor::{Actor, Command, Handle};
use crate::actor_ref::{ActorRef, Way};
use crate::command_id::CommandId;
use crate::delivery::{Delivery, Seen, Since};
use crate::error::{ActorError, AskError};
use crate::list::assert_command_listed;
use crate::outcome::{decoded, to_json};
use crate::remote::router::RemoteCommand;
use crate::remote::sender::Remote;
use crate::runtime::command_item::{Caller, CommandItem};
use crate::runtime::mailbox_item::BoxedItem;
use crate::runtime::turn;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
/// What an ask comes to.
type Asking<R, E> = Boxed<Result<R, AskError<E>>>;

impl<A: Actor> ActorRef<A> {
    /// Puts a command to the actor: decided, saved, answered. Await it, or say more first.
    ///
    /// # Errors
    /// [`AskError::Refused`](crate::AskError::Refused) with the actor's own error;
    /// [`AskError::Failed`](crate::AskError::Failed) if there is no answer.
    ///
    /// # Cancel safety
    /// A command whose future is dropped before its turn comes is not executed; later, it may be.
    pub fn ask<C: Command>(&self, command: C) -> Ask<'_, A, C>
    where
        A: Handle<C>,
    {
        const { assert_command_listed::<A, C>() };
        Ask::new(self, command)
    }
}

/// A command on its way to an actor. Await it for the reply.
#[must_use = "nothing is asked until it is awaited"]
pub struct Ask<'a, A: Handle<C>, C: Command> {
    actor: &'a ActorRef<A>,
    command: Option<C>,
    within: Option<Duration>,
    id: Option<CommandId>,
    since: Since,
    recorded: bool,
    asked: Option<Asking<A::Reply, A::Error>>,
}

// Nothing in it is pinned but the boxed future.
impl<A: Handle<C>, C: Command> Unpin for Ask<'_, A, C> {}

impl<'a, A: Handle<C>, C: Command> Ask<'a, A, C> {
    pub(crate) fn new(actor: &'a ActorRef<A>, command: C) -> Self {
        let command = Some(command);
        Self { actor, command, within: None, id: None, since: Since::Ever, recorded: false, asked: None }
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
    /// There is no mailbox to put it into if another process acts for the actor: then the command is sent until it is
    /// answered, and this waits for that, whatever the answer is.
    ///
    /// # Errors
    /// [`ActorError`] if there was no room until the deadline, or the system is stopping: nothing was begun then. If the
    /// actor is elsewhere, also why there is no answer: the command may have been executed if
    /// [that is not known](ActorError::is_unknown).
    ///
    /// # Cancel safety
    /// The command is in the mailbox or not. If the actor is elsewhere, it may be executed or not.
    pub async fn tell(mut self) -> Result<CommandId, ActorError> {
        let delivery = self.delivery();
        let id = delivery.id;
        let Some(command) = self.command.take() else { return Ok(id) };
        match self.actor.way()? {
            (Way::Here(host, permit), actor) => {
                let work = CommandItem::<A, C>::new(command, delivery, Caller::Nobody, permit);
                turn::submit(host, actor, Box::new(work)).await?;
            }
            (Way::Remote(remote), actor) => {
                let seen = self.actor.seen();
                let command = to_remote(&command, delivery, &remote, seen)?;
                let replied = remote.command(actor, command).await?;
                seen.raise(replied.sequence);
            }
        }
        Ok(id)
    }

    fn delivery(&mut self) -> Delivery {
        let deadline = Instant::now() + self.within.unwrap_or(self.actor.deadline());
        let mut delivery = match self.id {
            Some(id) => Delivery::new(id, self.since, deadline),
            None => Delivery::fresh(deadline),
        };
        delivery.recorded = self.recorded;
        delivery
    }

    fn begin(&mut self) -> Result<Asking<A::Reply, A::Error>, ActorError> {
        let delivery = self.delivery();
        let command = self.command.take();
        let command = command.ok_or(ActorError::Internal { what: "an ask was polled after it had ended" })?;
        let (host, permit, actor) = match self.actor.way()? {
            (Way::Here(host, permit), actor) => (host, permit, actor),
            (Way::Remote(remote), actor) => {
                let (actor, seen) = (actor.clone(), self.actor.seen().clone());
                let command = to_remote(&command, delivery, &remote, &seen)?;
                return Ok(Box::pin(ask_remote(remote, actor, command, seen)));
            }
        };
        let (reply, answer) = oneshot::channel();
        let caller = Caller::Typed { reply, seen: self.actor.seen().clone() };
        let (id, deadline) = (delivery.id, delivery.deadline);
        let work: BoxedItem<A> = Box::new(CommandItem::<A, C>::new(command, delivery, caller, permit));
        let (host, actor) = (Arc::clone(host), actor.clone());
        Ok(Box::pin(async move {
            turn::submit(&host, &actor, work).await?;
            match timeout_at(deadline, answer).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Err(ActorError::Stopped.into()),
                Err(_) => Err(host.timed_out(id).into()),
            }
        }))
    }
}

/// Encodes a command for another process.
fn to_remote<C: Command>(
    command: &C,
    mut delivery: Delivery,
    remote: &Remote,
    seen: &Seen,
) -> Result<RemoteCommand, ActorError> {
    let seen = seen.get();
    if delivery.is_fresh() {
        // Its id was made just now, which matters when it has to be sent again.
        delivery.since = remote.since(seen);
    }
    Ok(RemoteCommand::new(C::NAME, to_json(command, "a command")?, delivery, seen))
}

/// Asks an actor that is remote.
async fn ask_remote<R, E>(
    remote: Remote,
    actor: ActorId,
    command: RemoteCommand,
    seen: Seen,
) -> Result<R, AskError<E>>
where
    R: DeserializeOwned,
    E: std::error::Error + DeserializeOwned + 'static,
{
    let id = command.delivery.id;
    let replied = remote.command(&actor, command).await?;
    seen.raise(replied.sequence);
    decoded(&replied.outcome, id)
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
