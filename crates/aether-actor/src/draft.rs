//! [`Draft`] and [`Parties`]: the actors of a transaction, as they are loaded, decided on, and written.

use std::any::Any;
use std::sync::Arc;
use std::{fmt, vec};

use aether_core::{ActorId, Event, Head};
use async_trait::async_trait;

use crate::actor::Actor;
use crate::actor_ref::ActorRef;
use crate::command_id::CommandId;
use crate::error::{ActorError, LoadError};
use crate::list::for_each_arity;
use crate::outcome::Outcome;
use crate::runtime::executed_commands::Known;
use crate::runtime::host::ActorHost;
use crate::runtime::load;
use crate::runtime::loaded::Loaded;
use crate::runtime::plan::event_of;

/// An actor's part in a transaction: its state, and what is to happen to it.
pub struct Draft<A: Actor> {
    host: Arc<ActorHost<A>>,
    actor: ActorId,
    loaded: Loaded<A>,
    state: A,
    events: Vec<A::Event>,
}

impl<A: Actor> Draft<A> {
    /// The actor.
    #[must_use]
    pub fn id(&self) -> &ActorId {
        &self.actor
    }

    /// The state, with what was [recorded](Self::record).
    #[must_use]
    pub fn state(&self) -> &A {
        &self.state
    }

    /// This happens, if the transaction stands.
    pub fn record(&mut self, event: A::Event) {
        self.state.evolve(&event);
        self.events.push(event);
    }

    async fn load(actor: &ActorRef<A>) -> Result<Self, ActorError> {
        let (host, id) = actor.host()?;
        let live = host.find(id, |cell| cell.loaded.read().clone()).flatten();
        let live = live.filter(|loaded| loaded.head.sequence() >= actor.seen().get());
        let loaded = match live {
            Some(loaded) => loaded,
            None => load::load(&host.shared.store, id, &host.options).await.map_err(not_loaded)?,
        };
        let state = loaded.state.clone();
        Ok(Self { host: Arc::clone(host), actor: id.clone(), loaded, state, events: Vec::new() })
    }
}

fn not_loaded(error: LoadError) -> ActorError {
    ActorError::Load(Arc::new(error))
}

impl<A: Actor> fmt::Debug for Draft<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let events = self.events.len();
        f.debug_struct("Draft").field("actor", &self.actor).field("events", &events).finish_non_exhaustive()
    }
}

/// For the runtime: a [`Draft`], whatever its type.
#[async_trait]
pub trait AnyDraft: Send {
    /// The actor, and what was its last commit when it was loaded.
    fn head(&self) -> (ActorId, Head);

    /// What is recorded of a transaction of this id.
    async fn look_up(&mut self, id: CommandId) -> Result<Option<Outcome>, ActorError>;

    /// Makes the events that were recorded.
    fn build(&self, id: CommandId, out: &mut Vec<Event>) -> Result<(), ActorError>;

    /// Reads what others have committed, and forgets what was recorded.
    async fn refresh(&mut self) -> Result<(), ActorError>;
}

#[async_trait]
impl<A: Actor> AnyDraft for Draft<A> {
    fn head(&self) -> (ActorId, Head) {
        (self.actor.clone(), self.loaded.head)
    }

    async fn look_up(&mut self, id: CommandId) -> Result<Option<Outcome>, ActorError> {
        let mut known = self.loaded.executed.look_up(id, 0);
        if known == Known::Unclear {
            let reach = self.loaded.executed.reach();
            let store = &self.host.shared.store;
            let earlier = load::outcomes_between(store, &self.actor, 0, reach).await.map_err(not_loaded)?;
            self.loaded.executed.widen(0, earlier.ok_or(ActorError::WindowPassed { id })?);
            known = self.loaded.executed.look_up(id, 0);
        }
        match known {
            Known::Executed(outcome) => Ok(Some(outcome)),
            _ => Ok(None),
        }
    }

    fn build(&self, id: CommandId, out: &mut Vec<Event>) -> Result<(), ActorError> {
        let now = self.host.shared.clock.now();
        let mut version = self.loaded.head.version();
        for event in &self.events {
            version = version.next();
            out.push(event_of(&self.actor, version, event, id, now)?);
        }
        Ok(())
    }

    async fn refresh(&mut self) -> Result<(), ActorError> {
        let store = &self.host.shared.store;
        load::catch_up(store, &self.actor, &self.host.options, &mut self.loaded).await.map_err(not_loaded)?;
        self.state = self.loaded.state.clone();
        self.events.clear();
        Ok(())
    }
}

/// For the runtime: the parts of all actors of a transaction.
pub trait Drafts: Send {
    /// All of them, in order.
    fn all(&mut self) -> Vec<&mut dyn AnyDraft>;
}

/// The actors of a transaction: a tuple of references to [`ActorRef`]s, or a slice of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of parties to a transaction",
    note = "give a tuple of references, `(&from, &to)`, or a slice of `ActorRef`s"
)]
pub trait Parties: Send + Sync {
    /// Their parts: a tuple of [`Draft`]s, or a list of them.
    type Drafts: Drafts;

    /// For the runtime: each of them, whatever its type, in order.
    #[doc(hidden)]
    fn parties(&self) -> Vec<&dyn Party>;

    /// For the runtime: the parts of these parties, which were loaded in their order.
    #[doc(hidden)]
    fn drafts(loaded: &mut LoadedDrafts) -> Option<Self::Drafts>;
}

/// For the runtime: an actor of a transaction, whatever its type.
#[async_trait]
pub trait Party: Send + Sync {
    /// Loads its [`Draft`].
    async fn load(&self) -> Result<Box<dyn Any + Send>, ActorError>;

    /// Notes that the caller has seen the actor at this head.
    fn saw(&self, head: Head);
}

#[async_trait]
impl<A: Actor> Party for ActorRef<A> {
    async fn load(&self) -> Result<Box<dyn Any + Send>, ActorError> {
        Ok(Box::new(Draft::load(self).await?))
    }

    fn saw(&self, head: Head) {
        self.seen().raise(head.sequence());
    }
}

/// For the runtime: drafts that were loaded, in the order of their parties.
#[derive(Debug)]
pub struct LoadedDrafts(vec::IntoIter<Box<dyn Any + Send>>);

impl LoadedDrafts {
    fn next<A: Actor>(&mut self) -> Option<Draft<A>> {
        self.0.next()?.downcast().ok().map(|draft| *draft)
    }
}

/// Loads all parties.
///
/// They are loaded whatever their types, and get their types back afterwards: an `async fn` for each length of a tuple, which
/// awaits each of its actors, takes more than half of this crate's compile time.
pub(crate) async fn load<P: Parties>(parties: &P) -> Result<P::Drafts, ActorError> {
    let mut loaded = Vec::new();
    for party in parties.parties() {
        loaded.push(party.load().await?);
    }
    let drafts = P::drafts(&mut LoadedDrafts(loaded.into_iter()));
    drafts.ok_or(ActorError::Internal { what: "a transaction has loaded other actors than its parties" })
}

/// Notes that the caller has seen the parties at these heads.
pub(crate) fn saw<P: Parties>(parties: &P, heads: &[Head]) {
    for (party, head) in parties.parties().into_iter().zip(heads) {
        party.saw(*head);
    }
}

impl<A: Actor> Drafts for Vec<Draft<A>> {
    fn all(&mut self) -> Vec<&mut dyn AnyDraft> {
        self.iter_mut().map(|draft| draft as &mut dyn AnyDraft).collect()
    }
}

impl<A: Actor> Parties for &[ActorRef<A>] {
    type Drafts = Vec<Draft<A>>;

    fn parties(&self) -> Vec<&dyn Party> {
        self.iter().map(|actor| actor as &dyn Party).collect()
    }

    fn drafts(loaded: &mut LoadedDrafts) -> Option<Self::Drafts> {
        let count = loaded.0.len();
        (0..count).map(|_| loaded.next()).collect()
    }
}

macro_rules! parties {
    () => {};
    ($($actor:ident)+) => {
        impl<$($actor: Actor),+> Drafts for ($(Draft<$actor>,)+) {
            fn all(&mut self) -> Vec<&mut dyn AnyDraft> {
                #[expect(non_snake_case, reason = "named after its type")]
                let ($($actor,)+) = self;
                vec![$($actor as &mut dyn AnyDraft),+]
            }
        }

        impl<$($actor: Actor),+> Parties for ($(&ActorRef<$actor>,)+) {
            type Drafts = ($(Draft<$actor>,)+);

            fn parties(&self) -> Vec<&dyn Party> {
                #[expect(non_snake_case, reason = "named after its type")]
                let ($($actor,)+) = self;
                vec![$(*$actor as &dyn Party),+]
            }

            fn drafts(loaded: &mut LoadedDrafts) -> Option<Self::Drafts> {
                Some(($(loaded.next::<$actor>()?,)+))
            }
        }
    };
}

for_each_arity!(parties);
