//! The bank: accounts, and a process manager that carries transfers from one to the other.
//!
//! A transfer is asked of the account that pays. What it debits, a process credits to the other account, or refunds if that
//! one is closed. With each debit a timer is set, after which it counts as settled, and a receipt is to be handed out.

use std::collections::BTreeSet;
use std::time::Duration;

use aether_actor::event::DomainEvent;
use aether_actor::{
    Actor, Answered, Cause, Command, CommandContext, Decision, Effect, Handle, ProcessContext,
    ProcessManager, React, ReactContext, Reaction,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// When a debit is settled.
const SETTLED_AFTER: Duration = Duration::from_millis(300);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
pub(crate) enum AccountEvent {
    Opened {
        cents: u64,
        closed: bool,
    },
    /// A transfer that a process carries on.
    Debited {
        transfer: Uuid,
        to: usize,
        cents: u64,
    },
    Credited {
        transfer: Uuid,
        cents: u64,
    },
    Refunded {
        transfer: Uuid,
        cents: u64,
    },
    Settled {
        transfer: Uuid,
    },
    /// One side of a transfer in one transaction.
    Moved {
        transfer: Uuid,
        cents: i64,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(crate) struct Open {
    pub(crate) cents: u64,
    pub(crate) closed: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(crate) struct Transfer {
    pub(crate) transfer: Uuid,
    pub(crate) to: usize,
    pub(crate) cents: u64,
}

#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Credit {
    transfer: Uuid,
    cents: u64,
}

#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Refund {
    transfer: Uuid,
    cents: u64,
}

#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Settle {
    transfer: Uuid,
}

/// Handed out to whoever has paid.
#[derive(Debug, Serialize, Deserialize, Effect)]
pub(crate) struct Receipt {
    pub(crate) transfer: Uuid,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("overdrawn by {by}")]
    Overdrawn { by: u64 },
    #[error("the account is closed")]
    Closed,
    #[error("the account is open already")]
    AlreadyOpen,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) cents: u64,
    pub(crate) open: bool,
    pub(crate) closed: bool,
    /// Debits that are not settled yet.
    pub(crate) pending: BTreeSet<Uuid>,
}

impl Account {
    /// What is left after paying so much.
    pub(crate) fn pay(&self, cents: u64) -> Result<u64, Refusal> {
        self.cents.checked_sub(cents).ok_or(Refusal::Overdrawn { by: cents.saturating_sub(self.cents) })
    }
}

impl Actor for Account {
    const CATEGORY: &'static str = "account";
    type Event = AccountEvent;
    type Error = Refusal;
    type Commands = (Open, Transfer, Credit, Refund, Settle);
    type Queries = ();

    fn evolve(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened { cents, closed } => {
                (self.cents, self.open, self.closed) = (*cents, true, *closed);
            }
            AccountEvent::Debited { transfer, cents, .. } => {
                self.cents -= cents;
                self.pending.insert(*transfer);
            }
            AccountEvent::Credited { cents, .. } | AccountEvent::Refunded { cents, .. } => {
                self.cents += cents
            }
            AccountEvent::Settled { transfer } => {
                self.pending.remove(transfer);
            }
            AccountEvent::Moved { cents, .. } => self.cents = self.cents.saturating_add_signed(*cents),
        }
    }
}

impl Handle<Open> for Account {
    type Reply = ();

    fn decide(&self, open: &Open, _: &CommandContext) -> Result<Decision<Self>, Refusal> {
        if self.open {
            return Err(Refusal::AlreadyOpen);
        }
        Ok(Decision::event(AccountEvent::Opened { cents: open.cents, closed: open.closed }))
    }
}

impl Handle<Transfer> for Account {
    type Reply = u64;

    fn decide(&self, asked: &Transfer, _: &CommandContext) -> Result<Decision<Self, u64>, Refusal> {
        let left = self.pay(asked.cents)?;
        let Transfer { transfer, to, cents } = *asked;
        Ok(Decision::event(AccountEvent::Debited { transfer, to, cents })
            .schedule(format!("settle-{transfer}"), SETTLED_AFTER, Settle { transfer })
            .effect(Receipt { transfer })
            .reply(left))
    }
}

impl Handle<Credit> for Account {
    type Reply = ();

    fn decide(&self, credit: &Credit, _: &CommandContext) -> Result<Decision<Self>, Refusal> {
        if self.closed {
            return Err(Refusal::Closed);
        }
        Ok(Decision::event(AccountEvent::Credited { transfer: credit.transfer, cents: credit.cents }))
    }
}

impl Handle<Refund> for Account {
    type Reply = ();

    fn decide(&self, refund: &Refund, _: &CommandContext) -> Result<Decision<Self>, Refusal> {
        Ok(Decision::event(AccountEvent::Refunded { transfer: refund.transfer, cents: refund.cents }))
    }
}

/// Without a look at what is pending: a timer that has two effects is to be seen.
impl Handle<Settle> for Account {
    type Reply = ();

    fn decide(&self, settle: &Settle, _: &CommandContext) -> Result<Decision<Self>, Refusal> {
        Ok(Decision::event(AccountEvent::Settled { transfer: settle.transfer }))
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
pub(crate) enum CarrierEvent {
    Begun {
        from: String,
        cents: u64,
    },
    Arrived,
    /// The other account took nothing, so it goes back.
    TurnedBack,
    Returned,
}

/// Carries what was debited to the other account, or back.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Carrier {
    from: String,
    cents: u64,
}

impl ProcessManager for Carrier {
    const NAME: &'static str = "carrier";
    type Event = CarrierEvent;
    type Sources = (Account,);
    type Sends = ((Account, Credit), (Account, Refund));

    fn evolve(&mut self, event: &CarrierEvent) {
        if let CarrierEvent::Begun { from, cents } = event {
            (self.from, self.cents) = (from.clone(), *cents);
        }
    }

    fn answered(&self, answer: &Answered, context: &ProcessContext) -> Reaction<Self> {
        if answer.of::<Account, Refund>().is_some() {
            return Reaction::event(CarrierEvent::Returned);
        }
        match (answer.of::<Account, Credit>(), context.key().parse()) {
            (Some(Ok(())), _) => Reaction::event(CarrierEvent::Arrived),
            (Some(Err(_)), Ok(transfer)) => Reaction::event(CarrierEvent::TurnedBack)
                .send::<Account, _>(&self.from, Refund { transfer, cents: self.cents }),
            _ => Reaction::nothing(),
        }
    }
}

impl React<Account> for Carrier {
    fn key(event: &AccountEvent, _: &Cause) -> Option<String> {
        match event {
            AccountEvent::Debited { transfer, .. } => Some(transfer.to_string()),
            _ => None,
        }
    }

    fn react(&self, event: &AccountEvent, context: &ReactContext) -> Reaction<Self> {
        let AccountEvent::Debited { transfer, to, cents } = event else { return Reaction::nothing() };
        let begun = CarrierEvent::Begun { from: context.cause.key().to_owned(), cents: *cents };
        Reaction::event(begun).send::<Account, _>(to, Credit { transfer: *transfer, cents: *cents })
    }
}
