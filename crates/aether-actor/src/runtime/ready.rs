//! What a turn reads before it decides: the actor itself, what others have committed, and older outcomes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use aether_core::Head;
use aether_telemetry::metrics::Timer;

use super::backoff::Backoff;
use super::executed_commands::Known;
use super::load;
use super::loaded::Loaded;
use super::mailbox_item::Items;
use super::turn::{Turn, last_deadline};
use crate::actor::Actor;
use crate::command_id::CommandId;
use crate::error::{ActorError, LoadError};

/// What the items that wait require of the state.
struct Needs {
    /// The sequence that it must have come to.
    at_least: u64,
    /// The commands, and since when each may have been executed.
    commands: Vec<(CommandId, u64)>,
}

impl Needs {
    fn of<A: Actor>(items: &Items<A>) -> Self {
        let commands = items.iter().filter(|item| item.delivery().may_be_known());
        Self {
            at_least: items.iter().map(|item| item.at_least()).max().unwrap_or(0),
            commands: commands.map(|item| (item.delivery().id, item.delivery().since.sequence())).collect(),
        }
    }
}

impl<A: Actor> Turn<A> {
    /// Returns whether nothing has to be read before these can be decided.
    pub(super) fn is_ready(&self, items: &Items<A>) -> bool {
        let loaded = self.cell.loaded.read();
        let Some(loaded) = loaded.as_ref() else { return false };
        items.iter().all(|item| {
            let delivery = item.delivery();
            let is_known =
                || loaded.executed.look_up(delivery.id, delivery.since.sequence()) != Known::Unclear;
            item.at_least() <= loaded.head.sequence() && (!delivery.may_be_known() || is_known())
        })
    }

    /// Sees to it that the actor is loaded, has come to what the callers have seen, and remembers far enough back.
    pub(super) async fn make_ready(&self, items: &mut Items<A>) -> Result<(), ActorError> {
        let cell = &*self.cell;
        let mut backoff = Backoff::default();
        let panics = cell.panics.load(Ordering::Relaxed);
        if panics > 0 && cell.loaded.read().is_none() {
            tokio::time::sleep(Backoff::after(panics)).await;
        }
        loop {
            match self.try_make_ready(Needs::of(items)).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) if error.is_retryable() => {
                    tracing::debug!(actor = %cell.id, %error, "the actor could not be loaded; trying again");
                    if !backoff.fits_before(last_deadline(items)) {
                        return Err(ActorError::Load(Arc::new(error)));
                    }
                }
                Err(LoadError::Poison(poison)) => {
                    self.forget();
                    self.host.park(&cell.id, &poison);
                    return Err(ActorError::Parked(poison));
                }
                Err(error) => return Err(ActorError::Load(Arc::new(error))),
            }
            self.drop_late(items);
            if items.is_empty() {
                return Ok(());
            }
            backoff.wait().await;
        }
    }

    /// Makes one attempt. Returns whether the actor is ready.
    async fn try_make_ready(&self, needs: Needs) -> Result<bool, LoadError> {
        let head = self.cell.loaded.read().as_ref().map(|loaded| loaded.head);
        let head = match head {
            Some(head) => head,
            None => self.activate().await?,
        };
        if needs.at_least > head.sequence() {
            self.refresh().await?;
            let reached = self.cell.loaded.read().as_ref().map_or(0, |loaded| loaded.head.sequence());
            if needs.at_least > reached {
                return Ok(false);
            }
        }
        self.look_back(needs.commands).await?;
        Ok(true)
    }

    /// Loads the actor into its cell.
    async fn activate(&self) -> Result<Head, LoadError> {
        let (host, cell) = (&*self.host, &self.cell);
        if let Some(poison) = host.parked(&cell.id) {
            return Err(LoadError::Poison(poison));
        }
        let timer = Timer::start();
        let _admitted = host.shared.residents.admit(&host.metrics).await;
        let loaded: Loaded<A> = load::load(&host.shared.store, &cell.id, &host.options).await?;
        let head = loaded.head;
        let memory = loaded.state.memory();
        host.shared.saw(head.sequence());
        *cell.loaded.write() = Some(loaded);
        host.moved_in(cell, memory, timer);
        Ok(head)
    }

    /// Reads what others have committed.
    pub(super) async fn refresh(&self) -> Result<(), LoadError> {
        let (host, cell) = (&*self.host, &*self.cell);
        let Some(mut loaded) = cell.loaded.read().clone() else { return Ok(()) };
        if load::catch_up(&host.shared.store, &cell.id, &host.options, &mut loaded).await? {
            host.shared.saw(loaded.head.sequence());
            *cell.loaded.write() = Some(loaded);
        }
        Ok(())
    }

    /// Looks through the log for commands that may have been executed before what is remembered.
    async fn look_back(&self, commands: Vec<(CommandId, u64)>) -> Result<(), LoadError> {
        let cell = &*self.cell;
        let (mut reach, mut unclear) = {
            let loaded = cell.loaded.read();
            let Some(loaded) = loaded.as_ref() else { return Ok(()) };
            let is_unclear =
                |(id, since): &(CommandId, u64)| loaded.executed.look_up(*id, *since) == Known::Unclear;
            let unclear: Vec<_> = commands.into_iter().filter(is_unclear).map(|(_, since)| since).collect();
            (loaded.executed.reach(), unclear)
        };
        // The nearest first: one that is too far back does not spoil it for the others.
        unclear.sort_unstable_by(|a, b| b.cmp(a));
        for since in unclear {
            if since >= reach {
                continue;
            }
            let store = &self.host.shared.store;
            let Some(found) = load::outcomes_between(store, &cell.id, since, reach).await? else { break };
            if let Some(loaded) = cell.loaded.write().as_mut() {
                loaded.executed.widen(since, found);
            }
            reach = since;
        }
        Ok(())
    }
}
