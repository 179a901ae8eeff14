//! [`Account`]: never overdrawn, and while it is frozen nothing goes in or out.

use std::time::Duration;

use aether::actor::{Actor, Answer, CommandContext, Decision, Handle};
use aether::event::{DomainEvent, Old, Upcast, UpcastError};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::commands::{
    Balance, Credit, Debit, Deposit, Freeze, Open, Refund, RequestTransfer, Unfreeze, Withdraw,
};

/// What can happen to an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
pub(crate) enum AccountEvent {
    #[event(name = "AccountOpened")]
    Opened {
        owner: String,
    },
    /// In its first version it was in whole euros.
    #[event(version = 2, upcast(1 = cents_from_euros))]
    Deposited {
        cents: u64,
    },
    Withdrawn {
        cents: u64,
    },
    TransferRequested {
        transfer: String,
        to: String,
        cents: u64,
    },
    Debited {
        transfer: String,
        cents: u64,
    },
    Credited {
        transfer: String,
        cents: u64,
    },
    Refunded {
        transfer: String,
        cents: u64,
    },
    #[event(name = "AccountFrozen")]
    Frozen {
        #[serde(with = "time::serde::rfc3339")]
        until: OffsetDateTime,
    },
    #[event(name = "AccountUnfrozen")]
    Unfrozen,
}

fn cents_from_euros(mut old: Old) -> Result<Upcast, UpcastError> {
    let euros: u64 = old.take("euros")?;
    old.set("cents", euros * 100)?;
    Ok(Upcast::to(old.data))
}

/// Why an account refuses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum AccountError {
    #[error("there is no such account")]
    NotOpen,
    #[error("the account was opened before")]
    AlreadyOpen,
    #[error("the account is frozen")]
    Frozen,
    #[error("overdrawn by {by} cents")]
    Overdrawn { by: u64 },
    #[error("that is the same account")]
    SameAccount,
}

/// What its events add up to.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    owner: Option<String>,
    cents: u64,
    frozen: bool,
}

/// The timer that ends a freeze.
const UNFREEZE: &str = "unfreeze";

impl Actor for Account {
    const CATEGORY: &'static str = "account";
    type Event = AccountEvent;
    type Error = AccountError;
    type Commands = (Open, Deposit, Withdraw, RequestTransfer, Debit, Credit, Refund, Freeze, Unfreeze);
    type Queries = (Balance,);

    fn evolve(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened { owner } => self.owner = Some(owner.clone()),
            AccountEvent::Deposited { cents }
            | AccountEvent::Credited { cents, .. }
            | AccountEvent::Refunded { cents, .. } => self.cents += cents,
            AccountEvent::Withdrawn { cents } | AccountEvent::Debited { cents, .. } => self.cents -= cents,
            AccountEvent::TransferRequested { .. } => {}
            AccountEvent::Frozen { .. } => self.frozen = true,
            AccountEvent::Unfrozen => self.frozen = false,
        }
    }
}

/// What handlers give.
type Decided<R = ()> = Result<Decision<Account, R>, AccountError>;

impl Account {
    fn must_be_open(&self) -> Result<(), AccountError> {
        self.owner.is_some().then_some(()).ok_or(AccountError::NotOpen)
    }

    fn must_be_usable(&self) -> Result<(), AccountError> {
        self.must_be_open()?;
        if self.frozen { Err(AccountError::Frozen) } else { Ok(()) }
    }

    /// What is left after so much has gone.
    fn less(&self, cents: u64) -> Result<u64, AccountError> {
        self.must_be_usable()?;
        self.cents.checked_sub(cents).ok_or(AccountError::Overdrawn { by: cents.saturating_sub(self.cents) })
    }
}

impl Handle<Open> for Account {
    type Reply = ();

    fn decide(&self, command: &Open, _: &CommandContext) -> Decided {
        match self.owner {
            Some(_) => Err(AccountError::AlreadyOpen),
            None => Ok(Decision::event(AccountEvent::Opened { owner: command.owner.clone() })),
        }
    }
}

impl Handle<Deposit> for Account {
    type Reply = u64;

    fn decide(&self, &Deposit { cents }: &Deposit, _: &CommandContext) -> Decided<u64> {
        self.must_be_usable()?;
        Ok(Decision::event(AccountEvent::Deposited { cents }).reply(self.cents + cents))
    }
}

impl Handle<Withdraw> for Account {
    type Reply = u64;

    fn decide(&self, &Withdraw { cents }: &Withdraw, _: &CommandContext) -> Decided<u64> {
        let left = self.less(cents)?;
        Ok(Decision::event(AccountEvent::Withdrawn { cents }).reply(left))
    }
}

/// Nothing moves yet: the process manager takes it from here.
impl Handle<RequestTransfer> for Account {
    type Reply = String;

    fn decide(&self, command: &RequestTransfer, context: &CommandContext) -> Decided<String> {
        self.must_be_open()?;
        if context.actor.key() == Some(command.to.as_str()) {
            return Err(AccountError::SameAccount);
        }
        // The command's id: a request that is sent again is the same transfer.
        let transfer = context.command_id.to_string();
        let (to, cents) = (command.to.clone(), command.cents);
        let requested = AccountEvent::TransferRequested { transfer: transfer.clone(), to, cents };
        Ok(Decision::event(requested).reply(transfer))
    }
}

impl Handle<Debit> for Account {
    type Reply = ();

    fn decide(&self, command: &Debit, _: &CommandContext) -> Decided {
        self.less(command.cents)?;
        let Debit { transfer, cents } = command.clone();
        Ok(Decision::event(AccountEvent::Debited { transfer, cents }))
    }
}

impl Handle<Credit> for Account {
    type Reply = ();

    fn decide(&self, command: &Credit, _: &CommandContext) -> Decided {
        self.must_be_usable()?;
        let Credit { transfer, cents } = command.clone();
        Ok(Decision::event(AccountEvent::Credited { transfer, cents }))
    }
}

/// Never refused, not even while the account is frozen: where else should the money go?
impl Handle<Refund> for Account {
    type Reply = ();

    fn decide(&self, command: &Refund, _: &CommandContext) -> Decided {
        let Refund { transfer, cents } = command.clone();
        Ok(Decision::event(AccountEvent::Refunded { transfer, cents }))
    }
}

impl Handle<Freeze> for Account {
    type Reply = ();

    fn decide(&self, command: &Freeze, context: &CommandContext) -> Decided {
        self.must_be_usable()?;
        let until = context.now + Duration::from_secs(command.seconds);
        Ok(Decision::event(AccountEvent::Frozen { until }).schedule(UNFREEZE, until, Unfreeze))
    }
}

/// Sent by the timer, or by whoever thinks better of it.
impl Handle<Unfreeze> for Account {
    type Reply = ();

    fn decide(&self, _: &Unfreeze, _: &CommandContext) -> Decided {
        if !self.frozen {
            return Ok(Decision::nothing());
        }
        Ok(Decision::event(AccountEvent::Unfrozen).cancel(UNFREEZE))
    }
}

impl Answer<Balance> for Account {
    type Reply = u64;

    fn answer(&self, _: &Balance) -> u64 {
        self.cents
    }
}
