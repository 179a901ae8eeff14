//! [`ActorRef`]: a reference to an actor, which commands and queries are put to.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aether_core::ActorId;

use crate::actor::Actor;
use crate::delivery::{Seen, Since};
use crate::error::ActorError;
use crate::remote::drain_gate::Permit;
use crate::remote::router::Router;
use crate::remote::sender::Remote;
use crate::runtime::host::ActorHost;
use crate::system::ActorSystem;

impl ActorSystem {
    /// The actor of this type with this key: of `Order`, whose category is `order`, `"123"` is the actor `order-123`.
    ///
    /// Neither the store nor the actor is touched. A key that makes no valid id, and a type that the system was started
    /// without, are errors of what is asked of it.
    #[must_use]
    pub fn actor<A: Actor>(&self, key: impl fmt::Display) -> ActorRef<A> {
        let id = ActorId::new(format!("{}-{key}", A::CATEGORY)).map_err(ActorError::from);
        ActorRef::new(id.and_then(|id| Ok((self.host::<A>()?, id))))
    }
}

/// One actor, wherever it is: whom commands and queries are put to.
///
/// It touches neither the store nor the actor until something is asked. Cloning is cheap; the clones, and what is asked
/// through them, count as one caller: a query never goes back behind what that caller has seen.
pub struct ActorRef<A: Actor> {
    target: Result<(Target<A>, ActorId), ActorError>,
    seen: Seen,
}

/// How the actor is reached.
enum Target<A: Actor> {
    /// A system, which may have a router.
    System(Arc<ActorHost<A>>),
    /// A router, by whoever has no system: what is asked may take so long.
    Router(Arc<dyn Router>, Duration),
}

/// The way of a command to its actor.
pub(crate) enum Way<'a, A: Actor> {
    /// This process acts for the actor, as long as there is the permit.
    Here(&'a Arc<ActorHost<A>>, Option<Permit>),
    /// Another one does.
    Remote(Remote),
}

impl<A: Actor> ActorRef<A> {
    pub(crate) fn new(target: Result<(Arc<ActorHost<A>>, ActorId), ActorError>) -> Self {
        Self { target: target.map(|(host, id)| (Target::System(host), id)), seen: Seen::default() }
    }

    /// The actor of this type with this key, for a client without a system: all that is asked goes through the router, and
    /// waits for its answer for so long, unless it says otherwise.
    ///
    /// ```
    /// # use std::{sync::Arc, time::Duration};
    /// # use aether_actor::{Actor, ActorRef, Router};
    /// fn order<Order: Actor>(router: &Arc<dyn Router>, number: u32) -> ActorRef<Order> {
    ///     ActorRef::through(Arc::clone(router), Duration::from_secs(30), number)
    /// }
    /// ```
    #[must_use]
    pub fn through(router: Arc<dyn Router>, deadline: Duration, key: impl fmt::Display) -> Self {
        let id = ActorId::new(format!("{}-{key}", A::CATEGORY)).map_err(ActorError::from);
        Self { target: id.map(|id| (Target::Router(router, deadline), id)), seen: Seen::default() }
    }

    /// The actor's id; `None` if the key made none.
    #[must_use]
    pub fn id(&self) -> Option<&ActorId> {
        self.target.as_ref().ok().map(|(_, id)| id)
    }

    /// Since when a command can have been executed whose id is made now: what this caller has seen of the actor, or its
    /// system of any actor, for the sequences of a store are one order. To be taken when the id is made, and given
    /// ([`Ask::since`](crate::Ask::since)) whenever the command is sent again.
    #[must_use]
    pub fn since(&self) -> Since {
        let system = match &self.target {
            Ok((Target::System(host), _)) => host.shared.sequence(),
            _ => 0,
        };
        Since::after(system.max(self.seen.get()))
    }

    /// The way of a command to the actor.
    pub(crate) fn way(&self) -> Result<(Way<'_, A>, &ActorId), ActorError> {
        let (target, id) = self.target()?;
        let way = match target {
            Target::System(host) => match &host.shared.router {
                None => Way::Here(host, None),
                Some(router) => match router.enter(id) {
                    Some(permit) => Way::Here(host, Some(permit)),
                    None => Way::Remote(Remote::of(router, &host.shared)),
                },
            },
            Target::Router(router, _) => Way::Remote(Remote::through(router)),
        };
        Ok((way, id))
    }

    /// The actors of its type in memory, if this process acts for it now.
    pub(crate) fn here(&self) -> Option<(&Arc<ActorHost<A>>, &ActorId)> {
        let Ok((Target::System(host), id)) = &self.target else { return None };
        let is_here = host.shared.router.as_ref().is_none_or(|router| router.is_here(id));
        is_here.then_some((host, id))
    }

    /// The actors of its type in this process's system, wherever it is itself.
    pub(crate) fn host(&self) -> Result<(&Arc<ActorHost<A>>, &ActorId), ActorError> {
        match self.target()? {
            (Target::System(host), id) => Ok((host, id)),
            (Target::Router(..), _) => Err(ActorError::NotRegistered { category: A::CATEGORY.to_owned() }),
        }
    }

    /// How long what is asked may take, unless it says otherwise.
    pub(crate) fn deadline(&self) -> Duration {
        match &self.target {
            Ok((Target::System(host), _)) => host.shared.deadline,
            Ok((Target::Router(_, deadline), _)) => *deadline,
            Err(_) => Duration::ZERO,
        }
    }

    fn target(&self) -> Result<(&Target<A>, &ActorId), ActorError> {
        self.target.as_ref().map(|(target, id)| (target, id)).map_err(Clone::clone)
    }

    pub(crate) fn seen(&self) -> &Seen {
        &self.seen
    }
}

impl<A: Actor> Clone for Target<A> {
    fn clone(&self) -> Self {
        match self {
            Self::System(host) => Self::System(Arc::clone(host)),
            Self::Router(router, deadline) => Self::Router(Arc::clone(router), *deadline),
        }
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
