//! The books: what the log says of the accounts and of every transfer.

use std::collections::{BTreeMap, HashMap, HashSet};

use aether_actor::Actor;
use aether_actor::event::{UnknownEvents, decode_with};
use aether_core::{ActorId, EventStore, Head, ReadFrom, RecordedCommit};
use anyhow::Context;
use futures_util::{StreamExt, TryStreamExt, stream};
use uuid::Uuid;

use super::bank::{Account, AccountEvent, CarrierEvent};
use crate::lists::history::commands_in;

/// How many logs are read at once.
const AT_ONCE: usize = 64;

/// What is in the log.
#[derive(Debug, Default)]
pub(super) struct Books {
    /// What the accounts come to.
    pub(super) accounts: BTreeMap<ActorId, Account>,
    /// By transfer.
    pub(super) transfers: HashMap<Uuid, Transfer>,
    /// In whose log each command is recorded, and how often.
    pub(super) commands: HashMap<(ActorId, Uuid), u64>,
    /// The ids of the effects that were declared.
    pub(super) effects: HashSet<Uuid>,
    /// How many timers were set.
    pub(super) timers: u64,
    /// How much there was at the beginning.
    pub(super) opened: u64,
    /// How often somebody paid more than was there.
    pub(super) overdrawn: u64,
}

/// What the log says of a transfer.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Transfer {
    pub(super) debited: Vec<u64>,
    pub(super) credited: Vec<u64>,
    pub(super) refunded: Vec<u64>,
    /// How often the timer took effect.
    pub(super) settled: u64,
    /// The two sides of a transaction.
    pub(super) moved: Vec<i64>,
    /// How much the account that paid had left.
    pub(super) left: Option<u64>,
    pub(super) arrived: u64,
    pub(super) returned: u64,
}

impl Books {
    /// Reads everything.
    pub(super) async fn read(store: &dyn EventStore) -> anyhow::Result<Self> {
        let mut actors = HashSet::new();
        let mut all = store.get_all(ReadFrom::Start, usize::MAX);
        while let Some(event) = all.try_next().await.context("reading all events")? {
            actors.insert(event.actor().clone());
        }
        let logs = stream::iter(actors).map(async |actor| {
            let commits: Vec<RecordedCommit> = store.get_commits(&actor, Head::NONE).try_collect().await?;
            anyhow::Ok((actor, commits))
        });
        let mut logs = std::pin::pin!(logs.buffer_unordered(AT_ONCE));
        let mut books = Self::default();
        while let Some((actor, commits)) = logs.try_next().await.context("reading the logs")? {
            for commit in commits {
                books.enter(&actor, &commit)?;
            }
        }
        Ok(books)
    }

    fn enter(&mut self, actor: &ActorId, commit: &RecordedCommit) -> anyhow::Result<()> {
        for command in commands_in(commit.note.as_deref().unwrap_or_default()) {
            *self.commands.entry((actor.clone(), command)).or_default() += 1;
        }
        for event in &commit.events {
            match event.event_type() {
                "aether.TimerSet" => self.timers += 1,
                "aether.EffectDeclared" => {
                    self.effects.insert(event.id());
                }
                // What was sent and answered stands in the accounts' logs as well.
                kind if kind.starts_with("process.") => {}
                _ if actor.category() == Account::CATEGORY => {
                    for event in decode_with(event, UnknownEvents::Fail)? {
                        self.account(actor, &event);
                    }
                }
                _ => {
                    let transfer = self.transfer(&actor.key().unwrap_or_default().parse()?);
                    for event in decode_with(event, UnknownEvents::Fail)? {
                        match event {
                            CarrierEvent::Begun { .. } | CarrierEvent::TurnedBack => {}
                            CarrierEvent::Arrived => transfer.arrived += 1,
                            CarrierEvent::Returned => transfer.returned += 1,
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn transfer(&mut self, transfer: &Uuid) -> &mut Transfer {
        self.transfers.entry(*transfer).or_default()
    }

    fn account(&mut self, actor: &ActorId, event: &AccountEvent) {
        let paid = match event {
            AccountEvent::Debited { cents, .. } => *cents,
            AccountEvent::Moved { cents, .. } => cents.min(&0).unsigned_abs(),
            _ => 0,
        };
        let account = self.accounts.entry(actor.clone()).or_default();
        if paid > account.cents {
            self.overdrawn += 1;
            return;
        }
        account.evolve(event);
        let left = account.cents;
        match event {
            AccountEvent::Opened { cents, .. } => self.opened += cents,
            AccountEvent::Debited { transfer, cents, .. } => {
                let transfer = self.transfer(transfer);
                transfer.debited.push(*cents);
                transfer.left = Some(left);
            }
            AccountEvent::Credited { transfer, cents } => self.transfer(transfer).credited.push(*cents),
            AccountEvent::Refunded { transfer, cents } => self.transfer(transfer).refunded.push(*cents),
            AccountEvent::Settled { transfer } => self.transfer(transfer).settled += 1,
            AccountEvent::Moved { transfer, cents } => {
                let transfer = self.transfer(transfer);
                transfer.moved.push(*cents);
                if *cents < 0 {
                    transfer.left = Some(left);
                }
            }
        }
    }

    /// How many transfers by a process are under way: not arrived or back, or not settled.
    pub(super) fn under_way(&self) -> usize {
        let is_under_way = |transfer: &&Transfer| {
            !transfer.debited.is_empty()
                && (transfer.settled == 0 || transfer.arrived + transfer.returned == 0)
        };
        self.transfers.values().filter(is_under_way).count()
    }
}
