//! An account, for the tests.

use aether_actor::event::DomainEvent;
use aether_actor::{Actor, Answer, Command, CommandContext, Decision, Handle, Query};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
pub(crate) enum AccountEvent {
    Opened { owner: String },
    Deposited { cents: u64 },
    Withdrawn { cents: u64 },
    Exploded,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum AccountError {
    #[error("the account is not open")]
    NotOpen,
    #[error("the account is open already")]
    AlreadyOpen,
    #[error("overdrawn by {by}")]
    Overdrawn { by: u64 },
}

#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Open {
    pub(crate) owner: String,
}

#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Deposit {
    pub(crate) cents: u64,
}

#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Withdraw {
    pub(crate) cents: u64,
}

#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Explode {
    pub(crate) in_evolve: bool,
}

#[derive(Debug, Serialize, Deserialize, Query)]
pub(crate) struct Balance;

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) owner: Option<String>,
    pub(crate) cents: u64,
}

impl Actor for Account {
    const CATEGORY: &'static str = "account";
    type Event = AccountEvent;
    type Error = AccountError;
    type Commands = (Open, Deposit, Withdraw, Explode);
    type Queries = (Balance,);

    fn evolve(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened { owner } => self.owner = Some(owner.clone()),
            AccountEvent::Deposited { cents } => self.cents += cents,
            AccountEvent::Withdrawn { cents } => self.cents -= cents,
            AccountEvent::Exploded => panic!("boom"),
        }
    }
}

impl Handle<Open> for Account {
    type Reply = ();

    fn decide(&self, command: &Open, _: &CommandContext) -> Result<Decision<Self>, AccountError> {
        match self.owner {
            Some(_) => Err(AccountError::AlreadyOpen),
            None => Ok(Decision::event(AccountEvent::Opened { owner: command.owner.clone() })),
        }
    }
}

impl Handle<Deposit> for Account {
    type Reply = u64;

    fn decide(&self, command: &Deposit, _: &CommandContext) -> Result<Decision<Self, u64>, AccountError> {
        self.owner.as_ref().ok_or(AccountError::NotOpen)?;
        let deposited = AccountEvent::Deposited { cents: command.cents };
        Ok(Decision::event(deposited).reply(self.cents + command.cents))
    }
}

impl Handle<Withdraw> for Account {
    type Reply = u64;

    fn decide(&self, command: &Withdraw, _: &CommandContext) -> Result<Decision<Self, u64>, AccountError> {
        let left = self.cents.checked_sub(command.cents);
        let left = left.ok_or(AccountError::Overdrawn { by: command.cents.saturating_sub(self.cents) })?;
        Ok(Decision::event(AccountEvent::Withdrawn { cents: command.cents }).reply(left))
    }
}

impl Handle<Explode> for Account {
    type Reply = ();

    fn decide(&self, command: &Explode, _: &CommandContext) -> Result<Decision<Self>, AccountError> {
        assert!(command.in_evolve, "boom");
        Ok(Decision::event(AccountEvent::Exploded))
    }
}

impl Answer<Balance> for Account {
    type Reply = u64;

    fn answer(&self, _: &Balance) -> u64 {
        self.cents
    }
}
