//! [`Transaction`]: a decision over several actors, saved in one commit.

use std::sync::Arc;
use std::time::Duration;

use aether_core::{ActorId, Commit, Expected, Head, InvalidActorId, SaveError};
use aether_telemetry::panic::caught;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use crate::command_id::CommandId;
use crate::draft::{self, AnyDraft, Drafts, Parties};
use crate::error::{ActorError, AskError};
use crate::outcome::{decoded, encode, write_note};
use crate::runtime::backoff::Backoff;
use crate::runtime::shared::Shared;
use crate::system::ActorSystem;

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
    /// Begins a transaction over these actors: a tuple of references to [`ActorRef`](crate::ActorRef)s, of up to 24, or a slice of them.
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
        let mut drafts = draft::load(&self.parties).await?;
        check(&mut drafts)?;
        let mut backoff = Backoff::between_rivals();
        for _ in 0..CONFLICTS {
            if self.id.is_some()
                && let Some(outcome) = first(&mut drafts)?.look_up(id).await?
            {
                return decoded(&outcome, id);
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
                draft::saw(&self.parties, &heads);
                heads.iter().for_each(|head| self.shared.saw(head.sequence()));
                return decided.map_err(AskError::Refused);
            }
            // Waits first and reads then: states as old as the pause lose to every rival that commits more often.
            backoff.wait().await;
            for draft in drafts.all() {
                draft.refresh().await?;
            }
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
    let outcomes: Vec<_> = encode(decided)?.into_record().into_iter().map(|outcome| (id, outcome)).collect();
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
