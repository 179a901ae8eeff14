//! [`ActorRef`]: whom commands and queries are put to.

use std::fmt;
use std::sync::Arc;

use aether_core::ActorId;

use crate::ask::{Ask, Inquiry};
use crate::command::{self, Command, Handle};
use crate::query::{self, Answer, Query};
use crate::runtime::kind::Kind;
use crate::runtime::work::Seen;
use crate::{Actor, ActorError, Since};

/// One actor, wherever it is: whom commands and queries are put to.
///
/// It touches neither the store nor the actor until something is asked. Cloning is cheap; the clones, and what is asked
/// through them, count as one caller: a query never goes back behind what that caller has seen.
pub struct ActorRef<A: Actor> {
    target: Result<(Arc<Kind<A>>, ActorId), ActorError>,
    seen: Seen,
}

impl<A: Actor> ActorRef<A> {
    pub(crate) fn new(target: Result<(Arc<Kind<A>>, ActorId), ActorError>) -> Self {
        Self { target, seen: Seen::default() }
    }

    /// The actor's id; `None` if the key made none.
    #[must_use]
    pub fn id(&self) -> Option<&ActorId> {
        self.target.as_ref().ok().map(|(_, id)| id)
    }

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
        const { command::assert_listed::<A, C>() };
        Ask::new(self, command)
    }

    /// Puts a query to the actor, answered from memory. While another process is at work on the same actor the answer may
    /// be of a moment ago, but never of one before what this caller has seen; see
    /// [`linearizable`](Inquiry::linearizable). Await it, or say more first.
    ///
    /// # Errors
    /// [`ActorError`].
    ///
    /// # Cancel safety
    /// Can be dropped at any time.
    pub fn query<Q: Query>(&self, query: Q) -> Inquiry<'_, A, Q>
    where
        A: Answer<Q>,
    {
        const { query::assert_listed::<A, Q>() };
        Inquiry::new(self, query)
    }

    /// Since when a command can have been executed whose id is made now: what this caller has seen of the actor. To be
    /// taken when the id is made, and given ([`Ask::since`]) whenever the command is sent again.
    #[must_use]
    pub fn since(&self) -> Since {
        match self.seen.get() {
            0 => Since::Ever,
            sequence => Since::Commit(sequence),
        }
    }

    pub(crate) fn target(&self) -> Result<(&Arc<Kind<A>>, &ActorId), ActorError> {
        self.target.as_ref().map(|(kind, id)| (kind, id)).map_err(Clone::clone)
    }

    pub(crate) fn seen(&self) -> &Seen {
        &self.seen
    }
}

impl<A: Actor> Clone for ActorRef<A> {
    fn clone(&self) -> Self {
        Self { target: self.target.clone(), seen: self.seen.clone() }
    }
}

impl<A: Actor> fmt::Debug for ActorRef<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.target.as_ref().map(|(_, id)| id);
        f.debug_tuple("ActorRef").field(&target).finish()
    }
}
