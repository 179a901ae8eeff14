//! Accounts that money is transferred between.

use std::collections::BTreeSet;

use aether_actor::event::DomainEvent;
use aether_actor::{Actor, Answer, Command, CommandContext, Decision, Handle, Query};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
pub(crate) enum AccountEvent {
    AccountOpened { cents: u64 },
    AccountClosed,
    TransferAsked { transfer: String, to: String, cents: u64 },
    Debited { transfer: String, cents: u64 },
    Credited { transfer: String, cents: u64 },
    Refunded { transfer: String, cents: u64 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum AccountError {
    #[error("there is no such account")]
    Closed,
    #[error("overdrawn by {by}")]
    Overdrawn { by: u64 },
}

#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Open {
    pub(crate) cents: u64,
}

#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Close;

#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct AskTransfer {
    pub(crate) transfer: String,
    pub(crate) to: String,
    pub(crate) cents: u64,
}

#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Debit {
    pub(crate) transfer: String,
    pub(crate) cents: u64,
}

#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Credit {
    pub(crate) transfer: String,
    pub(crate) cents: u64,
}

#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Refund {
    pub(crate) transfer: String,
    pub(crate) cents: u64,
}

#[derive(Debug, Serialize, Deserialize, Query)]
pub(crate) struct Balance;

/// What has been done to it, and how often: something that was done twice is counted.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    open: bool,
    pub(crate) cents: u64,
    done: BTreeSet<String>,
    pub(crate) doubled: u64,
}

impl Account {
    fn done(&mut self, what: &str, transfer: &str) {
        if !self.done.insert(format!("{what} {transfer}")) {
            self.doubled += 1;
        }
    }
}

impl Actor for Account {
    const CATEGORY: &'static str = "account";
    type Event = AccountEvent;
    type Error = AccountError;
    type Commands = (Open, Close, AskTransfer, Debit, Credit, Refund);
    type Queries = (Balance,);

    fn evolve(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::AccountOpened { cents } => (self.open, self.cents) = (true, *cents),
            AccountEvent::AccountClosed => self.open = false,
            AccountEvent::TransferAsked { .. } => {}
            AccountEvent::Debited { transfer, cents } => {
                self.cents -= cents;
                self.done("debit", transfer);
            }
            AccountEvent::Credited { transfer, cents } => {
                self.cents += cents;
                self.done("credit", transfer);
            }
            AccountEvent::Refunded { transfer, cents } => {
                self.cents += cents;
                self.done("refund", transfer);
            }
        }
    }
}

impl Handle<Open> for Account {
    type Reply = ();

    fn decide(&self, command: &Open, _: &CommandContext) -> Result<Decision<Self>, AccountError> {
        Ok(Decision::event(AccountEvent::AccountOpened { cents: command.cents }))
    }
}

impl Handle<Close> for Account {
    type Reply = ();

    fn decide(&self, _: &Close, _: &CommandContext) -> Result<Decision<Self>, AccountError> {
        Ok(Decision::event(AccountEvent::AccountClosed))
    }
}

impl Handle<AskTransfer> for Account {
    type Reply = ();

    fn decide(&self, command: &AskTransfer, _: &CommandContext) -> Result<Decision<Self>, AccountError> {
        let AskTransfer { transfer, to, cents } = command;
        let (transfer, to) = (transfer.clone(), to.clone());
        Ok(Decision::event(AccountEvent::TransferAsked { transfer, to, cents: *cents }))
    }
}

impl Handle<Debit> for Account {
    type Reply = u64;

    fn decide(&self, command: &Debit, _: &CommandContext) -> Result<Decision<Self, u64>, AccountError> {
        let left = self.cents.checked_sub(command.cents);
        let left = left.ok_or(AccountError::Overdrawn { by: command.cents.saturating_sub(self.cents) })?;
        let transfer = command.transfer.clone();
        Ok(Decision::event(AccountEvent::Debited { transfer, cents: command.cents }).reply(left))
    }
}

impl Handle<Credit> for Account {
    type Reply = ();

    fn decide(&self, command: &Credit, _: &CommandContext) -> Result<Decision<Self>, AccountError> {
        if !self.open {
            return Err(AccountError::Closed);
        }
        let transfer = command.transfer.clone();
        Ok(Decision::event(AccountEvent::Credited { transfer, cents: command.cents }))
    }
}

impl Handle<Refund> for Account {
    type Reply = ();

    fn decide(&self, command: &Refund, _: &CommandContext) -> Result<Decision<Self>, AccountError> {
        let transfer = command.transfer.clone();
        Ok(Decision::event(AccountEvent::Refunded { transfer, cents: command.cents }))
    }
}

impl Answer<Balance> for Account {
    type Reply = u64;

    fn answer(&self, _: &Balance) -> u64 {
        self.cents
    }
}
