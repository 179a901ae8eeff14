//! [`Transaction`]: a decision over several actors, saved in one commit.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aether_core::{ActorId, Commit, Event, Expected, Head, InvalidActorId, SaveError};
use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use crate::error::{ActorError, AskError, LoadError};
use crate::list::for_each_arity;
use crate::outcome::{Outcome, write_note};
use crate::panic::caught;
use crate::runtime::kind::Kind;
use crate::runtime::load;
use crate::runtime::loaded::Loaded;
use crate::runtime::plan::event_of;
use crate::runtime::recall::Known;
use crate::runtime::turn::Backoff;
use crate::runtime::work::{decode, to_json};
use crate::system::Shared;
use crate::{Actor, ActorRef, ActorSystem, CommandId};

/// How often a transaction is decided again because others were faster.
const CONFLICTS: u32 = 64;

/// A decision over a handful of actors, saved in one commit if none of them has changed meanwhile, and decided again if one
/// has. The dear path: where an event of one actor may be followed by another's a moment later, a process manager is
/// better.
///
/// It is decided here, wherever its actors are: on their states as the log has them, and it is the log that says whether it
/// stands. Nothing of actors that are elsewhere stays in memory. Whoever acts for them comes to know with the next command,
/// linearizable query, or query of somebody who has seen it.
///
/// On NATS it needs a server of version 2.12 or later.
#[derive(Debug)]
#[must_use = "a transaction does nothing until it is decided"]
pub struct Transaction<'a, P> {
    shared: &'a Arc<Shared>,
    parties: P,
    id: Option<CommandId>,
    within: Duration,
}

impl ActorSystem {
    /// Begins a transaction over these actors: a tuple of references to [`ActorRef`]s, of up to 24, or a slice of them.
    ///
    /// ```
    /// # use aether_actor::{Actor, ActorSystem, AskError, Never, event::DomainEvent};
    /// # use serde::{Serialize, Deserialize};
    /// # #[derive(Serialize, Deserialize, DomainEvent)]
    /// # enum PurseEvent { Filled { by: u32 }, Emptied { by: u32 } }
    /// # #[derive(Default, Clone, Serialize, Deserialize)]
    /// # struct Purse { coins: u32 }
    /// # impl Actor for Purse {
    /// #     const CATEGORY: &'static str = "purse";
    /// #     type Event = PurseEvent;
    /// #     type Error = Never;
    /// #     type Commands = ();
    /// #     type Queries = ();
    /// #     fn evolve(&mut self, event: &PurseEvent) {
    /// #         match event {
    /// #             PurseEvent::Filled { by } => self.coins += by,
    /// #             PurseEvent::Emptied { by } => self.coins -= by,
    /// #         }
    /// #     }
    /// # }
    /// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
    /// # #[error("not enough")]
    /// # struct NotEnough;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let store = aether_store_memory::MemoryEventStore::new();
    /// let system = ActorSystem::builder(store).actor::<Purse>().start().await?;
    /// let (ada, bob) = (system.actor::<Purse>("ada"), system.actor::<Purse>("bob"));
    /// let moved = system
    ///     .transaction((&ada, &bob))
    ///     .decide(|(from, to)| {
    ///         if from.state().coins < 5 {
    ///             return Err(NotEnough);
    ///         }
    ///         from.record(PurseEvent::Emptied { by: 5 });
    ///         to.record(PurseEvent::Filled { by: 5 });
    ///         Ok(to.state().coins)
    ///     })
    ///     .await;
    /// assert_eq!(moved, Err(AskError::Refused(NotEnough)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn transaction<P: Parties>(&self, parties: P) -> Transaction<'_, P> {
        let shared = &self.0.shared;
        Transaction { shared, parties, id: None, within: shared.deadline }
    }
}

impl<P: Parties> Transaction<'_, P> {
    /// The id of the transaction, for one that is run again until it is answered: one of an id that was executed before, with
    /// the same first actor, is not executed again, but answered with what it was answered then. A refusal is recorded too,
    /// so that an earlier attempt that is still under way somewhere cannot stand any more.
    pub fn id(mut self, id: CommandId) -> Self {
        self.id = Some(id);
        self
    }

    /// How long it may take, instead of what the system's builder says.
    pub fn within(mut self, deadline: Duration) -> Self {
        self.within = deadline;
        self
    }

    /// Decides on all the states, and saves what happens. The decision is a function of the states: it is called again when
    /// others were faster.
    ///
    /// # Errors
    /// [`AskError::Refused`] with what `decide` refused with, [`AskError::Failed`] if there is no answer.
    ///
    /// # Cancel safety
    /// All of it stands or nothing does. To find out which, run it again with its [`id`](Self::id).
    pub async fn decide<R, E, F>(self, decide: F) -> Result<R, AskError<E>>
    where
        R: Serialize + DeserializeOwned + Send,
        E: std::error::Error + Serialize + DeserializeOwned + Send + 'static,
        F: FnMut(&mut P::Drafts) -> Result<R, E> + Send,
    {
        let id = self.id.unwrap_or_else(CommandId::new);
        let deadline = Instant::now() + self.within;
        match timeout_at(deadline, self.run(id, decide)).await {
            Ok(decided) => decided,
            Err(_) => Err(ActorError::TimedOut { id }.into()),
        }
    }

    async fn run<R, E, F>(self, id: CommandId, mut decide: F) -> Result<R, AskError<E>>
    where
        R: Serialize + DeserializeOwned + Send,
        E: std::error::Error + Serialize + DeserializeOwned + Send + 'static,
        F: FnMut(&mut P::Drafts) -> Result<R, E> + Send,
    {
        let mut drafts = self.parties.load().await?;
        check(&mut drafts)?;
        let mut backoff = Backoff::between_rivals();
        for _ in 0..CONFLICTS {
            if self.id.is_some() {
                match first(&mut drafts)?.look_up(id).await? {
                    Some(Outcome::Done(reply)) => return Ok(decode(&reply, "a recorded reply")?),
                    Some(Outcome::Refused(error)) => {
                        return Err(AskError::Refused(decode(&error, "a recorded error")?));
                    }
                    Some(Outcome::DoneTooLarge) => return Err(ActorError::AlreadyDone { id }.into()),
                    None => {}
                }
            }
            let decided =
                caught(|| decide(&mut drafts)).map_err(|message| ActorError::Panicked { message })?;
            let mut events = Vec::new();
            for draft in drafts.all() {
                draft.build(id, &mut events)?;
            }
            let heads: Vec<_> = drafts.all().into_iter().map(|draft| draft.head()).collect();
            let note = note_of(id, &decided)?;
            let stood = if decided.is_ok() && !events.is_empty() {
                let mut commit = Commit::events(&events);
                for (actor, head) in &heads {
                    commit = commit.expecting_of(actor, Expected::At(*head));
                }
                self.save(&heads, &commit.with_note_of(&heads[0].0, &note)).await?
            } else if !self.prove(&heads).await? {
                None
            } else if self.id.is_some() {
                // From here on an earlier attempt that is still under way is at odds with the first actor's head.
                let (actor, head) = &heads[0];
                self.save(&heads[..1], &Commit::note_only(actor, *head, &note)).await?
            } else {
                Some(heads.iter().map(|(_, head)| *head).collect())
            };
            if let Some(heads) = stood {
                self.parties.saw(&heads);
                heads.iter().for_each(|head| self.shared.saw(head.sequence()));
                return decided.map_err(AskError::Refused);
            }
            for draft in drafts.all() {
                draft.refresh().await?;
            }
            backoff.wait().await;
        }
        Err(ActorError::Contended { attempts: CONFLICTS }.into())
    }

    /// Saves the commit. The heads of these actors after it; `None` after a conflict.
    async fn save(
        &self,
        heads: &[(ActorId, Head)],
        commit: &Commit<'_>,
    ) -> Result<Option<Vec<Head>>, ActorError> {
        let mut backoff = Backoff::default();
        loop {
            match self.shared.store.save(commit).await {
                Ok(saved) => {
                    let after = heads.iter().map(|(actor, head)| saved.head_of(actor).unwrap_or(*head));
                    return Ok(Some(after.collect()));
                }
                Err(error) if error.is_version_conflict() => return Ok(None),
                // The same bytes until it is known: short of that, nothing may be decided again.
                Err(SaveError::UnknownOutcome(_)) => {}
                Err(error) => return Err(ActorError::Save(Arc::new(error))),
            }
            backoff.wait().await;
        }
    }

    /// Proves that nothing has changed since it was loaded; false if something has. What was loaded before the first proof
    /// held together at that moment, since each head was still the last one later.
    async fn prove(&self, heads: &[(ActorId, Head)]) -> Result<bool, ActorError> {
        for (actor, head) in heads {
            match self.shared.store.confirm(actor, *head).await {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(error) if error.is_version_conflict() => return Ok(false),
                Err(error) => return Err(ActorError::Save(Arc::new(error))),
            }
        }
        Ok(true)
    }
}

/// What is recorded of a transaction.
fn note_of<R: Serialize, E: Serialize>(id: CommandId, decided: &Result<R, E>) -> Result<Vec<u8>, ActorError> {
    let outcome = match decided {
        Ok(reply) => Outcome::Done(to_json(reply, "a reply")?),
        Err(error) => Outcome::Refused(to_json(error, "an error")?),
    };
    let outcomes: Vec<_> = outcome.into_record().into_iter().map(|outcome| (id, outcome)).collect();
    Ok(write_note(&outcomes))
}

/// The first actor, who keeps the record of the transaction.
fn first<D: Drafts>(drafts: &mut D) -> Result<&mut dyn AnyDraft, ActorError> {
    drafts.all().into_iter().next().ok_or(ActorError::InvalidActor(InvalidActorId::Empty))
}

fn check<D: Drafts>(drafts: &mut D) -> Result<(), ActorError> {
    first(drafts)?;
    let mut actors: Vec<_> = drafts.all().into_iter().map(|draft| draft.head().0).collect();
    actors.sort_unstable();
    match actors.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(ActorError::SameActorTwice { actor: pair[0].clone() }),
        None => Ok(()),
    }
}

/// An actor's part in a transaction: its state, and what is to happen to it.
pub struct Draft<A: Actor> {
    kind: Arc<Kind<A>>,
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

    /// Loads the actor, as a boxed future: a tuple of parties awaits up to 24 of these. Unboxed, the compiler examined all of
    /// them for each length of a tuple, which took half of this crate's compile time.
    fn loading(actor: &ActorRef<A>) -> Pin<Box<dyn Future<Output = Result<Self, ActorError>> + Send + '_>> {
        Box::pin(Self::load(actor))
    }

    async fn load(actor: &ActorRef<A>) -> Result<Self, ActorError> {
        let (kind, id) = actor.kind()?;
        let live = kind.find(id, |cell| cell.loaded.read().clone()).flatten();
        let live = live.filter(|loaded| loaded.head.sequence() >= actor.seen().get());
        let loaded = match live {
            Some(loaded) => loaded,
            None => load::load(&kind.shared.store, id, &kind.options).await.map_err(not_loaded)?,
        };
        let state = loaded.state.clone();
        Ok(Self { kind: Arc::clone(kind), actor: id.clone(), loaded, state, events: Vec::new() })
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
        let mut known = self.loaded.recall.look_up(id, 0);
        if known == Known::Unclear {
            let reach = self.loaded.recall.reach();
            let store = &self.kind.shared.store;
            let earlier = load::outcomes_between(store, &self.actor, 0, reach).await.map_err(not_loaded)?;
            self.loaded.recall.widen(0, earlier.ok_or(ActorError::WindowPassed { id })?);
            known = self.loaded.recall.look_up(id, 0);
        }
        match known {
            Known::Executed(outcome) => Ok(Some(outcome)),
            _ => Ok(None),
        }
    }

    fn build(&self, id: CommandId, out: &mut Vec<Event>) -> Result<(), ActorError> {
        let now = self.kind.shared.clock.now();
        let mut version = self.loaded.head.version();
        for event in &self.events {
            version = version.next();
            out.push(event_of(&self.actor, version, event, id, now)?);
        }
        Ok(())
    }

    async fn refresh(&mut self) -> Result<(), ActorError> {
        let store = &self.kind.shared.store;
        load::catch_up(store, &self.actor, &self.kind.options, &mut self.loaded).await.map_err(not_loaded)?;
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
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of parties to a transaction",
    note = "give a tuple of references, `(&from, &to)`, or a slice of `ActorRef`s"
)]
pub trait Parties: Send + Sync {
    /// Their parts: a tuple of [`Draft`]s, or a list of them.
    type Drafts: Drafts;

    /// For the runtime: loads all of them.
    #[doc(hidden)]
    async fn load(&self) -> Result<Self::Drafts, ActorError>;

    /// For the runtime: the callers have seen the actors so far.
    #[doc(hidden)]
    fn saw(&self, heads: &[Head]);
}

impl<A: Actor> Drafts for Vec<Draft<A>> {
    fn all(&mut self) -> Vec<&mut dyn AnyDraft> {
        self.iter_mut().map(|draft| draft as &mut dyn AnyDraft).collect()
    }
}

#[async_trait]
impl<A: Actor> Parties for &[ActorRef<A>] {
    type Drafts = Vec<Draft<A>>;

    async fn load(&self) -> Result<Self::Drafts, ActorError> {
        let mut drafts = Vec::with_capacity(self.len());
        for actor in *self {
            drafts.push(Draft::load(actor).await?);
        }
        Ok(drafts)
    }

    fn saw(&self, heads: &[Head]) {
        for (actor, head) in self.iter().zip(heads) {
            actor.seen().raise(head.sequence());
        }
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

        #[async_trait]
        impl<$($actor: Actor),+> Parties for ($(&ActorRef<$actor>,)+) {
            type Drafts = ($(Draft<$actor>,)+);

            async fn load(&self) -> Result<Self::Drafts, ActorError> {
                #[expect(non_snake_case, reason = "named after its type")]
                let ($($actor,)+) = self;
                Ok(($(Draft::loading($actor).await?,)+))
            }

            fn saw(&self, heads: &[Head]) {
                #[expect(non_snake_case, reason = "named after its type")]
                let ($($actor,)+) = self;
                let seen = [$($actor.seen()),+];
                for (seen, head) in seen.into_iter().zip(heads) {
                    seen.raise(head.sequence());
                }
            }
        }
    };
}

for_each_arity!(parties);
