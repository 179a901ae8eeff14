//! An account, as a user writes one.

use std::time::Duration;

use aether_actor::event::{DomainEvent, Old, Upcast, UpcastError};
use aether_actor::{Actor, Answer, Command, CommandContext, Decision, Effect, Handle, Query};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
pub(crate) enum AccountEvent {
    #[event(name = "AccountOpened")]
    Opened {
        owner: String,
    },
    #[event(version = 2, upcast(1 = cents_from_units))]
    Deposited {
        cents: u64,
    },
    Withdrawn {
        cents: u64,
    },
    /// What is left out of the log is lost.
    Remarked {
        text: String,
        #[serde(skip)]
        draft: u32,
    },
}

fn cents_from_units(mut old: Old) -> Result<Upcast, UpcastError> {
    let units: u64 = old.take("units")?;
    old.set("cents", units * 100)?;
    Ok(Upcast::to(old.data))
}

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) owner: Option<String>,
    pub(crate) cents: u64,
    pub(crate) remarks: u32,
    /// Lost in a snapshot.
    #[serde(skip)]
    pub(crate) drafts: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum AccountError {
    #[error("overdrawn by {by}")]
    Overdrawn { by: u64 },
    #[error("the account is not open")]
    NotOpen,
}

#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Open {
    pub(crate) owner: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(crate) struct Deposit {
    pub(crate) cents: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(crate) struct Withdraw {
    pub(crate) cents: u64,
}

#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Remark {
    pub(crate) draft: u32,
}

/// Handled, and not listed.
#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Unlisted;

#[derive(Debug, Serialize, Deserialize, Query)]
pub(crate) struct Balance;

#[derive(Debug, Serialize, Deserialize, Effect)]
pub(crate) struct SendMail {
    pub(crate) to: String,
}

impl Actor for Account {
    const CATEGORY: &'static str = "account";
    type Event = AccountEvent;
    type Error = AccountError;
    type Commands = (Open, Deposit, Withdraw, Remark);
    type Queries = (Balance,);

    fn evolve(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened { owner } => self.owner = Some(owner.clone()),
            AccountEvent::Deposited { cents } => self.cents += cents,
            AccountEvent::Withdrawn { cents } => self.cents -= cents,
            AccountEvent::Remarked { draft, .. } => {
                self.remarks += 1;
                self.drafts += draft;
            }
        }
    }
}

impl Handle<Open> for Account {
    type Reply = String;

    fn decide(
        &self,
        command: &Open,
        context: &CommandContext,
    ) -> Result<Decision<Self, String>, AccountError> {
        let opened = AccountEvent::Opened { owner: command.owner.clone() };
        Ok(Decision::event(opened)
            .effect(SendMail { to: command.owner.clone() })
            .schedule("review", Duration::from_secs(60), Deposit { cents: 1 })
            .reply(context.actor.to_string()))
    }
}

impl Handle<Deposit> for Account {
    type Reply = u64;

    fn decide(&self, command: &Deposit, _: &CommandContext) -> Result<Decision<Self, u64>, AccountError> {
        if command.cents == 0 {
            return Ok(Decision::nothing().reply(self.cents));
        }
        let deposited = AccountEvent::Deposited { cents: command.cents };
        Ok(Decision::event(deposited).cancel("review").reply(self.cents + command.cents))
    }
}

impl Handle<Withdraw> for Account {
    type Reply = u64;

    fn decide(&self, command: &Withdraw, _: &CommandContext) -> Result<Decision<Self, u64>, AccountError> {
        if self.owner.is_none() {
            return Err(AccountError::NotOpen);
        }
        let left = self.cents.checked_sub(command.cents);
        let left = left.ok_or_else(|| AccountError::Overdrawn { by: command.cents - self.cents })?;
        Ok(Decision::event(AccountEvent::Withdrawn { cents: command.cents }).reply(left))
    }
}

impl Handle<Remark> for Account {
    type Reply = ();

    fn decide(&self, command: &Remark, _: &CommandContext) -> Result<Decision<Self>, AccountError> {
        Ok(Decision::event(AccountEvent::Remarked { text: "hm".to_owned(), draft: command.draft }))
    }
}

impl Handle<Unlisted> for Account {
    type Reply = ();

    fn decide(&self, _: &Unlisted, _: &CommandContext) -> Result<Decision<Self>, AccountError> {
        Ok(Decision::nothing())
    }
}

impl Answer<Balance> for Account {
    type Reply = u64;

    fn answer(&self, _: &Balance) -> u64 {
        self.cents
    }
}

pub(crate) fn opened() -> AccountEvent {
    AccountEvent::Opened { owner: "ada".to_owned() }
}
